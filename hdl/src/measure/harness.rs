//! A frame for place and route: any module behind three pins, with registers on both sides.

use crate::rtl::{Expr, Module};

const DOC: &str = "\
Harness for place and route without a board. Every input of the module within comes from a bank
of registers that a shift chain fills; every output goes to a bank of registers that is folded
into a second chain by XOR. So no port can be optimised away, three pins serve any width, and
every path of the module within starts and ends at a register, as in a design around it.";

/// Puts `inner` behind the pins `aclk`, `shift_in` and `shift_out`. Its reset is an input like the
/// others.
pub fn harness(name: &str, inner: Module) -> Module {
    let mut m = Module::new(name, DOC);
    let ports = inner.ports();
    m.input("aclk", 1, "");
    let shift_in = m.input("shift_in", 1, "");
    let shift_out = m.output("shift_out", 1, "");
    let bits = |inward: bool| -> usize {
        let side = ports
            .iter()
            .filter(|port| port.name != "aclk" && port.inward == inward);
        side.map(|port| port.width).sum()
    };
    let in_chain = m.data_reg("in_chain", bits(true), "");
    let in_bank = m.data_reg("in_bank", bits(true), "");
    let out_bank = m.data_reg("out_bank", bits(false), "");
    let out_chain = m.data_reg("out_chain", bits(false), "");

    let mut bindings: Vec<(&str, Expr)> = Vec::new();
    let (mut low_in, mut low_out) = (0, 0);
    let mut captures = Vec::new();
    for port in ports.iter().filter(|port| port.name != "aclk") {
        if port.inward {
            bindings.push((&port.name, in_bank.q.slice(low_in, port.width)));
            low_in += port.width;
        } else {
            let net = m.net(&format!("inner_{}", port.name), port.width, "");
            bindings.push((&port.name, net.clone()));
            captures.push((low_out, net));
            low_out += port.width;
        }
    }
    m.comb(|b| {
        b.set_slice(&in_chain.d, 0, &shift_in);
        if in_chain.q.width() > 1 {
            let moved = in_chain.q.slice(0, in_chain.q.width() - 1);
            b.set_slice(&in_chain.d, 1, &moved);
        }
        b.set(&in_bank.d, &in_chain.q);
        for (low, net) in &captures {
            b.set_slice(&out_bank.d, *low, net);
        }
        b.set_slice(&out_chain.d, 0, &out_bank.q.bit(0));
        if out_chain.q.width() > 1 {
            let count = out_chain.q.width() - 1;
            let folded = out_chain.q.slice(0, count) ^ out_bank.q.slice(1, count);
            b.set_slice(&out_chain.d, 1, &folded);
        }
    });
    m.assign(&shift_out, &out_chain.q.msb());
    m.instance("u_inner", inner, bindings);
    m
}
