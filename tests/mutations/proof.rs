//! Whether a mutation changes anything at all, whatever comes in: engine and mutant side by side, equal in every cycle by
//! a proof of yosys-abc (registers that correspond, then property-directed reachability).
//!
//! Both start with registers and memories of zero, in a reset; resets are an input then. What comes in keeps the rules of
//! AXI4-Stream, and `tdata` and `tlast` count only beside `tvalid`.

use std::fmt::Write as _;
use std::process::Command;

use bpa_engine::emit;
use bpa_engine::interface::{ports, settings, Direction, Port};
use bpa_engine::plan::Plan;

use crate::netlist::{flat, yosys, Mutation};

/// What a proof found.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No input ever shows the mutation.
    Harmless,
    /// Some input does, which is none of the vectors.
    Shown,
    /// Neither was found in the time.
    Open,
}

/// From the word level to one of ANDs.
const TO_GATES: &str =
    "proc\nflatten\nopt_clean\nmemory -nordff\nmemory_map\nopt\ntechmap\nopt\ndffunmap\n\
    setundef -zero -undriven\naigmap\nopt_clean\nwrite_aiger miter.aig\n";

/// Tries to prove that the mutant does what the engine does.
pub fn verdict(plan: &Plan, mutation: &Mutation, seconds: u64) -> Verdict {
    let name = plan.layer().name();
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| std::fs::write(folder.path().join(file), text).unwrap();
    write("engine.v", &emit::verilog(plan));
    write("miter.v", &miter(plan));
    let script = format!(
        "{}design -save flat\nrename {name} right\ndesign -stash right\ndesign -load flat\n{}\nrename {name} wrong\n\
         design -stash wrong\ndesign -reset\nread_verilog miter.v\ndesign -copy-from right -as right right\n\
         design -copy-from wrong -as wrong wrong\nhierarchy -check -top miter\n{TO_GATES}",
        flat(name),
        mutation.for_good()
    );
    yosys(folder.path(), &script).unwrap_or_else(|said| panic!("{mutation}: {said}"));
    let prove = format!(
        "read miter.aig; zero; strash; scleanup; &get; &scorr; &put; lcorr -C 1000000; scorr -C 500; pdr -T {}; \
         print_status",
        4 * seconds
    );
    // Seconds of the processor, whatever else it has to do; not every step looks at a clock of its own.
    let output = Command::new("sh")
        .args(["-c", "ulimit -t $0; exec yosys-abc -c \"$1\""])
        .args([seconds.to_string(), prove])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    match () {
        () if said.contains("Status = 1 ") => Verdict::Harmless,
        () if said.contains("Status = 0 ") => Verdict::Shown,
        () => Verdict::Open,
    }
}

/// Two engines, `right` and `wrong`, with the same inputs, and whether their outputs differ.
fn miter(plan: &Plan) -> String {
    let ports = ports(plan);
    let (inputs, outputs): (Vec<_>, Vec<_>) = ports
        .iter()
        .partition(|port| port.direction == Direction::Input);
    let range = |port: &Port| format!("[{}:0]", port.width - 1);
    let mut text = String::from("module miter (\n");
    for input in &inputs {
        let _ = writeln!(text, "  input wire {} {},", range(input), input.name);
    }
    text.push_str("  output wire bad\n);\n");
    for side in ["right", "wrong"] {
        let mut bindings = Vec::new();
        for output in &outputs {
            let _ = writeln!(text, "  wire {} {side}_{};", range(output), output.name);
            bindings.push(format!(".{0}({side}_{0})", output.name));
        }
        bindings.extend(inputs.iter().map(|input| format!(".{0}({0})", input.name)));
        let _ = writeln!(text, "  {side} u_{side} ({});", bindings.join(", "));
    }
    let differ = outputs.iter().map(|output| {
        let name = &output.name;
        let payload = name.strip_suffix("_tdata").or(name.strip_suffix("_tlast"));
        let counts = payload.map_or(String::new(), |stream| format!("right_{stream}_tvalid & "));
        format!("({counts}(right_{name} != wrong_{name}))")
    });
    let _ = writeln!(
        text,
        "  wire differ = {};",
        differ.collect::<Vec<_>>().join(" | ")
    );

    // What was offered and not taken is offered again; settings stay.
    let mut breaks = Vec::new();
    let mut keep = |text: &mut String, input: &Port, when: &str| {
        let (name, range) = (&input.name, range(input));
        let _ = writeln!(
            text,
            "  reg {range} {name}_before;\n  always @(posedge aclk) {name}_before <= {name};"
        );
        breaks.push(format!("({when} & ({name} != {name}_before))"));
    };
    text.push_str("  reg begun;\n  always @(posedge aclk) begun <= aresetn;\n");
    for input in &inputs {
        let stream = ["_tvalid", "_tdata", "_tlast"]
            .iter()
            .find_map(|end| input.name.strip_suffix(end));
        if let Some(stream) = stream {
            if input.name.ends_with("_tvalid") {
                let _ = writeln!(
                    text,
                    "  reg {stream}_held;\n  always @(posedge aclk) {stream}_held <= aresetn & {stream}_tvalid & \
                     ~right_{stream}_tready;"
                );
            }
            keep(&mut text, input, &format!("{stream}_held"));
        } else if settings(plan)
            .iter()
            .any(|setting| setting.name == input.name)
        {
            keep(&mut text, input, "begun");
        }
    }
    let _ = writeln!(
        text,
        "  reg kept;  // the rules, since a reset\n  wire keeps = kept & ~({});\n  \
         always @(posedge aclk) kept <= ~aresetn | keeps;\n  assign bad = keeps & differ;\nendmodule",
        breaks.join(" | ")
    );
    text
}
