//! A hardware block under construction: ports, registers, statements, children.

use super::expr::{lit, offset, Expr};
use super::resource::Resource;
use rust_hdl_core::ast::{
    Verilog, VerilogBlock, VerilogBlockOrConditional, VerilogCase, VerilogConditional,
    VerilogExpression, VerilogLink, VerilogLinkDetails, VerilogLiteral, VerilogMatch,
    VerilogStatement,
};
use rust_hdl_core::prelude::{
    Atom, AtomKind, Block, Constraint, Logic, PinConstraint, Probe, TypeDescriptor, TypeKind,
    VCDValue,
};

use std::collections::{BTreeSet, HashMap, HashSet};

/// First statement of every block: names the module for the printer and holds its promise.
pub(super) const MODULE_TAG: &str = "module ";
/// First statement of a combinational process.
pub(super) const COMB_TAG: &str = "combinational";
/// First statement of a clocked process.
pub(super) const CLOCKED_TAG: &str = "clocked";

#[derive(Clone, Debug)]
struct Net {
    name: String,
    width: usize,
    kind: AtomKind,
    value: u64,
    comment: String,
}

impl Atom for Net {
    fn bits(&self) -> usize {
        self.width
    }
    fn connected(&self) -> bool {
        true
    }
    fn changed(&self) -> bool {
        false
    }
    fn kind(&self) -> AtomKind {
        self.kind
    }
    fn descriptor(&self) -> TypeDescriptor {
        TypeDescriptor {
            name: format!("Bits::<{}>", self.width),
            kind: TypeKind::Bits(self.width),
        }
    }
    fn vcd(&self) -> VCDValue {
        // Verilator is the simulator here; rust-hdl's own never runs these blocks.
        VCDValue::String(String::new())
    }
    fn id(&self) -> usize {
        0
    }
    fn verilog(&self) -> VerilogLiteral {
        VerilogLiteral::from(self.value)
    }
    fn constraints(&self) -> Vec<PinConstraint> {
        vec![PinConstraint {
            index: 0,
            constraint: Constraint::Custom(self.comment.clone()),
        }]
    }
}

/// A port of a module, as seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Bits.
    pub width: usize,
    /// Whether it is an input.
    pub inward: bool,
}

/// A register in two-process style: `q` is its value, `d` what it takes at the next edge.
#[derive(Clone, Debug)]
pub struct Reg {
    /// Next value, assigned in the combinational process; `q` by default.
    pub d: Expr,
    /// Present value.
    pub q: Expr,
}

#[derive(Clone, Debug)]
struct RegDecl {
    reg: Reg,
    reset: Option<Expr>,
}

struct Instance {
    name: String,
    module: Module,
    bindings: Vec<(String, Expr)>,
}

/// A block of hardware. Ports and nets are printed in the order in which they were declared.
pub struct Module {
    name: String,
    doc: String,
    nets: Vec<Net>,
    names: HashSet<String>,
    regs: Vec<RegDecl>,
    assigns: VerilogBlock,
    observe: VerilogBlock,
    comb: VerilogBlock,
    instances: Vec<Instance>,
    body: Option<String>,
    resource: Option<Resource>,
}

impl Module {
    /// A module of that name; `doc` states what it promises and heads the printed module.
    pub fn new(name: impl Into<String>, doc: impl Into<String>) -> Self {
        Module {
            name: name.into(),
            doc: doc.into(),
            nets: Vec::new(),
            names: HashSet::new(),
            regs: Vec::new(),
            assigns: Vec::new(),
            observe: Vec::new(),
            comb: Vec::new(),
            instances: Vec::new(),
            body: None,
            resource: None,
        }
    }

    /// The module's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn declare(
        &mut self,
        name: &str,
        width: usize,
        kind: AtomKind,
        value: u64,
        comment: &str,
    ) -> Expr {
        assert!(width >= 1, "{}.{name} has no bits", self.name);
        assert!(
            self.names.insert(name.to_owned()),
            "{}.{name} is declared twice",
            self.name
        );
        self.nets.push(Net {
            name: name.to_owned(),
            width,
            kind,
            value,
            comment: comment.to_owned(),
        });
        Expr::signal(name, width)
    }

    /// The clock and the reset that every clocked block has.
    pub fn clocked(&mut self) {
        self.input("aclk", 1, "");
        self.input("aresetn", 1, "synchronous, active low");
    }

    /// An input port. `comment` follows it in the port list.
    pub fn input(&mut self, name: &str, width: usize, comment: &str) -> Expr {
        self.declare(name, width, AtomKind::InputParameter, 0, comment)
    }

    /// An output port, driven by one [`Module::assign`] or by a child.
    pub fn output(&mut self, name: &str, width: usize, comment: &str) -> Expr {
        self.declare(name, width, AtomKind::OutputParameter, 0, comment)
    }

    /// A net inside the module.
    pub fn net(&mut self, name: &str, width: usize, comment: &str) -> Expr {
        self.declare(name, width, AtomKind::LocalSignal, 0, comment)
    }

    /// A named constant.
    pub fn constant(&mut self, name: &str, value: u64, width: usize, comment: &str) -> Expr {
        lit(value, width);
        self.declare(name, width, AtomKind::Constant, value, comment)
    }

    /// A register `name_q` with next value `name_d` that reset sets to `reset`.
    pub fn reg(&mut self, name: &str, width: usize, reset: u64, comment: &str) -> Reg {
        self.reg_from(name, lit(reset, width), comment)
    }

    /// The same, with an expression (a configuration input) as reset value.
    pub fn reg_from(&mut self, name: &str, reset: Expr, comment: &str) -> Reg {
        self.register(name, reset.width(), Some(reset), comment)
    }

    /// A data register that reset leaves alone, because some valid flag guards it.
    pub fn data_reg(&mut self, name: &str, width: usize, comment: &str) -> Reg {
        self.register(name, width, None, comment)
    }

    fn register(&mut self, name: &str, width: usize, reset: Option<Expr>, comment: &str) -> Reg {
        let q = self.net(&format!("{name}_q"), width, comment);
        let d = self.net(&format!("{name}_d"), width, "");
        let reg = Reg { d, q };
        self.regs.push(RegDecl {
            reg: reg.clone(),
            reset,
        });
        reg
    }

    /// `target = value`, continuously.
    pub fn assign(&mut self, target: &Expr, value: &Expr) {
        assert_eq!(target.width, value.width, "assign to {}", target.name());
        self.assigns.push(VerilogStatement::Assignment(
            target.ast.clone(),
            value.ast.clone(),
        ));
    }

    /// Adds to the process of the nets that depend on registers alone, not on inputs. It stands
    /// apart, so that no simulator sees a loop through the next-state process.
    pub fn observe(&mut self, build: impl FnOnce(&mut Body)) {
        self.observe.append(&mut Body::nested(build));
    }

    /// Adds to the next-state process. Every register has `d = q` as its default before it.
    pub fn comb(&mut self, build: impl FnOnce(&mut Body)) {
        self.comb.append(&mut Body::nested(build));
    }

    /// Bits of an input that no logic uses on purpose; the name tells the linter.
    pub fn unused(&mut self, name: &str, bits: &Expr) {
        let net = self.net(&format!("unused_{name}"), 1, "");
        let value = if bits.width() == 1 {
            bits.clone()
        } else {
            bits.any()
        };
        self.assign(&net, &value);
    }

    /// Places `module` as `name`; each of its ports is bound to a signal, a slice or a constant.
    /// Clock, reset and configuration are bound by themselves, to the same names here.
    pub fn instance(&mut self, name: &str, module: Module, bindings: Vec<(&str, Expr)>) {
        let mut bindings: HashMap<&str, Expr> = bindings.into_iter().collect();
        let mut bound: Vec<(String, Expr)> = Vec::new();
        for net in module.nets.iter().filter(|net| net.kind.is_parameter()) {
            let value = match bindings.remove(net.name.as_str()) {
                Some(value) => value,
                None if net.name == "aclk" || net.name == "aresetn" => Expr::signal(&net.name, 1),
                None if net.name.starts_with("cfg_") => {
                    if !self.names.contains(&net.name) {
                        self.input(&net.name, net.width, &net.comment);
                    }
                    Expr::signal(&net.name, net.width)
                }
                None => panic!("{}.{name}: port {} is not bound", self.name, net.name),
            };
            assert_eq!(
                value.width, net.width,
                "{}.{name}: width of port {}",
                self.name, net.name
            );
            bound.push((net.name.clone(), value));
        }
        assert!(
            bindings.is_empty(),
            "{}.{name}: no ports {:?}",
            self.name,
            bindings.keys()
        );
        self.instances.push(Instance {
            name: name.to_owned(),
            module,
            bindings: bound,
        });
    }

    /// The ports, in order of declaration.
    pub fn ports(&self) -> Vec<Port> {
        let ports = self.nets.iter().filter(|net| net.kind.is_parameter());
        ports
            .map(|net| Port {
                name: net.name.clone(),
                width: net.width,
                inward: net.kind == AtomKind::InputParameter,
            })
            .collect()
    }

    /// The instances below it, each with its name and its module, in the order in which they were placed.
    pub fn instances(&self) -> impl Iterator<Item = (&str, &Module)> {
        let instances = self.instances.iter();
        instances.map(|instance| (instance.name.as_str(), &instance.module))
    }

    fn is_next_value(&self, name: &str) -> bool {
        name.strip_suffix("_d")
            .is_some_and(|stem| self.names.contains(&format!("{stem}_q")))
    }

    /// States what the module itself takes of a device, beside its children.
    pub fn takes(&mut self, resource: Resource) {
        self.resource = Some(resource);
    }

    /// What the module and all below it take.
    pub fn resources(&self) -> Vec<Resource> {
        let below = self.instances.iter();
        let below = below.flat_map(|instance| instance.module.resources());
        self.resource.into_iter().chain(below).collect()
    }

    /// A body in plain Verilog, for the primitives that synthesis tools recognise by their form.
    pub fn primitive_body(&mut self, verilog: String) {
        self.body = Some(verilog);
    }
}

/// Statements of a combinational process.
pub struct Body {
    statements: VerilogBlock,
}

impl Body {
    fn nested(build: impl FnOnce(&mut Body)) -> VerilogBlock {
        let mut body = Body {
            statements: Vec::new(),
        };
        build(&mut body);
        body.statements
    }

    /// A comment line.
    pub fn comment(&mut self, text: &str) {
        self.statements
            .push(VerilogStatement::Comment(text.to_owned()));
    }

    /// `target = value`.
    pub fn set(&mut self, target: &Expr, value: &Expr) {
        assert_eq!(target.width, value.width, "assignment to {}", target.name());
        self.statements.push(VerilogStatement::Assignment(
            target.ast.clone(),
            value.ast.clone(),
        ));
    }

    /// `target[low +: width of value] = value`.
    pub fn set_slice(&mut self, target: &Expr, low: usize, value: &Expr) {
        assert!(low + value.width <= target.width, "{}", target.name());
        if value.width == target.width {
            return self.set(target, value);
        }
        self.statements.push(VerilogStatement::SliceAssignment {
            base: target.ast.clone(),
            width: value.width,
            offset: offset(low),
            replacement: value.ast.clone(),
        });
    }

    /// `if (test) ...`; nothing where a layer leaves nothing to do.
    pub fn when(&mut self, test: &Expr, then: impl FnOnce(&mut Body)) {
        let then = Self::nested(then);
        if !then.is_empty() {
            self.conditional(test, then, VerilogBlockOrConditional::None);
        }
    }

    /// `if (test) ... else ...`
    pub fn when_else(
        &mut self,
        test: &Expr,
        then: impl FnOnce(&mut Body),
        otherwise: impl FnOnce(&mut Body),
    ) {
        let otherwise = Self::nested(otherwise);
        // A lone `if` in the else branch prints as `else if`.
        let otherwise = match otherwise.as_slice() {
            [VerilogStatement::If(_)] => {
                VerilogBlockOrConditional::Conditional(Box::new(otherwise[0].clone()))
            }
            _ => VerilogBlockOrConditional::Block(otherwise),
        };
        self.conditional(test, Self::nested(then), otherwise);
    }

    fn conditional(
        &mut self,
        test: &Expr,
        then: VerilogBlock,
        otherwise: VerilogBlockOrConditional,
    ) {
        assert_eq!(test.width, 1, "a condition is one bit");
        self.statements
            .push(VerilogStatement::If(VerilogConditional {
                test: test.ast.clone(),
                then,
                otherwise,
            }));
    }

    /// `target = test ? yes : no`, as an if with the default first.
    pub fn select(&mut self, target: &Expr, test: &Expr, yes: &Expr, no: &Expr) {
        self.set(target, no);
        self.when(test, |b| b.set(target, yes));
    }

    /// `case (selector)`: one branch for each of 0 to `branches - 1`, the last as the default.
    pub fn case(
        &mut self,
        selector: &Expr,
        branches: usize,
        mut build: impl FnMut(&mut Body, usize),
    ) {
        let cases = (0..branches)
            .map(|index| VerilogCase {
                condition: if index + 1 == branches {
                    "default".to_owned()
                } else {
                    format!("{}'d{index}", selector.width)
                },
                block: Self::nested(|b| build(b, index)),
            })
            .collect();
        self.statements.push(VerilogStatement::Match(VerilogMatch {
            test: selector.ast.clone(),
            cases,
        }));
    }
}

/// The nets that a process assigns as a whole whatever its conditions: they need no default.
fn unconditional_targets(block: &VerilogBlock) -> BTreeSet<&str> {
    block
        .iter()
        .filter_map(|statement| match statement {
            VerilogStatement::Assignment(VerilogExpression::Signal(name), _) => Some(name.as_str()),
            _ => None,
        })
        .collect()
}

fn assignment(target: &Expr, value: &Expr) -> VerilogStatement {
    VerilogStatement::Assignment(target.ast.clone(), value.ast.clone())
}

impl Logic for Module {
    fn update(&mut self) {}

    fn hdl(&self) -> Verilog {
        if let Some(body) = &self.body {
            // The printer finds name and doc in the comment lines that head the text.
            return Verilog::Custom(format!("{MODULE_TAG}{}\n{}\0{body}", self.name, self.doc));
        }
        let mut block = vec![VerilogStatement::Comment(format!(
            "{MODULE_TAG}{}\n{}",
            self.name, self.doc
        ))];
        block.extend(self.assigns.iter().cloned());
        if !self.observe.is_empty() {
            let mut process = vec![VerilogStatement::Comment(COMB_TAG.into())];
            process.extend(self.observe.iter().cloned());
            block.push(VerilogStatement::Macro(process));
        }
        if !(self.regs.is_empty() && self.comb.is_empty()) {
            let mut process = vec![VerilogStatement::Comment(COMB_TAG.into())];
            let always_set = unconditional_targets(&self.comb);
            process.extend(
                self.regs
                    .iter()
                    .filter(|r| !always_set.contains(r.reg.d.name()))
                    .map(|r| assignment(&r.reg.d, &r.reg.q)),
            );
            process.extend(self.comb.iter().cloned());
            block.push(VerilogStatement::Macro(process));
        }
        if !self.regs.is_empty() {
            let mut process = vec![VerilogStatement::Comment(CLOCKED_TAG.into())];
            let reset: VerilogBlock = self
                .regs
                .iter()
                .filter_map(|r| r.reset.as_ref().map(|value| assignment(&r.reg.q, value)))
                .collect();
            let copy = |with_reset: bool| -> VerilogBlock {
                self.regs
                    .iter()
                    .filter(|r| r.reset.is_some() == with_reset)
                    .map(|r| assignment(&r.reg.q, &r.reg.d))
                    .collect()
            };
            if !reset.is_empty() {
                process.push(VerilogStatement::If(VerilogConditional {
                    test: (!Expr::signal("aresetn", 1)).ast,
                    then: reset,
                    otherwise: VerilogBlockOrConditional::Block(copy(true)),
                }));
            }
            process.extend(copy(false));
            block.push(VerilogStatement::Macro(process));
        }
        let always_set = unconditional_targets(&self.comb);
        super::order::check(&self.name, [&self.observe, &self.comb], &|name| {
            self.is_next_value(name) && !always_set.contains(name)
        });
        for instance in &self.instances {
            let links = instance
                .bindings
                .iter()
                .map(|(port, value)| {
                    VerilogLink::Bidirectional(VerilogLinkDetails {
                        my_name: port.clone(),
                        owner_name: instance.name.clone(),
                        other_name: super::printer::expression_text(&value.ast),
                    })
                })
                .collect();
            block.push(VerilogStatement::Link(links));
        }
        Verilog::Combinatorial(block)
    }
}

impl Block for Module {
    fn connect_all(&mut self) {}

    fn update_all(&mut self) {}

    fn has_changed(&self) -> bool {
        false
    }

    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_start_scope(name, self);
        for net in &self.nets {
            probe.visit_atom(&net.name, net);
        }
        for instance in &self.instances {
            instance.module.accept(&instance.name, probe);
        }
        probe.visit_end_scope(name, self);
    }
}
