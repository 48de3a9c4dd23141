//! What flows have to know of an engine: its ports, and which of them are streams.

use bpa_hdl::shell::programmable::Programmable;

use crate::interface::{self, Direction, Port, Streams};
use crate::plan::Plan;
use crate::programmable::ProgrammableEngine;

/// The pins of an AXI4-Stream, behind its name.
const STREAM_PINS: [&str; 4] = ["tvalid", "tready", "tdata", "tlast"];
/// The common start of the pins' names of the register bus.
pub(super) const REGISTER_BUS: &str = "s_axi";
/// That of the memory's.
pub(super) const MEMORY_BUS: &str = "m_axi";
/// What every engine has, and is no interface.
const CLOCK_AND_RESET: [&str; 2] = ["aclk", "aresetn"];

/// An engine as its surroundings see it.
#[derive(Clone, Debug)]
pub struct Block {
    /// The top module.
    pub name: String,
    /// What the engine is, in some words.
    pub what: String,
    /// All ports, in the order of the Verilog.
    pub ports: Vec<Port>,
    /// Its streams, in the order of the ports.
    pub streams: Vec<BlockStream>,
}

/// An AXI4-Stream of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockStream {
    /// The common start of its pins' names.
    pub name: String,
    /// Into the engine, or out of it.
    pub direction: Direction,
    /// Bits of `tdata`: whole bytes.
    pub tdata_bits: usize,
    /// Beats up to and with `tlast`, where they are known before the engine is told its layer.
    pub packet: Option<u64>,
}

impl BlockStream {
    /// The array that it carries: its name without what tells the direction.
    pub fn array(&self) -> &str {
        let name = self.name.strip_prefix("s_axis_");
        let name = name.or_else(|| self.name.strip_prefix("m_axis_"));
        name.unwrap_or(&self.name)
    }
}

impl Block {
    /// The engine of a layer.
    pub fn of_layer(plan: &Plan) -> Self {
        let streams = Streams::new(plan);
        let inputs = streams.inputs().into_iter();
        let inputs = inputs.map(|(name, format)| (name, format, Direction::Input));
        let output = (streams.names.result, streams.result, Direction::Output);
        let streams = inputs
            .chain([output])
            .map(|(name, format, direction)| BlockStream {
                name: name.to_owned(),
                direction,
                tdata_bits: 8 * format.beat_bytes(),
                packet: Some(format.beats),
            });
        Self {
            name: plan.layer().name().to_owned(),
            what: format!(
                "Convolution engine ({} of one layer)",
                plan.layer().pass().arrays().result.name
            ),
            streams: streams.collect(),
            ports: interface::ports(plan),
        }
    }

    /// A programmable engine.
    pub fn programmable(engine: &ProgrammableEngine, hardware: &Programmable) -> Self {
        let ports = interface::module_ports(&hardware.module);
        let width = |name: &str| ports.iter().find(|port| port.name == name);
        let streams = ports.iter().filter_map(|port| {
            let name = port.name.strip_suffix("_tvalid")?;
            let data = width(&format!("{name}_tdata"))?;
            Some(BlockStream {
                name: name.to_owned(),
                direction: port.direction,
                tdata_bits: data.width,
                packet: None,
            })
        });
        Self {
            name: engine.name().to_owned(),
            what: "Convolution engine (layers told at run time)".to_owned(),
            streams: streams.collect(),
            ports: ports.clone(),
        }
    }

    /// The pins of the register bus, where there is one: none in the engine of a layer.
    pub fn register_bus(&self) -> Vec<&Port> {
        self.bus(REGISTER_BUS)
    }

    /// Those of the AXI4 master, where there is one.
    pub fn memory_bus(&self) -> Vec<&Port> {
        self.bus(MEMORY_BUS)
    }

    fn bus(&self, name: &str) -> Vec<&Port> {
        let of_bus = |port: &&Port| port.name.starts_with(&format!("{name}_"));
        self.ports.iter().filter(of_bus).collect()
    }

    /// The ports that belong to no interface.
    pub fn pins(&self) -> Vec<&Port> {
        let [registers, memory] = [self.register_bus(), self.memory_bus()];
        let is_streams = |name: &str| {
            let of = |stream: &BlockStream| {
                let pin = name.strip_prefix(stream.name.as_str());
                pin.and_then(|pin| pin.strip_prefix('_'))
                    .is_some_and(|pin| STREAM_PINS.contains(&pin))
            };
            self.streams.iter().any(of)
        };
        let rest = self.ports.iter().filter(|port| {
            let name = port.name.as_str();
            let of_bus = registers.contains(port) || memory.contains(port);
            !CLOCK_AND_RESET.contains(&name) && !of_bus && !is_streams(name)
        });
        rest.collect()
    }

    /// Whether there is a port of that name.
    pub fn has(&self, name: &str) -> bool {
        self.ports.iter().any(|port| port.name == name)
    }
}
