//! The sum of a value and another one that counts or not, for each family.

use crate::primitives::target::Target;
use crate::rtl::{Expr, Module};
use std::fmt::Write as _;

const DOC: &str = "\
`sum` is `from + add` while `fresh` is low, else `add`. Combinational.";

/// `fresh ? add : from + add`, all of one width. `module` names the family's body where there is one.
pub fn gated_add(
    m: &mut Module,
    (module, name): (&str, &str),
    fresh: &Expr,
    from: &Expr,
    add: &Expr,
    target: Target,
) -> Expr {
    let bits = add.width();
    let sum = m.net(name, bits, "");
    if target != Target::Ecp5 {
        m.comb(|b| b.set(&sum, &(add + from.gated(&!fresh))));
        return sum;
    }
    m.instance(
        &format!("u_{name}"),
        carry_chain(module, bits),
        vec![
            ("fresh", fresh.clone()),
            ("from", from.clone()),
            ("add", add.clone()),
            ("sum", sum.clone()),
        ],
    );
    sum
}

fn carry_chain(name: &str, bits: usize) -> Module {
    let mut m = Module::new(name, DOC);
    m.input("fresh", 1, "");
    m.input("from", bits, "");
    m.input("add", bits, "");
    m.output("sum", bits, "");
    m.primitive_body(ccu2c_chain(bits));
    m
}

/// The choice inside the carry cells, where inference spends a lookup table a bit on it.
///
/// With A = add, B = from, C = fresh, D = 1, a bit propagates the carry by A ^ (B & ~C) (upper half
/// of INIT: 16'hA6..) and where it does not, A tells the carry (lowest four bits of INIT: A).
fn ccu2c_chain(bits: usize) -> String {
    let cells = bits.div_ceil(2);
    let pins = |cell: usize, half: usize| {
        let bit = 2 * cell + half;
        match bit < bits {
            true => format!(
                ".A{half}(add[{bit}]), .B{half}(from[{bit}]), .C{half}(fresh), .D{half}(1'b1)"
            ),
            false => format!(".A{half}(1'b0), .B{half}(1'b0), .C{half}(1'b0), .D{half}(1'b1)"),
        }
    };
    let mut text = format!(
        "\
wire [{top}:0] bits;
wire [{cells}:0] carry;

assign sum = bits[{msb}:0];
assign carry[0] = 1'b0;

// Each bit: A ^ (B & ~C) with the carry of A + (B & ~C).
",
        msb = bits - 1,
        top = 2 * cells - 1,
    );
    for cell in 0..cells {
        let _ = writeln!(
            text,
            "CCU2C #(.INIT0(16'hA60A), .INIT1(16'hA60A), .INJECT1_0(\"NO\"), .INJECT1_1(\"NO\")) u_sum{cell} (\n  .CIN(carry[{cell}]), {},\n  {},\n  .S0(bits[{}]), .S1(bits[{}]), .COUT(carry[{}])\n);",
            pins(cell, 0),
            pins(cell, 1),
            2 * cell,
            2 * cell + 1,
            cell + 1,
        );
    }
    text.push_str("wire unused_carry;\n");
    let above = if bits % 2 == 1 {
        format!(" | bits[{bits}]")
    } else {
        String::new()
    };
    let _ = writeln!(text, "assign unused_carry = carry[{cells}]{above};");
    text
}
