//! The accumulator, for each family.

use crate::rtl::Module;
use crate::target::Target;
use std::fmt::Write as _;

const DOC: &str = "\
Accumulator: `acc` becomes `term` where `first` is high, else `acc + term`, one cycle later.";

/// Builds the accumulator.
pub fn accumulator(name: &str, bits: usize, target: Target) -> Module {
    let mut m = Module::new(name, DOC);
    m.input("aclk", 1, "");
    let first = m.input("first", 1, "");
    let term = m.input("term", bits, "");
    let acc = m.output("acc", bits, "");
    if target == Target::Ecp5 {
        m.primitive_body(ccu2c_chain(bits));
        return m;
    }
    let sum = m.data_reg("acc", bits, "");
    m.comb(|b| b.set(&sum.d, &(&term + sum.q.gated(&!&first))));
    m.assign(&acc, &sum.q);
    m
}

/// The choice between `term` and the sum inside the carry cells, where inference spends a lookup
/// table a bit on it.
///
/// With A = term, B = acc, C = first, D = 1, a bit propagates the carry by A ^ (B & ~C) (upper half
/// of INIT: 16'hA6..) and where it does not, A tells the carry (lowest four bits of INIT: A).
fn ccu2c_chain(bits: usize) -> String {
    let cells = bits.div_ceil(2);
    let pins = |cell: usize, half: usize| {
        let bit = 2 * cell + half;
        match bit < bits {
            true => format!(
                ".A{half}(term[{bit}]), .B{half}(acc_q[{bit}]), .C{half}(first), .D{half}(1'b1)"
            ),
            false => format!(".A{half}(1'b0), .B{half}(1'b0), .C{half}(1'b0), .D{half}(1'b1)"),
        }
    };
    let mut text = format!(
        "\
reg [{msb}:0] acc_q;
wire [{top}:0] sum;
wire [{cells}:0] carry;

assign acc = acc_q;
assign carry[0] = 1'b0;

always @(posedge aclk) begin
  acc_q <= sum[{msb}:0];
end

// Each bit: A ^ (B & ~C) with the carry of A + (B & ~C).
",
        msb = bits - 1,
        top = 2 * cells - 1,
    );
    for cell in 0..cells {
        let _ = writeln!(
            text,
            "CCU2C #(.INIT0(16'hA60A), .INIT1(16'hA60A), .INJECT1_0(\"NO\"), .INJECT1_1(\"NO\")) u_sum{cell} (\n  .CIN(carry[{cell}]), {},\n  {},\n  .S0(sum[{}]), .S1(sum[{}]), .COUT(carry[{}])\n);",
            pins(cell, 0),
            pins(cell, 1),
            2 * cell,
            2 * cell + 1,
            cell + 1,
        );
    }
    text.push_str("wire unused_carry;\n");
    let above = if bits % 2 == 1 {
        format!(" | sum[{bits}]")
    } else {
        String::new()
    };
    let _ = writeln!(text, "assign unused_carry = carry[{cells}]{above};");
    text
}
