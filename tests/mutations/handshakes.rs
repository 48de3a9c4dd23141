//! `tready` and `tvalid` of each stream, seen in every cycle and not only where a beat moves: a module around the engine has
//! each of them once more, as a status.

use std::fmt::Write as _;

use bpa_engine::interface::{ports, Direction, Port};
use bpa_engine::plan::Plan;
use bpa_sim::{ModelSpec, Pin};

use crate::netlist::{Mutated, MUTANT};

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

/// The model of the mutated engine in a module that shows its handshakes.
pub fn spec(plan: &Plan, mutated: &Mutated) -> ModelSpec {
    let engine = plan.layer().name();
    let mut spec = bpa_engine::run::model_spec(plan, &mutated.verilog);
    spec.top = format!("{engine}_seen");
    spec.pins_in.push(Pin::new(MUTANT, mutated.select_bits));
    let mut declared = vec![format!(
        "input wire [{}:0] {MUTANT}",
        mutated.select_bits - 1
    )];
    let mut bindings = vec![format!(".{MUTANT}({MUTANT})")];
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
