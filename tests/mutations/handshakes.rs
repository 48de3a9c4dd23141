//! `tready` and `tvalid` of each stream, seen in every cycle and not only where a beat moves: a module around the engine has
//! each of them once more, as a status.

use std::fmt::Write as _;

use bpa_engine::interface::{ports, Direction, Port};
use bpa_engine::plan::Plan;
use bpa_sim::{ModelSpec, Pin};

use crate::netlist::MUTANT;

fn handshakes(plan: &Plan) -> Vec<Port> {
    let of_stream = |port: &Port| port.name.ends_with("_tready") || port.name.ends_with("_tvalid");
    let outputs = ports(plan).into_iter();
    outputs
        .filter(|port| port.direction == Direction::Output && of_stream(port))
        .collect()
}

fn status(port: &Port) -> String {
    format!("{}_seen", port.name)
}

/// Names of the statuses that are watched.
pub fn watched(plan: &Plan) -> Vec<String> {
    handshakes(plan).iter().map(status).collect()
}

/// The model of the engine in a module that shows its handshakes. A mutated one has [`MUTANT`], of so many bits.
pub fn spec(plan: &Plan, verilog: &str, select_bits: Option<usize>) -> ModelSpec {
    let engine = plan.layer().name();
    let mut spec = bpa_engine::run::model_spec(plan, verilog);
    spec.top = format!("{engine}_seen");
    let mut declared = Vec::new();
    let mut bindings = Vec::new();
    if let Some(bits) = select_bits {
        spec.pins_in.push(Pin::new(MUTANT, bits));
        declared.push(format!("input wire [{}:0] {MUTANT}", bits - 1));
        bindings.push(format!(".{MUTANT}({MUTANT})"));
    }
    for Port {
        name,
        direction,
        width,
    } in ports(plan)
    {
        let direction = match direction {
            Direction::Input => "input",
            Direction::Output => "output",
        };
        declared.push(format!("{direction} wire [{}:0] {name}", width - 1));
        bindings.push(format!(".{name}({name})"));
    }
    let mut seen = String::new();
    for port in handshakes(plan) {
        let status = status(&port);
        declared.push(format!("output wire {status}"));
        let _ = writeln!(seen, "  assign {status} = {};", port.name);
        spec.pins_out.push(Pin::new(status, 1).watched());
    }
    let _ = writeln!(
        spec.verilog,
        "module {} ({});\n  {engine} u_engine ({});\n{seen}endmodule",
        spec.top,
        declared.join(", "),
        bindings.join(", ")
    );
    spec
}
