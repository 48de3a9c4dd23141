//! A module for LiteX.

use super::block::REGISTER_BUS;
use super::template::fill;
use super::{Block, FlowFile};
use crate::interface::Direction;

/// The LiteX module of an engine.
pub fn litex(block: &Block) -> FlowFile {
    let top = &block.name;
    let mut docs = String::new();
    let mut interfaces = String::new();
    let mut bindings = String::new();
    let mut bind = |direction: Direction, port: &str, to: &str| {
        let letter = match direction {
            Direction::Input => 'i',
            Direction::Output => 'o',
        };
        bindings += &format!("            {letter}_{port}={to},\n");
    };
    bind(Direction::Input, "aclk", "ClockSignal(\"sys\")");
    bind(Direction::Input, "aresetn", "~ResetSignal(\"sys\")");
    for stream in &block.streams {
        let (array, name) = (stream.array(), &stream.name);
        let (way, back) = match stream.direction {
            Direction::Input => ("into the engine", Direction::Output),
            Direction::Output => ("out of it", Direction::Input),
        };
        docs += &format!(
            "    {array}: stream {way}, {} bits a beat, `last` with the last beat of a packet\n",
            stream.tdata_bits
        );
        interfaces += &format!(
            "        self.{array} = stream.Endpoint([(\"data\", {})])\n",
            stream.tdata_bits
        );
        bind(
            stream.direction,
            &format!("{name}_tvalid"),
            &format!("self.{array}.valid"),
        );
        bind(
            back,
            &format!("{name}_tready"),
            &format!("self.{array}.ready"),
        );
        bind(
            stream.direction,
            &format!("{name}_tdata"),
            &format!("self.{array}.data"),
        );
        bind(
            stream.direction,
            &format!("{name}_tlast"),
            &format!("self.{array}.last"),
        );
    }
    let bus = block.register_bus();
    if !bus.is_empty() {
        let address = bus.iter().find(|port| port.name.ends_with("_awaddr"));
        let bits = address.map_or(32, |port| port.width);
        docs += "    bus: AXI4-Lite slave of the registers, for `soc.bus.add_slave`\n";
        interfaces += &format!(
            "        self.bus = axi.AXILiteInterface(data_width=32, address_width={bits})\n"
        );
        for port in bus {
            let pin = port
                .name
                .trim_start_matches(REGISTER_BUS)
                .trim_start_matches('_');
            let (channel, signal) = litex_channel(pin);
            bind(
                port.direction,
                &port.name,
                &format!("self.bus.{channel}.{signal}"),
            );
        }
    }
    let mut status = String::new();
    for port in block.pins() {
        let name = &port.name;
        let width = match port.width {
            1 => String::new(),
            width => width.to_string(),
        };
        docs += &match port.direction {
            Direction::Input => format!("    {name}: input\n"),
            Direction::Output => format!("    {name}: output\n"),
        };
        interfaces += &format!("        self.{name} = Signal({width})\n");
        bind(port.direction, name, &format!("self.{name}"));
        // A pulse is nothing to read; the registers of a programmable engine have all of this.
        let is_level = port.direction == Direction::Output && name != "frame_done" && name != "irq";
        if is_level && block.register_bus().is_empty() {
            status += &format!(
                "        self._{name} = CSRStatus({}, name=\"{name}\")\n        \
                 self.comb += self._{name}.status.eq(self.{name})\n",
                port.width
            );
        }
    }
    // The one has registers of its own, the other gets some.
    let imports = match block.register_bus().is_empty() {
        false => "from litex.soc.interconnect import axi, stream\n",
        true => "from litex.soc.interconnect import stream\nfrom litex.soc.interconnect.csr import CSRStatus\n",
    };
    let text = fill(
        include_str!("templates/litex.py"),
        &[
            ("TOP", top.as_str()),
            ("CLASS", &class_name(top)),
            ("WHAT", &block.what),
            ("DOCS", &docs),
            ("INTERFACES", &interfaces),
            ("BINDINGS", &bindings),
            ("IMPORTS", imports),
            ("CSRS", &csrs(&status)),
        ],
    );
    FlowFile {
        name: format!("{top}_litex.py"),
        text,
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
