//! The register map as SystemRDL 2.0.

use super::{Kind, RegisterMap, Series};
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
            // Series lie in one another, which the array of a language that knows ranges alone cannot say: each of their
            // registers is an instance by itself.
            let kind = match &register.series {
                Some(it) => format!("reg {}_word", it.name),
                None => "reg".to_owned(),
            };
            let _ = writeln!(out, "\n  {kind} {{\n    desc = {};", quoted(&register.doc));
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
            let Some(Series {
                name,
                entries,
                stride,
                ..
            }) = &register.series
            else {
                let _ = writeln!(out, "  }} \\{} @ 0x{offset:X};", register.name);
                continue;
            };
            out.push_str("  };\n");
            for entry in 0..*entries {
                let offset = offset + entry * stride;
                let _ = writeln!(out, "  {name}_word \\{name}_{entry} @ 0x{offset:X};");
            }
        }
        out.push_str("};\n");
        out
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
