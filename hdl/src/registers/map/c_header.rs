//! The register map as a C header.

use super::{Kind, RegisterMap};
use std::fmt::Write as _;

impl RegisterMap {
    /// Offsets (of a series a macro of its entry), and shift and mask of each field, as macros that C and C++ take; constants with
    /// their values.
    pub fn c_header(&self) -> String {
        let prefix = self.name.to_uppercase();
        let mut out = format!(
            "/* Registers of {}: {} */\n#ifndef {prefix}_REGISTERS_H_\n#define {prefix}_REGISTERS_H_\n",
            self.name, self.doc
        );
        for register in self.written() {
            let name = register
                .series
                .as_ref()
                .map_or(&register.name, |it| &it.name);
            let name = format!("{prefix}_{}", name.to_uppercase());
            let _ = writeln!(out, "\n/* {} */", register.doc);
            let offset = register.offset;
            let _ = match &register.series {
                Some(it) => writeln!(
                    out,
                    "#define {name}(i) (0x{offset:03X}u + 0x{:X}u * (i))\n#define {name}_ENTRIES {}u",
                    it.stride, it.entries
                ),
                None => writeln!(out, "#define {name} 0x{offset:03X}u"),
            };
            for field in &register.fields {
                let name = format!("{name}_{}", field.name.to_uppercase());
                let _ = writeln!(out, "/* {} */", field.doc);
                let _ = writeln!(out, "#define {name}_SHIFT {}u", field.low);
                let mask = ((1_u64 << field.width) - 1) << field.low;
                let _ = writeln!(out, "#define {name}_MASK 0x{mask:08X}u");
                if register.kind == Kind::Constant {
                    let _ = writeln!(out, "#define {name}_VALUE 0x{:X}u", field.value);
                }
            }
            if let Kind::Table { most } = register.kind {
                let _ = writeln!(out, "#define {name}_MOST 0x{most:X}u");
            }
        }
        let _ = writeln!(out, "\n#endif");
        out
    }
}
