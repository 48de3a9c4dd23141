//! Sums of which one operand is chosen, for each family: the choice and the addition in one cell a bit.

use crate::primitives::target::Target;
use crate::rtl::{lit, Expr, Module};
use std::fmt::Write as _;

const CHOSEN_DOC: &str = "\
`sum` is `from + (choose ? one : other)`. Combinational.";

const STARTED_DOC: &str = "\
`sum` is `from + step` while `fresh` is low, else `start`. `step` is zero while `fresh` is high, and
`start` while it is low. Combinational.";

/// Operands of [`chosen_sum`], all of one width but for `choose`.
pub struct Chosen<'a> {
    /// Added to.
    pub from: &'a Expr,
    /// Which of the other two is added.
    pub choose: &'a Expr,
    /// Added while `choose` is high.
    pub one: &'a Expr,
    /// Added while it is low.
    pub other: &'a Expr,
}

/// `from + (choose ? one : other)`. `name` is that of the net; the family's cells stand in a module
/// that has the name of `m` before it.
pub fn chosen_sum(m: &mut Module, name: &str, operands: Chosen, target: Target) -> Expr {
    let Chosen {
        from,
        choose,
        one,
        other,
    } = operands;
    let bits = from.width();
    let sum = m.net(name, bits, "");
    if target != Target::Ecp5 {
        let added = m.net(&format!("{name}_added"), bits, "");
        m.observe(|b| b.select(&added, choose, one, other));
        m.assign(&sum, &(from + added));
        return sum;
    }
    let cells = Cells {
        doc: CHOSEN_DOC,
        vectors: ["from", "one", "other"],
        flag: "choose",
        flag_low: None,
        // The pins C and D may be low in a cell that propagates and generates as A alone tells.
        pins: |i, [from, one, other]| {
            format!(".A{i}({from}), .B{i}({one}), .C{i}(choose), .D{i}({other})")
        },
        propagates: |a, b, c, d| a ^ if c { b } else { d },
    };
    let module = format!("{}_{name}", m.name());
    m.instance(
        &format!("u_{name}"),
        cells.module(&module, bits),
        vec![
            ("from", from.clone()),
            ("choose", choose.clone()),
            ("one", one.clone()),
            ("other", other.clone()),
            ("sum", sum.clone()),
        ],
    );
    sum
}

/// `left + right`, and one more where `carry`: one adder, whose lowest bit stands below the sum and makes that carry. `name`
/// is that of the sum; `what` is the step that the carry stands for.
pub fn carry_sum(
    m: &mut Module,
    name: &str,
    (left, right): (&Expr, &Expr),
    (carry, what): (&Expr, &str),
) -> Expr {
    let width = left.width() + 1;
    let mut operand = |part: &str, value: &Expr, low: &Expr| {
        let net = m.net(&format!("{name}_{part}"), width, "");
        m.assign(&net.slice(1, width - 1), value);
        m.assign(&net.bit(0), low);
        net
    };
    let sum = operand("from", left, &lit(1, 1)) + operand("step", right, carry);
    let comment = format!("above a bit whose carry is {what}");
    let net = m.net(&format!("{name}_sum"), width, &comment);
    m.assign(&net, &sum);
    m.unused(&format!("{name}_carry"), &net.bit(0));
    net.slice(1, width - 1)
}

/// Operands of [`started_sum`], all of one width but for `fresh`.
pub struct Started<'a> {
    /// The sum begins anew.
    pub fresh: &'a Expr,
    /// Its first value, zero while `fresh` is low.
    pub start: &'a Expr,
    /// What it comes from else.
    pub from: &'a Expr,
    /// What is added to that, zero while `fresh` is high.
    pub step: &'a Expr,
}

/// `fresh ? start : from + step`, see [`Started`].
pub fn started_sum(m: &mut Module, name: &str, operands: Started, target: Target) -> Expr {
    let Started {
        fresh,
        start,
        from,
        step,
    } = operands;
    let bits = from.width();
    let sum = m.net(name, bits, "");
    if target != Target::Ecp5 {
        m.assign(&sum, &((start | step) + from.gated(&!fresh)));
        return sum;
    }
    let cells = Cells {
        doc: STARTED_DOC,
        vectors: ["start", "from", "step"],
        flag: "fresh",
        flag_low: Some("goes_on"),
        // The pins C and D may be low in a cell that propagates and generates as A or B tells.
        pins: |i, [start, from, step]| {
            format!(".A{i}({start}), .B{i}({step}), .C{i}({from}), .D{i}(goes_on)")
        },
        propagates: |a, b, c, d| (a | b) ^ (c & d),
    };
    let module = format!("{}_{name}", m.name());
    m.instance(
        &format!("u_{name}"),
        cells.module(&module, bits),
        vec![
            ("fresh", fresh.clone()),
            ("start", start.clone()),
            ("from", from.clone()),
            ("step", step.clone()),
            ("sum", sum.clone()),
        ],
    );
    sum
}

/// A chain of CCU2C. In each of its cells a function of four pins tells whether a bit propagates the
/// carry; where it does not, the same table tells for C = D = 0 the carry, from A and B.
struct Cells {
    doc: &'static str,
    vectors: [&'static str; 3],
    flag: &'static str,
    /// The net that is high while the flag is low, where a pin needs that.
    flag_low: Option<&'static str>,
    pins: fn(usize, [String; 3]) -> String,
    propagates: fn(bool, bool, bool, bool) -> bool,
}

impl Cells {
    fn module(&self, name: &str, bits: usize) -> Module {
        let mut m = Module::new(name, self.doc);
        m.input(self.flag, 1, "");
        for vector in self.vectors {
            m.input(vector, bits, "");
        }
        m.output("sum", bits, "");
        m.primitive_body(self.body(bits));
        m
    }

    fn table(&self) -> u16 {
        (0..16)
            .filter(|row| {
                let pin = |index: u16| row >> index & 1 == 1;
                (self.propagates)(pin(0), pin(1), pin(2), pin(3))
            })
            .map(|row| 1 << row)
            .sum()
    }

    fn body(&self, bits: usize) -> String {
        let cells = bits.div_ceil(2);
        let table = self.table();
        let pins = |bit: usize| {
            let nets = self.vectors.map(|vector| match bits {
                _ if bit >= bits => "1'b0".to_owned(),
                1 => vector.to_owned(),
                _ => format!("{vector}[{bit}]"),
            });
            (self.pins)(bit % 2, nets)
        };
        let (declared, assigned) = match self.flag_low {
            Some(low) => (
                format!("wire {low};\n"),
                format!("assign {low} = ~{};\n", self.flag),
            ),
            None => Default::default(),
        };
        let mut text = format!(
            "\
{declared}wire [{top}:0] bits;
wire [{cells}:0] carry;

assign sum = bits[{msb}:0];
assign carry[0] = 1'b0;
{assigned}
",
            msb = bits - 1,
            top = 2 * cells - 1,
        );
        for cell in 0..cells {
            let _ = writeln!(
                text,
                "CCU2C #(.INIT0(16'h{table:04X}), .INIT1(16'h{table:04X}), .INJECT1_0(\"NO\"), .INJECT1_1(\"NO\")) u_sum{cell} (\n  .CIN(carry[{cell}]), {},\n  {},\n  .S0(bits[{}]), .S1(bits[{}]), .COUT(carry[{}])\n);",
                pins(2 * cell),
                pins(2 * cell + 1),
                2 * cell,
                2 * cell + 1,
                cell + 1,
            );
        }
        let above = match bits % 2 {
            1 => format!(" | bits[{bits}]"),
            _ => String::new(),
        };
        let _ = writeln!(
            text,
            "wire unused_carry;\nassign unused_carry = carry[{cells}]{above};"
        );
        text
    }
}
