//! The register map as SystemRDL 2.0.

use super::{Kind, RegisterMap};
use std::fmt::Write as _;

impl Kind {
    /// The properties of its fields.
    fn properties(self) -> &'static str {
        match self {
            Kind::Constant => "sw = r; hw = na;",
            Kind::Status | Kind::Counter { .. } => "sw = r; hw = w;",
            Kind::Control => "sw = rw; hw = r;",
            Kind::Event { .. } => "sw = rw; hw = w; onwrite = woclr;",
            Kind::Command => "sw = w; hw = r; singlepulse;",
            Kind::Table { .. } => "sw = w; hw = r;",
        }
    }

    fn has_first_value(self) -> bool {
        !matches!(
            self,
            Kind::Status | Kind::Counter { .. } | Kind::Table { .. }
        )
    }
}

impl RegisterMap {
    /// An `addrmap` of the registers.
    pub fn systemrdl(&self) -> String {
        let mut out = format!(
            "addrmap {} {{\n  desc = {};\n  default regwidth = 32;\n  default accesswidth = 32;\n",
            self.name,
            quoted(&self.doc)
        );
        for register in self.written() {
            let _ = writeln!(out, "\n  reg {{\n    desc = {};", quoted(&register.doc));
            for field in &register.fields {
                let first = match register.kind.has_first_value() {
                    true => format!(" = {}'h{:X}", field.width, field.value),
                    false => String::new(),
                };
                let _ = writeln!(
                    out,
                    "    field {{ {} desc = {}; }} \\{}[{}:{}]{first};",
                    register.kind.properties(),
                    quoted(&field.doc),
                    field.name,
                    field.low + field.width - 1,
                    field.low,
                );
            }
            let offset = register.offset;
            let _ = match &register.series {
                Some(it) => writeln!(
                    out,
                    "  }} \\{}[{}] @ 0x{offset:X} += 0x{:X};",
                    it.name, it.entries, it.stride
                ),
                None => writeln!(out, "  }} \\{} @ 0x{offset:X};", register.name),
            };
        }
        out.push_str("};\n");
        out
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
