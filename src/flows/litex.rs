//! A module for LiteX.

use super::block::{MEMORY_BUS, REGISTER_BUS};
use super::template::fill;
use super::{Block, BlockStream, FlowFile};
use crate::interface::{Direction, Port, FRAME_DONE};

/// The LiteX module of an engine.
pub fn litex(block: &Block) -> FlowFile {
    let top = &block.name;
    let mut parts = Parts::default();
    parts.bind(Direction::Input, "aclk", "ClockSignal(\"sys\")");
    parts.bind(Direction::Input, "aresetn", "~ResetSignal(\"sys\")");
    for stream in &block.streams {
        parts.stream(stream);
    }
    let bus = block.register_bus();
    if !bus.is_empty() {
        parts.register_bus(&bus);
    }
    let memory = block.memory_bus();
    if !memory.is_empty() {
        parts.memory_bus(&memory);
    }
    for port in block.pins() {
        // The registers of a programmable engine have all of this.
        parts.pin(port, bus.is_empty());
    }
    // The one has registers of its own, the other gets some.
    let imports = match bus.is_empty() {
        false => "from litex.soc.interconnect import axi, stream\n",
        true => "from litex.soc.interconnect import stream\nfrom litex.soc.interconnect.csr import CSRStatus\n",
    };
    let text = fill(
        include_str!("templates/litex.py"),
        &[
            ("TOP", top.as_str()),
            ("CLASS", &class_name(top)),
            ("WHAT", &block.what),
            ("DOCS", &parts.docs),
            ("INTERFACES", &parts.interfaces),
            ("BINDINGS", &parts.bindings),
            ("IMPORTS", imports),
            ("CSRS", &csrs(&parts.status)),
        ],
    );
    FlowFile {
        name: format!("{top}_litex.py"),
        text,
    }
}

/// Lines of the module that grow with each interface.
#[derive(Default)]
struct Parts {
    docs: String,
    interfaces: String,
    bindings: String,
    status: String,
}

impl Parts {
    fn bind(&mut self, direction: Direction, port: &str, to: &str) {
        let letter = match direction {
            Direction::Input => 'i',
            Direction::Output => 'o',
        };
        self.bindings += &format!("            {letter}_{port}={to},\n");
    }

    fn stream(&mut self, stream: &BlockStream) {
        let (array, name, bits) = (stream.array(), &stream.name, stream.tdata_bits);
        let (way, back) = match stream.direction {
            Direction::Input => ("into the engine", Direction::Output),
            Direction::Output => ("out of it", Direction::Input),
        };
        self.docs += &format!(
            "    {array}: stream {way}, {bits} bits a beat, `last` with the last beat of a packet\n"
        );
        self.interfaces +=
            &format!("        self.{array} = stream.Endpoint([(\"data\", {bits})])\n");
        for (pin, field, direction) in [
            ("tvalid", "valid", stream.direction),
            ("tready", "ready", back),
            ("tdata", "data", stream.direction),
            ("tlast", "last", stream.direction),
        ] {
            let to = format!("self.{array}.{field}");
            self.bind(direction, &format!("{name}_{pin}"), &to);
        }
    }

    fn register_bus(&mut self, bus: &[&Port]) {
        let address = bus.iter().find(|port| port.name.ends_with("_awaddr"));
        let bits = address.map_or(32, |port| port.width);
        self.docs += "    bus: AXI4-Lite slave of the registers, for `soc.bus.add_slave`\n";
        self.interfaces += &format!(
            "        self.bus = axi.AXILiteInterface(data_width=32, address_width={bits})\n"
        );
        self.bind_bus(bus, REGISTER_BUS, "bus");
    }

    fn memory_bus(&mut self, bus: &[&Port]) {
        let width = |pin: &str| {
            let name = format!("{MEMORY_BUS}_{pin}");
            let port = bus.iter().find(|port| port.name == name);
            port.map_or(1, |port| port.width)
        };
        let [data, address, id] = ["rdata", "araddr", "arid"].map(width);
        self.docs += "    memory: AXI4 master, for `soc.bus.add_master` or `soc.dma_bus`\n";
        self.interfaces += &format!(
            "        self.memory = axi.AXIInterface(data_width={data}, address_width={address}, id_width={id})\n"
        );
        self.bind_bus(bus, MEMORY_BUS, "memory");
    }

    /// The pins of a bus, which begin with `prefix`, to the interface that is called `name`.
    fn bind_bus(&mut self, bus: &[&Port], prefix: &str, name: &str) {
        for port in bus {
            let pin = port.name.trim_start_matches(prefix);
            let (channel, signal) = litex_channel(pin.trim_start_matches('_'));
            let to = format!("self.{name}.{channel}.{signal}");
            self.bind(port.direction, &port.name, &to);
        }
    }

    fn pin(&mut self, port: &Port, has_status: bool) {
        let (name, is_output) = (&port.name, port.direction == Direction::Output);
        let width = match port.width {
            1 => String::new(),
            width => width.to_string(),
        };
        let way = if is_output { "output" } else { "input" };
        self.docs += &format!("    {name}: {way}\n");
        self.interfaces += &format!("        self.{name} = Signal({width})\n");
        self.bind(port.direction, name, &format!("self.{name}"));
        // A pulse is nothing to read.
        if has_status && is_output && name != FRAME_DONE.name {
            self.status += &format!(
                "        self._{name} = CSRStatus({}, name=\"{name}\")\n        \
                 self.comb += self._{name}.status.eq(self.{name})\n",
                port.width
            );
        }
    }
}

/// The method that makes registers of the status, where there is any for them.
fn csrs(status: &str) -> String {
    match status.is_empty() {
        true => String::new(),
        false => format!(
            "\n    def add_csrs(self):\n        \"\"\"Status registers, for a processor to read.\"\"\"\n{status}"
        ),
    }
}

/// `awvalid`: the channel `aw` and its `valid`, as LiteX has them.
fn litex_channel(pin: &str) -> (&str, &str) {
    let at = match pin.starts_with("aw") || pin.starts_with("ar") {
        true => 2,
        false => 1,
    };
    pin.split_at(at)
}

/// `a_layer` becomes `ALayer`.
fn class_name(name: &str) -> String {
    let words = name.split('_').filter(|word| !word.is_empty());
    let words = words.map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    let class: String = words.collect();
    match class.starts_with(|c: char| c.is_ascii_alphabetic()) {
        true => class,
        false => format!("Engine{class}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_names_that_python_takes() {
        let names = ["strided", "a_layer_2", "_x", "__", "_2"].map(class_name);
        assert_eq!(names, ["Strided", "ALayer2", "X", "Engine", "Engine2"]);
    }
}
