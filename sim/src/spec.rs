//! What a model looks like from outside: its streams and its pins.

use std::collections::HashSet;
use std::fmt::Write as _;

use crate::{MemoryPort, SimError};

/// An AXI4-Stream port with the pins `NAME_tvalid`, `NAME_tready`, `NAME_tdata` and `NAME_tlast`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamPort {
    /// The common start of the pins' names, for instance `s_axis_weight`.
    pub name: String,
    /// Bytes of `tdata` per beat.
    pub bytes: usize,
}

impl StreamPort {
    /// A stream called `name` with `bytes` bytes per beat.
    pub fn new(name: impl Into<String>, bytes: usize) -> Self {
        let name = name.into();
        StreamPort { name, bytes }
    }
}

/// A pin that is no part of a stream, of at most 64 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The port's name.
    pub name: String,
    /// Its width, 1 to 64.
    pub bits: usize,
    /// Whether the cycles in which the pin is not zero are counted (outputs only), see
    /// [`Instance::watched`](crate::Instance::watched).
    pub watch: bool,
}

impl Pin {
    /// A pin called `name` with `bits` bits.
    pub fn new(name: impl Into<String>, bits: usize) -> Self {
        let name = name.into();
        Pin {
            name,
            bits,
            watch: false,
        }
    }

    /// The same pin, watched: for pulses, which [`peek`](crate::Instance::peek) would miss.
    pub fn watched(self) -> Self {
        Pin {
            watch: true,
            ..self
        }
    }
}

/// A Verilog design and its ports. Clock `aclk` and synchronous active-low reset `aresetn` are
/// always there and are not listed; every other input must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelSpec {
    /// Name of the top module.
    pub top: String,
    /// The whole design as Verilog text.
    pub verilog: String,
    /// Streams into the design.
    pub sources: Vec<StreamPort>,
    /// Streams out of the design, at least one unless there is a memory.
    pub sinks: Vec<StreamPort>,
    /// Other inputs; they start at zero.
    pub pins_in: Vec<Pin>,
    /// Other outputs that are to be read.
    pub pins_out: Vec<Pin>,
    /// The AXI4 master that has a memory behind it.
    pub memory: Option<MemoryPort>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Input,
    Output,
}

impl ModelSpec {
    /// Checks what can be checked without Verilator.
    pub(crate) fn validate(&self) -> Result<(), SimError> {
        let fault = |message: String| Err(SimError::Spec { message });
        if !is_identifier(&self.top) {
            return fault(format!("`{}` cannot name the top module", self.top));
        }
        if self.sinks.is_empty() && self.memory.is_none() {
            return fault("a model needs at least one sink, or a memory".into());
        }
        if let Some(MemoryPort {
            word_bytes,
            id_bits,
        }) = self.memory
        {
            if !word_bytes.is_power_of_two() || !(4..=64).contains(&word_bytes) {
                return fault(format!("a memory has words of {word_bytes} bytes"));
            }
            if !(1..=4).contains(&id_bits) {
                return fault(format!("a memory has IDs of {id_bits} bits"));
            }
        }
        for stream in self.sources.iter().chain(&self.sinks) {
            if stream.bytes == 0 {
                return fault(format!("stream `{}` has beats of no bytes", stream.name));
            }
        }
        for pin in self.pins_in.iter().chain(&self.pins_out) {
            if !(1..=64).contains(&pin.bits) {
                return fault(format!(
                    "pin `{}` has {} bits, not 1 to 64",
                    pin.name, pin.bits
                ));
            }
        }
        if let Some(pin) = self.pins_in.iter().find(|pin| pin.watch) {
            return fault(format!(
                "pin `{}` is an input and cannot be watched",
                pin.name
            ));
        }
        let mut seen = HashSet::new();
        for (name, _, _) in self.ports() {
            if !is_plain_name(&name) {
                return fault(format!("`{name}` cannot name a port here"));
            }
            if !seen.insert(name.clone()) {
                return fault(format!("port `{name}` is listed twice"));
            }
        }
        Ok(())
    }

    /// All ports as (name, direction, bits), clock and reset included.
    fn ports(&self) -> Vec<(String, Direction, usize)> {
        use Direction::{Input, Output};
        let mut ports = vec![
            ("aclk".to_string(), Input, 1),
            ("aresetn".to_string(), Input, 1),
        ];
        for (streams, forward, back) in
            [(&self.sources, Input, Output), (&self.sinks, Output, Input)]
        {
            for StreamPort { name, bytes } in streams {
                ports.push((format!("{name}_tvalid"), forward, 1));
                ports.push((format!("{name}_tdata"), forward, bytes * 8));
                ports.push((format!("{name}_tlast"), forward, 1));
                ports.push((format!("{name}_tready"), back, 1));
            }
        }
        if let Some(memory) = &self.memory {
            for (pins, direction) in memory.pins().into_iter().zip([Input, Output]) {
                ports.extend(pins.into_iter().map(|(name, bits)| (name, direction, bits)));
            }
        }
        for (pins, direction) in [(&self.pins_in, Input), (&self.pins_out, Output)] {
            ports.extend(
                pins.iter()
                    .map(|pin| (pin.name.clone(), direction, pin.bits)),
            );
        }
        ports
    }

    /// Compares the ports with those that the class header generated by Verilator declares.
    pub(crate) fn check_header(&self, header: &str) -> Result<(), SimError> {
        let found: Vec<_> = header.lines().filter_map(parse_port).collect();
        let wanted = self.ports();
        let describe = |direction: Direction, bits: usize| match direction {
            Direction::Input => format!("an input of {bits} bits"),
            Direction::Output => format!("an output of {bits} bits"),
        };
        for (name, direction, bits) in &wanted {
            let expected = describe(*direction, *bits);
            let actual = match found.iter().find(|(found, _, _)| found == name) {
                Some((_, found_direction, found_bits)) => describe(*found_direction, *found_bits),
                None => "not there".to_string(),
            };
            if actual != expected {
                return Err(SimError::Port {
                    port: name.clone(),
                    expected,
                    actual,
                });
            }
        }
        for (name, direction, bits) in &found {
            let listed = wanted.iter().any(|(wanted, _, _)| wanted == name);
            if *direction == Direction::Input && !listed {
                return Err(SimError::Port {
                    port: name.clone(),
                    expected: "in the specification".into(),
                    actual: format!("{} that nothing drives", describe(*direction, *bits)),
                });
            }
        }
        Ok(())
    }

    /// The header that tells the shim about this model, whose class is `prefix`.
    pub(crate) fn ports_header(&self, prefix: &str) -> String {
        let mut text = format!("#include \"{prefix}.h\"\nusing Top = {prefix};\n");
        let mut list = |name: &str, entries: Vec<String>| {
            let _ = writeln!(text, "#define {name}(X) {}", entries.join(" "));
        };
        let streams = |streams: &[StreamPort]| {
            let entry = |(i, stream): (usize, &StreamPort)| {
                format!("X({i}, {}, {})", stream.name, stream.bytes)
            };
            streams.iter().enumerate().map(entry).collect::<Vec<_>>()
        };
        let pins = |pins: &[Pin], first: usize| {
            let entry =
                |(i, pin): (usize, &Pin)| format!("X({}, {}, {})", first + i, pin.name, pin.bits);
            pins.iter().enumerate().map(entry).collect::<Vec<_>>()
        };
        list("BPA_SOURCES", streams(&self.sources));
        list("BPA_SINKS", streams(&self.sinks));
        let memory = self.memory.iter();
        list(
            "BPA_MEMORY",
            memory.map(|it| format!("X({})", it.word_bytes)).collect(),
        );
        list("BPA_PINS_IN", pins(&self.pins_in, 0));
        list("BPA_PINS_OUT", pins(&self.pins_out, self.pins_in.len()));
        let watched = self.watched().enumerate();
        list(
            "BPA_WATCHED",
            watched
                .map(|(i, pin)| format!("X({i}, {})", pin.name))
                .collect(),
        );
        text
    }

    pub(crate) fn watched(&self) -> impl Iterator<Item = &Pin> {
        self.pins_out.iter().filter(|pin| pin.watch)
    }
}

/// A name for a file and a module; the module's is no name in C++, since the class has another.
fn is_identifier(name: &str) -> bool {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts_well && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A name that Verilator hands on to C++ as it is.
fn is_plain_name(name: &str) -> bool {
    is_identifier(name) && !name.contains("__")
}

/// Reads a port from a line like `VL_INW(&s_axis_weight_tdata,71,0,3);`.
fn parse_port(line: &str) -> Option<(String, Direction, usize)> {
    let line = line.trim();
    let direction = if line.starts_with("VL_OUT") {
        Direction::Output
    } else if line.starts_with("VL_IN") {
        Direction::Input
    } else {
        return None;
    };
    let (_, rest) = line.split_once("(&")?;
    let mut fields = rest.trim_end_matches([')', ';']).split(',');
    let name = fields.next()?.to_string();
    let high: usize = fields.next()?.parse().ok()?;
    let low: usize = fields.next()?.parse().ok()?;
    Some((name, direction, high.checked_sub(low)? + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> ModelSpec {
        ModelSpec {
            top: "top".into(),
            verilog: String::new(),
            sources: vec![],
            sinks: vec![StreamPort::new("m", 9)],
            pins_in: vec![],
            pins_out: vec![Pin::new("busy", 1)],
            memory: None,
        }
    }

    #[test]
    fn faulty_specifications_are_refused() {
        assert!(spec().validate().is_ok());
        let mut double = spec();
        double.pins_out.push(Pin::new("m_tlast", 1));
        assert!(double.validate().unwrap_err().to_string().contains("twice"));
        for name in ["", "1x", "a b", "a__b", "a;b"] {
            let mut named = spec();
            named.pins_in.push(Pin::new(name, 1));
            assert!(named.validate().is_err(), "{name}");
        }
        let mut wide = spec();
        wide.pins_in.push(Pin::new("wide", 65));
        assert!(wide.validate().is_err());
        let mut sinkless = spec();
        sinkless.sinks.clear();
        assert!(sinkless.validate().is_err());
    }

    #[test]
    fn ports_are_compared_with_the_header() {
        let header =
            "    VL_IN8(&aclk,0,0);\n    VL_IN8(&aresetn,0,0);\n    VL_OUT8(&m_tvalid,0,0);
            VL_OUTW(&m_tdata,71,0,3);\n    VL_OUT8(&m_tlast,0,0);\n    VL_IN8(&m_tready,0,0);
            VL_OUT8(&busy,0,0);\n";
        assert!(spec().check_header(header).is_ok());
        let narrow = header.replace("71,0,3", "70,0,3");
        let error = spec().check_header(&narrow).unwrap_err().to_string();
        assert!(
            error.contains("m_tdata") && error.contains("71 bits"),
            "{error}"
        );
        let turned = header.replace("VL_OUT8(&busy", "VL_IN8(&busy");
        assert!(spec().check_header(&turned).is_err());
        let undriven = format!("{header}VL_IN8(&extra,0,0);");
        let error = spec().check_header(&undriven).unwrap_err().to_string();
        assert!(error.contains("extra"), "{error}");
    }
}
