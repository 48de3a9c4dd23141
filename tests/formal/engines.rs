//! Promise: whole engines keep the rules of AXI4-Stream on every stream, whatever their masters do and whatever the words
//! of a job are; an error stays until a reset; and whatever leaves an engine comes from a register.

use std::fmt::Write as _;
use std::process::Command;

use bpa_engine::emit::{self, Target};
use bpa_engine::interface;
use bpa_engine::programmable::EngineFile;
use bpa_hdl::rtl::{print_verilog, Port};

use crate::prover::{plan, scripts, Broken, Design, Proof};

/// All that may stand behind the accumulators, beside two sets of weights.
const EVERYTHING: &str = "
    weight_sets = 2
    accumulate = true
    mask = true
    out_type = \"int3\"
    scale_per = \"channel\"
    scale_bits = 2
    shift = 3
    rounding = \"stochastic\"";

const PLAIN: &[Broken] = &[
    (
        "a beat that does not wait",
        "open = tready | ~out_valid_q;",
        "open = 1'd1;",
    ),
    (
        "tvalid in reset",
        "out_valid_q <= 1'd0;",
        "out_valid_q <= out_valid_d;",
    ),
    (
        "an error that goes",
        "cause_d = cause_q | seen_q;",
        "cause_d = seen_q;",
    ),
];

const TOLD: &[Broken] = &[(
    "tvalid in reset",
    "out_valid_q <= 1'd0;",
    "out_valid_q <= out_valid_d;",
)];

/// An abort drops the beats that are under way, as is told of it; nothing else does. It is bit 1 of a word that is
/// written.
const NO_ABORT: &str = "always @* assume (!s_axi_wdata[1]);\n";

/// What the rules are of each stream, and of the error where that is an output that resets alone clear.
fn rules(ports: &[Port], sticky: bool) -> String {
    let mut text = String::new();
    let streams = ports.iter().filter_map(|port| {
        let name = port.name.strip_suffix("_tvalid")?;
        Some((name, port.inward))
    });
    for (name, inward) in streams {
        let pins = format!(
            ".aclk(aclk), .aresetn(aresetn), .began(began), .tvalid({name}_tvalid), .tready({name}_tready)"
        );
        let _ = match inward {
            true => writeln!(text, "stream_in_rules rules_of_{name} ({pins});"),
            false => writeln!(
                text,
                "stream_out_rules #(`W_{name}_tdata) rules_of_{name} ({pins}, .tdata({name}_tdata), .tlast({name}_tlast));"
            ),
        };
    }
    if sticky {
        text += "reg was_reset, error_before;
reg [`W_error_cause-1:0] cause_before;
always @(posedge aclk) begin
  was_reset <= !aresetn;
  error_before <= error;
  cause_before <= error_cause;
end
always @* if (began) begin
  if (was_reset) `must (!error && error_cause == 0);
  if (!was_reset) `must (error >= error_before && (cause_before & ~error_cause) == 0 && (!error || error_cause != 0));
  `reach (error);
end
";
    }
    text
}

/// The engine's outputs are those of registers; and one that is not would be noticed.
fn is_registered(text: &str, top: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("design.v");
    let verdict = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let output = Command::new(scripts().join("registered.sh"))
            .arg(&file)
            .arg(top)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code(), said)
    };
    let (code, said) = verdict(text);
    assert_eq!(code, Some(0), "{said}");
    // Of both ports that take streams, or of one.
    let (code, said) = verdict(&text.replace(
        "assign tready = ready_q;",
        "assign tready = ready_q & tvalid;",
    ));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("tvalid"), "{said}");
}

fn check(block: &str, design: &Design, rules: &str, defines: &[&'static str], broken: &[Broken]) {
    is_registered(&design.text, &design.top);
    Proof {
        block,
        promise: "the rules of AXI4-Stream on every stream; outputs are registers",
        design,
        constants: vec![],
        given: &[],
        rules,
        defines: defines.iter().map(|name| (*name, String::new())).collect(),
        broken,
    }
    .check();
}

fn fixed(name: &str, options: &str, defines: &[&'static str], broken: &[Broken]) {
    let plan = plan(&format!(
        "name = \"{name}\"
        [layer]
        in_channels = 1
        out_channels = 1
        in_size = [1, 2]
        kernel = 1
        [engine]
        grad_type = \"int2\"
        weight_type = \"int2\"
        {options}"
    ));
    let ports = interface::ports(&plan).into_iter().map(|port| Port {
        inward: port.direction == interface::Direction::Input,
        name: port.name,
        width: port.width,
    });
    let design = Design {
        text: emit::verilog(&plan),
        top: name.to_owned(),
        ports: ports.collect(),
    };
    let block = format!("engine for one layer, {name}");
    check(
        &block,
        &design,
        &rules(&design.ports, true),
        defines,
        broken,
    );
}

fn programmable(name: &str, options: &str, broken: &[Broken]) {
    let text = format!(
        "name = \"{name}\"
        [engine]
        mode = \"programmable\"
        simd = 1
        pe = 1
        grad_type = \"int2\"
        weight_type = \"int2\"
        {options}
        [limits]
        size = 2
        kernel = 2
        steps = 8
        line_words = 5
        weight_words = 4
        zero_run = 3
        fifo_results = 4"
    );
    let file = EngineFile::parse(&text, "here").unwrap();
    let hardware = file.validate().unwrap().hardware(Target::Generic);
    let design = Design {
        text: print_verilog(&hardware.module),
        top: name.to_owned(),
        ports: hardware.module.ports(),
    };
    let block = format!("programmable engine, {name}");
    let rules = rules(&design.ports, false) + NO_ABORT;
    check(&block, &design, &rules, &[], broken);
}

#[test]
fn for_one_layer() {
    fixed("plain", "", &["RESULTS", "TAKEN"], PLAIN);
}

#[test]
fn for_one_layer_with_every_option() {
    fixed("everything", EVERYTHING, &["TAKEN"], &[]);
}

/// Whatever the words of its jobs are: its table holds anything at first.
#[test]
fn of_jobs() {
    programmable("told", "", TOLD);
}
