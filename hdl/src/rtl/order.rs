//! The order of statements within a process.

use rust_hdl_core::ast::{
    VerilogBlock, VerilogBlockOrConditional, VerilogExpression, VerilogStatement,
};
use std::collections::BTreeSet;

/// Panics where a process reads a net before it assigns it: `always @*` would see the old value
/// in simulation and the new one in synthesis. Such a block is a bug, whatever the layer.
///
/// `defaulted` tells which nets have a default ahead of the statements.
pub(super) fn check(module: &str, processes: [&VerilogBlock; 2], defaulted: &dyn Fn(&str) -> bool) {
    for process in processes {
        let mut order = Order {
            module,
            defaulted,
            targets: BTreeSet::new(),
            assigned: BTreeSet::new(),
        };
        order.collect(process);
        order.block(process);
    }
}

struct Order<'a> {
    module: &'a str,
    defaulted: &'a dyn Fn(&str) -> bool,
    /// Nets that the process assigns anywhere and that have no default.
    targets: BTreeSet<&'a str>,
    assigned: BTreeSet<&'a str>,
}

impl<'a> Order<'a> {
    fn collect(&mut self, block: &'a VerilogBlock) {
        for statement in block {
            match statement {
                VerilogStatement::Assignment(VerilogExpression::Signal(name), _)
                | VerilogStatement::SliceAssignment {
                    base: VerilogExpression::Signal(name),
                    ..
                } if !(self.defaulted)(name) => {
                    self.targets.insert(name);
                }
                VerilogStatement::If(conditional) => {
                    self.collect(&conditional.then);
                    self.collect_otherwise(&conditional.otherwise);
                }
                VerilogStatement::Match(matched) => {
                    matched.cases.iter().for_each(|c| self.collect(&c.block));
                }
                _ => {}
            }
        }
    }

    fn collect_otherwise(&mut self, otherwise: &'a VerilogBlockOrConditional) {
        match otherwise {
            VerilogBlockOrConditional::Block(block) => self.collect(block),
            VerilogBlockOrConditional::Conditional(statement) => {
                if let VerilogStatement::If(inner) = statement.as_ref() {
                    self.collect(&inner.then);
                    self.collect_otherwise(&inner.otherwise);
                }
            }
            VerilogBlockOrConditional::None => {}
        }
    }

    fn block(&mut self, block: &'a VerilogBlock) {
        for statement in block {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &'a VerilogStatement) {
        match statement {
            VerilogStatement::Assignment(VerilogExpression::Signal(name), value)
            | VerilogStatement::SliceAssignment {
                base: VerilogExpression::Signal(name),
                replacement: value,
                ..
            } => {
                self.read(value);
                self.assigned.insert(name);
            }
            VerilogStatement::If(conditional) => {
                self.read(&conditional.test);
                self.block(&conditional.then);
                match &conditional.otherwise {
                    VerilogBlockOrConditional::Block(block) => self.block(block),
                    VerilogBlockOrConditional::Conditional(inner) => self.statement(inner),
                    VerilogBlockOrConditional::None => {}
                }
            }
            VerilogStatement::Match(matched) => {
                self.read(&matched.test);
                matched.cases.iter().for_each(|c| self.block(&c.block));
            }
            _ => {}
        }
    }

    fn read(&self, expression: &VerilogExpression) {
        match expression {
            VerilogExpression::Signal(name) => assert!(
                !self.targets.contains(name.as_str()) || self.assigned.contains(name.as_str()),
                "{}: {name} is read before it is assigned",
                self.module
            ),
            VerilogExpression::Cast(inner, _)
            | VerilogExpression::Paren(inner)
            | VerilogExpression::Signed(inner)
            | VerilogExpression::Unsigned(inner)
            | VerilogExpression::Unary(_, inner)
            | VerilogExpression::Slice(inner, ..)
            | VerilogExpression::Index(inner, _) => self.read(inner),
            VerilogExpression::Binary(left, _, right) => {
                self.read(left);
                self.read(right);
            }
            VerilogExpression::Literal(_) | VerilogExpression::IndexReplace(..) => {}
        }
    }
}
