//! The blob as C, for firmware that has no files.

use std::fmt::Write as _;

use super::{Buffer, Program};

/// `NAME_blob.c`: the blob as an array of words, at an address that an engine with a bus can read.
pub fn c_source(program: &Program, blob: &[u8]) -> String {
    let name = program.identifier();
    let bus = program.formats.memory.as_ref();
    let aligned = bus.map_or(String::new(), |bus| {
        format!(
            "\n#ifdef __GNUC__\n__attribute__((aligned({})))\n#endif",
            bus.word_bytes
        )
    });
    let mut text = format!(
        "/* The network {name}, compiled; {name}_blob.h says what is where. */\n#include \"{name}_blob.h\"\n{aligned}\n\
         const uint32_t {name}_blob[{}] = {{",
        blob.len() / 4
    );
    for (index, word) in blob.chunks_exact(4).enumerate() {
        text += if index % 8 == 0 { "\n    " } else { " " };
        let word = word.iter().rev();
        text += "0x";
        for byte in word {
            let _ = write!(text, "{byte:02X}");
        }
        text += "u,";
    }
    text += "\n};\n";
    text
}

/// `NAME_blob.h`: its declaration, and the numbers of its buffers.
pub fn c_header(program: &Program, blob: &[u8]) -> String {
    let name = program.identifier();
    let guard = name.to_uppercase();
    let mut text = format!(
        "/* The network {name}, compiled: for bpa_load and bpa_get_buffer of the C driver. */\n\
         #ifndef {guard}_BLOB_H_\n#define {guard}_BLOB_H_\n\n#include <stdint.h>\n\n\
         extern const uint32_t {name}_blob[{}];\n#define {guard}_BLOB_BYTES {}u\n#define {guard}_ARENA_BYTES {}u\n\n\
         /* Numbers of buffers: frames x rows x columns x channels, bytes of a value. */\n",
        blob.len() / 4,
        blob.len(),
        program.arena_bytes
    );
    for (
        index,
        Buffer {
            name,
            shape,
            element_bytes,
            ..
        },
    ) in program.buffers.iter().enumerate()
    {
        let [frames, rows, cols, channels] = shape;
        let _ = writeln!(
            text,
            "#define {guard}_{} {index}u /* {frames} x {rows} x {cols} x {channels}, {element_bytes} */",
            macro_name(name)
        );
    }
    text += "\n#endif\n";
    text
}

/// `conv1.input` becomes `CONV1_INPUT`.
fn macro_name(name: &str) -> String {
    let letter = |c: char| match c.is_ascii_alphanumeric() {
        true => c.to_ascii_uppercase(),
        false => '_',
    };
    name.chars().map(letter).collect()
}
