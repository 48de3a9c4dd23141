//! Two bodies of a module beside each other in one testbench, with the same inputs.

use std::fmt::Write as _;

use bpa_hdl::rtl::{print_verilog, Module};

use crate::icarus_tool;

/// Pairs of modules, all on one clock.
pub struct SideBySide {
    cycles: u64,
    pairs: Vec<String>,
    verilog: String,
}

/// What a pair does between two rising edges of the clock, in Verilog. Inputs have the names of the ports.
pub struct Pair<'a> {
    /// Further declarations.
    pub declarations: &'a str,
    /// Sets the inputs in cycle `n`; `seed` is for `$random`.
    pub drive: &'a str,
    /// Whether the outputs of cycle `n` are promised to be equal and known. It is looked at before the inputs change.
    pub promised: &'a str,
}

impl SideBySide {
    /// A testbench of so many cycles.
    pub fn new(cycles: u64) -> Self {
        SideBySide {
            cycles,
            pairs: Vec::new(),
            verilog: String::new(),
        }
    }

    /// Adds two modules with the same ports, all of them inputs but one, and with names of their own.
    pub fn add(&mut self, generic: &Module, family: &Module, pair: &Pair) {
        let index = self.pairs.len();
        let name = family.name();
        let ports = generic.ports();
        let output = ports.iter().find(|port| !port.inward).unwrap();
        let mut declared = String::new();
        let mut bindings = String::new();
        for port in ports.iter().filter(|port| port.inward) {
            if port.name != "aclk" {
                let _ = writeln!(declared, "  reg [{}:0] {};", port.width - 1, port.name);
            }
            let _ = write!(bindings, ".{0}({0}), ", port.name);
        }
        let _ = write!(
            self.verilog,
            "
module pair_{index} (input aclk, input [31:0] n);
{declared}  wire [{high}:0] expected, given;
  integer compared = 0;
  integer seed = {seed};
{declarations}  {generic} generic_body ({bindings}.{output}(expected));
  {name} family_body ({bindings}.{output}(given));
  always @(negedge aclk) begin
    if ({promised}) begin
      compared = compared + 1;
      if (^expected === 1'bx || given !== expected) begin
        $display(\"DIFFER {name} in cycle %0d: %h, and should be %h\", n, given, expected);
        $finish;
      end
    end
    if (n == {cycles}) $display(\"COMPARED %0d\", compared);
    {drive}
  end
endmodule
{generic_text}
{family_text}",
            high = output.width - 1,
            seed = index + 1,
            declarations = pair.declarations,
            generic = generic.name(),
            output = output.name,
            promised = pair.promised,
            cycles = self.cycles,
            drive = pair.drive,
            generic_text = print_verilog(generic),
            family_text = print_verilog(family),
        );
        self.pairs.push(name.to_owned());
    }

    /// Runs with the models of the family's cells; every pair has to be compared in at least `least` cycles. What
    /// differs is the error.
    pub fn run(self, cells: &str, least: u64) -> Result<(), String> {
        let instances: String = (0..self.pairs.len())
            .map(|index| format!("  pair_{index} u_pair_{index} (aclk, n);\n"))
            .collect();
        let testbench = format!(
            "`timescale 1ns / 1ps
module testbench;
  reg aclk = 0;
  integer n = -1;
  always #5 aclk = ~aclk;
  always @(posedge aclk) n <= n + 1;
  always @(posedge aclk) if (n == {}) $finish;
{instances}endmodule
{}",
            self.cycles, self.verilog
        );
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("testbench.v", &testbench);
        write("cells.v", cells);
        icarus_tool::compile(folder.path(), "-g2012", &["testbench.v", "cells.v"]);
        let said = icarus_tool::simulate(folder.path(), &[]);
        let counts: Vec<u64> = said
            .lines()
            .filter_map(|line| line.strip_prefix("COMPARED ")?.parse().ok())
            .collect();
        let complete =
            counts.len() == self.pairs.len() && counts.iter().all(|&count| count >= least);
        match complete && !said.contains("DIFFER") {
            true => Ok(()),
            false => Err(said),
        }
    }
}
