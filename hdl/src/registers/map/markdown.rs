//! The register map as a page.

use super::{Kind, Register, RegisterMap};
use crate::paragraph::wrapped;
use std::fmt::Write as _;

/// Columns of a line of prose.
const COLUMNS: usize = 120;

impl Kind {
    fn access(self) -> &'static str {
        match self {
            Kind::Constant | Kind::Status | Kind::Counter { .. } => "read",
            Kind::Control => "read, write",
            Kind::Event { .. } => "read, write 1 to clear",
            Kind::Command => "write 1 to act",
            Kind::Table { .. } => "write",
        }
    }
}

fn in_lines(words: &str) -> String {
    wrapped(words, "", "", COLUMNS)
}

impl Register {
    /// What is there at first; `-` where the hardware says or nothing can be read.
    fn at_first(&self) -> String {
        match self.kind {
            Kind::Constant | Kind::Control | Kind::Event { .. } | Kind::Command => {
                format!("0x{:X}", self.value())
            }
            Kind::Status | Kind::Counter { .. } | Kind::Table { .. } => "-".to_owned(),
        }
    }
}

impl RegisterMap {
    /// A table of the registers with their fields.
    pub fn markdown(&self) -> String {
        let mut out = format!(
            "# Registers of {}\n\n{}\n{}\n\
             | offset | register | access | at first | |\n|---|---|---|---|---|\n",
            self.name,
            in_lines(&self.doc),
            in_lines(
                "Every register is 32 bits wide; offsets are in bytes. Bits of no field read as zero and are not written. \
                 What the table does not allow is answered by SLVERR."
            )
        );
        for register in self.written() {
            let most = match register.kind {
                Kind::Table { most } => format!("; at most {most}"),
                _ => String::new(),
            };
            let (from, name) = match &register.series {
                Some(it) => (
                    format!("0x{:03X} + 0x{:X} *i*", register.offset, it.stride),
                    format!("`{}[i]`, *i* from 0 to {}", it.name, it.entries - 1),
                ),
                None => (
                    format!("0x{:03X}", register.offset),
                    format!("`{}`", register.name),
                ),
            };
            let _ = writeln!(
                out,
                "| {from} | {name} | {} | {} | {}{most} |",
                register.kind.access(),
                register.at_first(),
                register.doc,
            );
            for field in &register.fields {
                let bits = match field.width {
                    1 => field.low.to_string(),
                    width => format!("{}:{}", field.low + width - 1, field.low),
                };
                let _ = writeln!(out, "| | {bits} | `{}` | | {} |", field.name, field.doc);
            }
        }
        out
    }
}
