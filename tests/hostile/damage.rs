//! What is done to the bytes of a file, and numbers and texts that a file should not have.

use crate::choices::Choices;

/// One of these.
pub fn one_of<'a, T: ?Sized>(choices: &mut Choices, of: &[&'a T]) -> &'a T {
    of[choices.below(of.len() as u64) as usize]
}

/// Numbers at the ends of what is possible, and about limits.
pub fn number(choices: &mut Choices) -> i64 {
    const ENDS: [i64; 22] = [
        i64::MIN,
        i64::MIN + 1,
        -(1 << 31),
        -4096,
        -2,
        -1,
        0,
        1,
        2,
        3,
        4095,
        4096,
        65_535,
        65_536,
        1 << 24,
        1 << 31,
        u32::MAX as i64,
        1 << 32,
        1 << 62,
        i64::MAX - 1,
        i64::MAX,
        7,
    ];
    match choices.below(3) {
        0 => choices.below(40) as i64 - 8,
        _ => ENDS[choices.below(ENDS.len() as u64) as usize],
    }
}

/// Texts that mean something to a shell, to Tcl, to Verilog, to a file system or to a format.
pub const TEXTS: [&str; 30] = [
    "",
    "; touch HOSTILE",
    "$(touch HOSTILE)",
    "`touch HOSTILE`",
    "[exec touch HOSTILE]",
    "x; endmodule module HOSTILE",
    "x\nendmodule\nmodule HOSTILE (",
    "*/ HOSTILE /*",
    "x // HOSTILE",
    "x\" ; HOSTILE \"",
    "x' HOSTILE '",
    "x\\HOSTILE ",
    "`include \"HOSTILE\"",
    "$HOSTILE",
    "${HOSTILE}",
    "{HOSTILE}",
    "../../HOSTILE",
    "/etc/HOSTILE",
    "HOSTILE\0HOSTILE",
    "HOSTILE\u{202e}\u{feff}",
    "größe_HOSTILE",
    "-HOSTILE",
    "--HOSTILE=1",
    "HOSTILE HOSTILE",
    "%s%n%HOSTILE",
    "module",
    "int8",
    "grad_weight",
    "conv_transpose",
    "accumulator",
];

/// One of [`TEXTS`], or a long one.
pub fn text(choices: &mut Choices) -> String {
    match choices.below(40) {
        0 => "HOSTILE".repeat(1 + choices.below(3000) as usize),
        1 => "HOSTILE_".repeat(1 + choices.below(20) as usize),
        _ => one_of(choices, &TEXTS).to_owned(),
    }
}

/// Turns, cuts out, doubles or puts in some bytes.
pub fn bytes(bytes: &mut Vec<u8>, choices: &mut Choices) {
    for _ in 0..=choices.below(4) {
        if bytes.is_empty() {
            bytes.push(0);
        }
        let length = bytes.len() as u64;
        let at = choices.below(length) as usize;
        let end = (at + choices.below(40) as usize).min(bytes.len());
        match choices.below(6) {
            0 => bytes[at] ^= 1 << choices.below(8),
            1 => bytes[at] = choices.below(256) as u8,
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let part = bytes[at..end].to_vec();
                let to = choices.below(length) as usize;
                bytes.splice(to..to, part);
            }
            _ => {
                let byte = one_of(
                    choices,
                    &[&b"["[..], b"{", b"\"", b"0", b"\xff", b"\n", b"=", b"."],
                );
                bytes.splice(at..at, byte.repeat(1 + choices.below(30) as usize));
            }
        }
    }
}
