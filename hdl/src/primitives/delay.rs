//! Flags that travel beside a pipeline.

use crate::rtl::{Expr, Module};

/// `flag` after `cycles`, through the shift register `name_line`. With `reset` it is low until a
/// flag has come through.
pub fn delayed(m: &mut Module, name: &str, flag: &Expr, cycles: usize, reset: bool) -> Expr {
    let (line, comment) = (format!("{name}_line"), "travels beside the issue");
    let line = match reset {
        true => m.reg(&line, cycles, 0, comment),
        false => m.data_reg(&line, cycles, comment),
    };
    m.comb(|b| {
        b.set_slice(&line.d, 0, flag);
        if cycles > 1 {
            b.set_slice(&line.d, 1, &line.q.slice(0, cycles - 1));
        }
    });
    line.q.msb()
}
