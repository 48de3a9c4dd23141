//! Prints a tree of blocks as Verilog-2005 that a person can read: ANSI headers with commented
//! ports, each distinct module once, parents before children.

use super::module::{CLOCKED_TAG, COMB_TAG, MODULE_TAG};
use rust_hdl_core::ast::{
    Verilog, VerilogBlock, VerilogBlockOrConditional, VerilogExpression, VerilogLink, VerilogOp,
    VerilogOpUnary, VerilogStatement,
};
use rust_hdl_core::prelude::{Atom, AtomKind, Block, Constraint, Probe};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The Verilog of `top` and of every module below it.
pub fn print_verilog(top: &dyn Block) -> String {
    let mut printer = Printer::default();
    top.accept("top", &mut printer);
    let texts: Vec<String> = printer.done.into_iter().map(|module| module.text).collect();
    texts.join("\n")
}

#[derive(Default)]
struct Printer {
    open: Vec<Scope>,
    done: Vec<PrintedModule>,
}

struct PrintedModule {
    name: String,
    text: String,
}

/// A module between its start and its end in the visit.
struct Scope {
    name: String,
    doc: String,
    hdl: Verilog,
    /// Position among the finished modules, reserved at the start so that parents come first.
    position: usize,
    nets: Vec<PrintedNet>,
    /// Instance name and module name of each child.
    children: Vec<(String, String)>,
}

struct PrintedNet {
    name: String,
    kind: AtomKind,
    bits: usize,
    value: String,
    comment: String,
}

impl Probe for Printer {
    fn visit_start_scope(&mut self, instance: &str, node: &dyn Block) {
        let mut hdl = node.hdl();
        let header = match &mut hdl {
            Verilog::Combinatorial(block) => match block.first() {
                Some(VerilogStatement::Comment(header)) => {
                    let header = header.clone();
                    block.remove(0);
                    header
                }
                _ => String::new(),
            },
            Verilog::Custom(text) => match text.split_once('\0') {
                Some((header, body)) => {
                    let header = header.to_owned();
                    *text = body.to_owned();
                    header
                }
                None => String::new(),
            },
            _ => String::new(),
        };
        let header = header.strip_prefix(MODULE_TAG).unwrap_or(&header);
        let (name, doc) = header.split_once('\n').unwrap_or((header, ""));
        if let Some(parent) = self.open.last_mut() {
            parent.children.push((instance.to_owned(), name.to_owned()));
        }
        let position = self
            .done
            .iter()
            .position(|module| module.name == name)
            .unwrap_or_else(|| {
                self.done.push(PrintedModule {
                    name: name.to_owned(),
                    text: String::new(),
                });
                self.done.len() - 1
            });
        self.open.push(Scope {
            name: name.to_owned(),
            doc: doc.to_owned(),
            hdl,
            position,
            nets: Vec::new(),
            children: Vec::new(),
        });
    }

    fn visit_atom(&mut self, name: &str, signal: &dyn Atom) {
        let comment = signal
            .constraints()
            .into_iter()
            .find_map(|pin| match pin.constraint {
                Constraint::Custom(text) => Some(text),
                _ => None,
            })
            .unwrap_or_default();
        if let Some(scope) = self.open.last_mut() {
            // `32'hff`: the digits behind the quote are the value; the width is the atom's own.
            let literal = format!("{:x}", signal.verilog());
            let hex = literal.split('h').next_back().unwrap_or("0").to_owned();
            scope.nets.push(PrintedNet {
                name: name.to_owned(),
                kind: signal.kind(),
                bits: signal.bits(),
                value: sized_literal(&hex, signal.bits()),
                comment,
            });
        }
    }

    fn visit_end_scope(&mut self, _instance: &str, _node: &dyn Block) {
        if let Some(scope) = self.open.pop() {
            let text = scope.print();
            let module = &mut self.done[scope.position];
            assert!(
                module.text.is_empty() || module.text == text,
                "two different modules are named {}",
                module.name
            );
            module.text = text;
        }
    }
}

/// Small values read best in decimal, the wide packed tables in hexadecimal.
fn sized_literal(hex: &str, bits: usize) -> String {
    match u64::from_str_radix(hex, 16) {
        Ok(value) if bits <= 32 => format!("{bits}'d{value}"),
        _ => format!("{bits}'h{hex}"),
    }
}

fn range(bits: usize) -> String {
    if bits == 1 {
        String::new()
    } else {
        format!("[{}:0]", bits - 1)
    }
}

impl Scope {
    fn print(&self) -> String {
        let mut out = String::new();
        for line in self.doc.lines() {
            let _ = writeln!(out, "{}", format!("// {line}").trim_end());
        }
        let _ = writeln!(out, "module {} (", self.name);
        self.print_ports(&mut out);
        let _ = writeln!(out, ");");
        self.print_nets(&mut out);
        match &self.hdl {
            Verilog::Custom(body) => {
                out.push('\n');
                for line in body.lines() {
                    let _ = writeln!(out, "{}", format!("  {line}").trim_end());
                }
            }
            Verilog::Combinatorial(block) => self.print_block(block, &mut out),
            _ => {}
        }
        let _ = writeln!(out, "endmodule");
        out
    }

    fn print_ports(&self, out: &mut String) {
        let ports: Vec<&PrintedNet> = self.nets.iter().filter(|n| n.kind.is_parameter()).collect();
        let width = ports.iter().map(|n| range(n.bits).len()).max().unwrap_or(0);
        for (index, port) in ports.iter().enumerate() {
            let direction = match port.kind {
                AtomKind::InputParameter => "input  wire",
                _ => "output wire",
            };
            let comma = if index + 1 == ports.len() { "" } else { "," };
            let mut line = format!(
                "  {direction} {:width$} {}{comma}",
                range(port.bits),
                port.name
            );
            if !port.comment.is_empty() {
                let _ = write!(line, "  // {}", port.comment);
            }
            let _ = writeln!(out, "{}", line.trim_end());
        }
    }

    fn print_nets(&self, out: &mut String) {
        let assigned = self.procedural_targets();
        let locals: Vec<&PrintedNet> = self
            .nets
            .iter()
            .filter(|n| !n.kind.is_parameter())
            .collect();
        let width = locals
            .iter()
            .map(|n| range(n.bits).len())
            .max()
            .unwrap_or(0);
        let is_next_value = |net: &PrintedNet| -> bool {
            // `x_d` is declared beside `x_q`.
            let present = net.name.strip_suffix("_d").map(|stem| format!("{stem}_q"));
            present.is_some_and(|present| assigned.contains(&present))
        };
        for net in &locals {
            if is_next_value(net) {
                continue;
            }
            let mut line = match net.kind {
                AtomKind::Constant => format!(
                    "  localparam {:width$} {} = {};",
                    range(net.bits),
                    net.name,
                    net.value
                ),
                _ if assigned.contains(&net.name) => match net.name.strip_suffix("_q") {
                    Some(stem) => format!("  reg  {:width$} {stem}_q, {stem}_d;", range(net.bits)),
                    None => format!("  reg  {:width$} {};", range(net.bits), net.name),
                },
                _ => format!("  wire {:width$} {};", range(net.bits), net.name),
            };
            if !net.comment.is_empty() {
                let _ = write!(line, "  // {}", net.comment);
            }
            let _ = writeln!(out, "{line}");
        }
    }

    fn procedural_targets(&self) -> BTreeSet<String> {
        let mut targets = BTreeSet::new();
        if let Verilog::Combinatorial(block) = &self.hdl {
            for statement in block {
                if let VerilogStatement::Macro(process) = statement {
                    collect_targets(process, &mut targets);
                }
            }
        }
        targets
    }

    fn print_block(&self, block: &VerilogBlock, out: &mut String) {
        let mut links = Vec::new();
        let mut first_assign = true;
        for statement in block {
            match statement {
                VerilogStatement::Assignment(target, value) => {
                    if first_assign {
                        out.push('\n');
                        first_assign = false;
                    }
                    let _ = writeln!(
                        out,
                        "  assign {} = {};",
                        expression_text(target),
                        expression_text(value)
                    );
                }
                VerilogStatement::Macro(process) => print_process(process, out),
                VerilogStatement::Link(link) => links.push(link),
                _ => {}
            }
        }
        for ((instance, module), link) in self.children.iter().zip(links) {
            let _ = writeln!(out, "\n  {module} {instance} (");
            let width = link.iter().map(|l| port_name(l).len()).max().unwrap_or(0);
            for (index, binding) in link.iter().enumerate() {
                let comma = if index + 1 == link.len() { "" } else { "," };
                if let VerilogLink::Bidirectional(details) = binding {
                    let _ = writeln!(
                        out,
                        "    .{:width$} ({}){comma}",
                        details.my_name, details.other_name
                    );
                }
            }
            let _ = writeln!(out, "  );");
        }
    }
}

fn port_name(link: &VerilogLink) -> &str {
    match link {
        VerilogLink::Bidirectional(details)
        | VerilogLink::Forward(details)
        | VerilogLink::Backward(details) => &details.my_name,
    }
}

fn collect_targets(block: &VerilogBlock, targets: &mut BTreeSet<String>) {
    for statement in block {
        match statement {
            VerilogStatement::Assignment(VerilogExpression::Signal(name), _)
            | VerilogStatement::SliceAssignment {
                base: VerilogExpression::Signal(name),
                ..
            } => {
                targets.insert(name.clone());
            }
            VerilogStatement::If(conditional) => {
                collect_targets(&conditional.then, targets);
                match &conditional.otherwise {
                    VerilogBlockOrConditional::Block(block) => collect_targets(block, targets),
                    VerilogBlockOrConditional::Conditional(statement) => {
                        collect_targets(&vec![(**statement).clone()], targets)
                    }
                    VerilogBlockOrConditional::None => {}
                }
            }
            VerilogStatement::Match(matched) => {
                for case in &matched.cases {
                    collect_targets(&case.block, targets);
                }
            }
            _ => {}
        }
    }
}

fn print_process(process: &VerilogBlock, out: &mut String) {
    let clocked =
        matches!(process.first(), Some(VerilogStatement::Comment(tag)) if tag == CLOCKED_TAG);
    debug_assert!(
        clocked
            || matches!(process.first(), Some(VerilogStatement::Comment(tag)) if tag == COMB_TAG)
    );
    let event = if clocked {
        "always @(posedge aclk)"
    } else {
        "always @*"
    };
    let _ = writeln!(out, "\n  {event} begin");
    let writer = StatementWriter {
        assign: if clocked { "<=" } else { "=" },
    };
    writer.block(&process[1..], 2, out);
    let _ = writeln!(out, "  end");
}

struct StatementWriter {
    assign: &'static str,
}

impl StatementWriter {
    fn block(&self, block: &[VerilogStatement], depth: usize, out: &mut String) {
        for statement in block {
            self.statement(statement, depth, out);
        }
    }

    fn statement(&self, statement: &VerilogStatement, depth: usize, out: &mut String) {
        let pad = "  ".repeat(depth);
        let assign = self.assign;
        match statement {
            VerilogStatement::Assignment(target, value) => {
                let _ = writeln!(
                    out,
                    "{pad}{} {assign} {};",
                    expression_text(target),
                    expression_text(value)
                );
            }
            VerilogStatement::SliceAssignment {
                base,
                width,
                offset,
                replacement,
            } => {
                let _ = writeln!(
                    out,
                    "{pad}{} {assign} {};",
                    slice_text(&expression_text(base), *width, offset),
                    expression_text(replacement)
                );
            }
            VerilogStatement::Comment(text) => {
                for line in text.lines() {
                    let _ = writeln!(out, "{pad}// {line}");
                }
            }
            VerilogStatement::If(conditional) => {
                let _ = write!(out, "{pad}");
                self.conditional(conditional, depth, out);
            }
            VerilogStatement::Match(matched) => {
                let _ = writeln!(out, "{pad}case ({})", expression_text(&matched.test));
                for case in &matched.cases {
                    let _ = writeln!(out, "{pad}  {}: begin", case.condition);
                    self.block(&case.block, depth + 2, out);
                    let _ = writeln!(out, "{pad}  end");
                }
                let _ = writeln!(out, "{pad}endcase");
            }
            VerilogStatement::Macro(block) => self.block(block, depth, out),
            VerilogStatement::Loop(_) | VerilogStatement::Link(_) => {
                unreachable!("blocks build neither loops nor links inside a process")
            }
        }
    }

    fn conditional(
        &self,
        conditional: &rust_hdl_core::ast::VerilogConditional,
        depth: usize,
        out: &mut String,
    ) {
        let pad = "  ".repeat(depth);
        let _ = writeln!(out, "if ({}) begin", expression_text(&conditional.test));
        self.block(&conditional.then, depth + 1, out);
        match &conditional.otherwise {
            VerilogBlockOrConditional::None => {
                let _ = writeln!(out, "{pad}end");
            }
            VerilogBlockOrConditional::Block(block) => {
                let _ = writeln!(out, "{pad}end else begin");
                self.block(block, depth + 1, out);
                let _ = writeln!(out, "{pad}end");
            }
            VerilogBlockOrConditional::Conditional(statement) => {
                let _ = write!(out, "{pad}end else ");
                if let VerilogStatement::If(inner) = statement.as_ref() {
                    self.conditional(inner, depth, out);
                }
            }
        }
    }
}

fn slice_text(base: &str, width: usize, offset: &VerilogExpression) -> String {
    let low = literal_usize(offset);
    if width == 1 {
        format!("{base}[{low}]")
    } else {
        format!("{base}[{}:{low}]", low + width - 1)
    }
}

fn literal_usize(expression: &VerilogExpression) -> usize {
    match expression {
        VerilogExpression::Literal(value) => value.as_usize(),
        other => unreachable!("blocks slice at constants only, found {other:?}"),
    }
}

/// One expression as Verilog.
pub(super) fn expression_text(expression: &VerilogExpression) -> String {
    match expression {
        VerilogExpression::Signal(name) => name.clone(),
        VerilogExpression::Literal(value) => format!("{value:x}"),
        VerilogExpression::Paren(inner) => format!("({})", expression_text(inner)),
        VerilogExpression::Binary(left, op, right) => format!(
            "{} {} {}",
            expression_text(left),
            operator_text(op),
            expression_text(right)
        ),
        VerilogExpression::Unary(op, inner) => {
            let symbol = match op {
                VerilogOpUnary::Not => "~",
                VerilogOpUnary::Neg => "-",
                VerilogOpUnary::All => "&",
                VerilogOpUnary::Any => "|",
                VerilogOpUnary::Xor => "^",
            };
            format!("{symbol}{}", expression_text(inner))
        }
        VerilogExpression::Index(base, index) => {
            format!("{}[{}]", expression_text(base), literal_usize(index))
        }
        VerilogExpression::Slice(base, width, low) => {
            slice_text(&expression_text(base), *width, low)
        }
        VerilogExpression::Cast(inner, width) => cast_text(inner, *width),
        VerilogExpression::Signed(inner) | VerilogExpression::Unsigned(inner) => {
            expression_text(inner)
        }
        VerilogExpression::IndexReplace(..) => {
            unreachable!("blocks assign slices instead")
        }
    }
}

fn operator_text(op: &VerilogOp) -> &'static str {
    match op {
        VerilogOp::Add => "+",
        VerilogOp::Sub => "-",
        VerilogOp::Mul => "*",
        VerilogOp::LogicalAnd => "&&",
        VerilogOp::LogicalOr => "||",
        VerilogOp::BitXor => "^",
        VerilogOp::BitAnd => "&",
        VerilogOp::BitOr => "|",
        VerilogOp::Shl => "<<",
        VerilogOp::Shr => ">>",
        VerilogOp::Eq => "==",
        VerilogOp::Lt => "<",
        VerilogOp::Le => "<=",
        VerilogOp::Ne => "!=",
        VerilogOp::Ge => ">=",
        VerilogOp::Gt => ">",
    }
}

/// A sized constant, a zero extension or a sign extension.
fn cast_text(inner: &VerilogExpression, width: usize) -> String {
    match inner {
        VerilogExpression::Literal(value) => {
            let text = format!("{value:x}");
            sized_literal(text.split('h').next_back().unwrap_or("0"), width)
        }
        VerilogExpression::Signed(sized) => match sized.as_ref() {
            VerilogExpression::Cast(value, from) => {
                let text = expression_text(value);
                let copies = width - from;
                if *from == 1 {
                    return format!("{{{width}{{{text}}}}}");
                }
                format!("{{{{{copies}{{{}}}}}, {text}}}", sign_bit(value, *from))
            }
            other => unreachable!("a sign extension knows its width, found {other:?}"),
        },
        VerilogExpression::Cast(value, from)
            if !matches!(value.as_ref(), VerilogExpression::Literal(_)) =>
        {
            format!("{{{}'d0, {}}}", width - from, expression_text(value))
        }
        VerilogExpression::Cast(value, _) => cast_text(value, width),
        other => unreachable!("an extension knows its width, found {other:?}"),
    }
}

fn sign_bit(value: &VerilogExpression, width: usize) -> String {
    match value {
        VerilogExpression::Signal(name) => format!("{name}[{}]", width - 1),
        VerilogExpression::Slice(base, _, low) => format!(
            "{}[{}]",
            expression_text(base),
            literal_usize(low) + width - 1
        ),
        other => unreachable!("only signals and slices are sign-extended, found {other:?}"),
    }
}
