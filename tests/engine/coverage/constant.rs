//! Bits that no run can change, by proof: from registers of zero and four cycles of reset on, whatever comes in, resets too.
//! Yosys makes outputs of the signals, and yosys-abc finds by induction which of their changes are impossible.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use super::points::{Kind, Point};

/// To one net of ANDs. Tables are logic, memories are words of registers.
const TO_GATES: &str =
    "memory -nordff\nmemory_map\nopt\ntechmap\nopt\ndffunmap\nsetundef -zero -undriven\naigmap\n\
    opt_clean\nwrite_aiger bits.aig\n";

/// Signals by instance and name, with the bits asked for.
type Signals<'a> = BTreeMap<(&'a str, &'a str), BTreeSet<usize>>;

/// Those of the points that are bits which never change. `inputs` are the engine's, with their widths.
pub fn constant<'a>(
    engine: &str,
    verilog: &str,
    inputs: &[(String, usize)],
    points: &[&'a Point],
) -> Vec<&'a Point> {
    let bits: Vec<&Point> = points
        .iter()
        .copied()
        .filter(|point| point.kind == Kind::Toggle)
        .collect();
    let mut signals: Signals = BTreeMap::new();
    for point in &bits {
        let key = (point.instance.as_str(), point.what.as_str());
        signals.entry(key).or_default().insert(point.bit);
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("engine.v"), verilog).unwrap();
    let (bench, order) = bench(engine, inputs, &signals);
    std::fs::write(folder.join("bench.v"), bench).unwrap();
    let exposed: String = signals
        .keys()
        .filter(|(instance, _)| !instance.is_empty())
        .map(|(instance, name)| format!("expose w:{instance}.{name}\n"))
        .collect();
    let script = format!(
        "read_verilog engine.v\nhierarchy -top {engine}\nproc\nflatten\n{exposed}design -stash seen\n\
         read_verilog bench.v\ndesign -copy-from seen -as {engine} {engine}\nhierarchy -top bench\nproc\nflatten\n\
         opt_clean\n{TO_GATES}"
    );
    std::fs::write(folder.join("run.ys"), script).unwrap();
    run(folder, "yosys", &["-q", "-s", "run.ys"]);
    let prove = "read bits.aig; zero; strash; scleanup; &get; &scorr; &put; scorr -C 500; strash; write_aiger proved.aig";
    run(folder, "yosys-abc", &["-c", prove]);
    let never = false_outputs(&std::fs::read(folder.join("proved.aig")).unwrap());
    assert_eq!(never.len(), order.len(), "one output for each bit");
    let proved: BTreeSet<(&str, &str, usize)> = order
        .into_iter()
        .zip(never)
        .filter_map(|(bit, never)| never.then_some(bit))
        .collect();
    let holds = |it: &&Point| proved.contains(&(it.instance.as_str(), it.what.as_str(), it.bit));
    bits.into_iter().filter(holds).collect()
}

/// The engine, and for each bit whether it changes. The bits in the order of the outputs.
fn bench<'a>(
    engine: &str,
    inputs: &[(String, usize)],
    signals: &Signals<'a>,
) -> (String, Vec<(&'a str, &'a str, usize)>) {
    let mut order = Vec::new();
    let mut nets = String::new();
    let mut bindings: Vec<String> = inputs
        .iter()
        .map(|(name, _)| match name.as_str() {
            "aresetn" => ".aresetn(aresetn & begun)".to_owned(),
            _ => format!(".{name}({name})"),
        })
        .collect();
    for (index, ((instance, name), bits)) in signals.iter().enumerate() {
        let width = bits.last().expect("a bit at least") + 1;
        let port = match *instance {
            "" => (*name).to_owned(),
            _ => format!("\\{instance}.{name} "),
        };
        let _ = writeln!(nets, "  wire [{}:0] s{index};", width - 1);
        match inputs
            .iter()
            .any(|(input, _)| instance.is_empty() && input == name)
        {
            true => {
                let _ = writeln!(nets, "  assign s{index} = {name};");
            }
            false => bindings.push(format!(".{port}(s{index})")),
        }
        for bit in bits {
            let _ = writeln!(
                nets,
                "  reg b{0};\n  always @(posedge aclk) b{0} <= s{index}[{bit}];\n  \
                 assign changes[{0}] = seen & (b{0} != s{index}[{bit}]);",
                order.len()
            );
            order.push((*instance, *name, *bit));
        }
    }
    let ports: String = inputs
        .iter()
        .map(|(name, width)| format!("  input wire [{}:0] {name},\n", width - 1))
        .collect();
    let text = format!(
        "module bench (\n{ports}  output wire [{}:0] changes\n);\n  // Four cycles of reset.\n  reg [2:0] cycle;\n  \
         wire begun = cycle[2];\n  reg seen;\n  always @(posedge aclk) begin\n    if (~begun) cycle <= cycle + 3'd1;\n    \
         seen <= begun;\n  end\n{nets}  {engine} u_engine ({});\n\
         endmodule\n",
        order.len().max(1) - 1,
        bindings.join(", ")
    );
    (text, order)
}

/// Of each output of a file in AIGER's binary format, whether it is the constant zero.
fn false_outputs(file: &[u8]) -> Vec<bool> {
    let mut lines = file.split(|byte| *byte == b'\n');
    let header = String::from_utf8_lossy(lines.next().expect("a header")).into_owned();
    let counts: Vec<usize> = header
        .split(' ')
        .skip(1)
        .map(|count| count.parse().expect("a count"))
        .collect();
    let (latches, outputs) = (counts[2], counts[3]);
    let outputs = lines.skip(latches).take(outputs);
    outputs.map(|literal| literal == b"0").collect()
}

fn run(folder: &Path, program: &str, args: &[&str]) {
    let output = Command::new(program)
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{program}: {said}");
}
