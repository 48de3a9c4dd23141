//! The register map as a C header.

use super::{Kind, RegisterMap};
use std::fmt::Write as _;

impl RegisterMap {
    /// Offsets, and shift and mask of each field, as macros that C and C++ take; constants with
    /// their values.
    pub fn c_header(&self) -> String {
        let prefix = self.name.to_uppercase();
        let mut out = format!(
            "/* Registers of {}: {} */\n#ifndef {prefix}_REGISTERS_H_\n#define {prefix}_REGISTERS_H_\n",
            self.name, self.doc
        );
        for register in &self.registers {
            let name = format!("{prefix}_{}", register.name.to_uppercase());
            let _ = writeln!(out, "\n/* {} */", register.doc);
            let _ = writeln!(out, "#define {name} 0x{:03X}u", register.offset);
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
