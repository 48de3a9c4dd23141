//! A core description for FuseSoC, CAPI2.

use super::vectors::file_name;
use super::{Block, FlowFile};

/// The `.core` file of an engine. It has a target `lint`, and where there is a test bench a target `sim`.
pub fn fusesoc(block: &Block, has_testbench: bool) -> FlowFile {
    let top = &block.name;
    let mut text = format!(
        "CAPI=2:
# fusesoc --cores-root . run --target=lint {top}
name: \"bpa-engine::{top}:{version}\"
description: {what}

filesets:
  rtl:
    files:
      - {top}.v
    file_type: verilogSource
",
        version = env!("CARGO_PKG_VERSION"),
        what = block.what,
    );
    if has_testbench {
        text +=
            &format!("  bench:\n    files:\n      - {top}_tb.v: {{file_type: verilogSource}}\n");
        for stream in &block.streams {
            let name = file_name(top, &stream.name);
            text += &format!("      - {name}: {{file_type: user, copyto: {name}}}\n");
        }
    }
    text += &format!(
        "
targets:
  default: &default
    filesets: [rtl]
    toplevel: {top}
  lint:
    <<: *default
    description: Verilator's warnings, all of them but that modules share a file
    flow: lint
    flow_options:
      tool: verilator
      verilator_options: [-Wall, -Wno-DECLFILENAME]
"
    );
    if has_testbench {
        text += &format!(
            "  sim:
    <<: *default
    description: The test bench, which ends by PASS or FAIL
    filesets: [rtl, bench]
    toplevel: {top}_tb
    flow: sim
    flow_options:
      tool: icarus
      iverilog_options: [-g2005]
"
        );
    }
    FlowFile {
        name: format!("{top}.core"),
        text,
    }
}
