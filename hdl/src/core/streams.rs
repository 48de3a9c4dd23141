//! The ports of the engine: its streams and what it says of itself.

use crate::config::arrays::Arrays;
use crate::config::capacity::Capacity;
use crate::config::descriptor::Lanes;
use crate::rtl::{Expr, Module};
use crate::stages::{COUNT_BITS, SEED_BITS};

/// The streams of the engine, declared alike on the core and on the shells around it.
pub struct Streams {
    arrays: Arrays,
    names: Vec<(String, usize, bool)>,
    /// A beat has several pixels.
    several_pixels: bool,
}

impl Streams {
    /// Names, widths and directions (`true`: into the engine) of every port.
    pub fn of(capacity: &Capacity, lanes: &Lanes) -> Self {
        let bytes = |bits: usize| bits.next_multiple_of(8);
        let stages = &lanes.stages;
        let arrays = capacity.arrays;
        let mut names = Vec::new();
        let mut stream = |name: &str, bits: usize, inward: bool| {
            names.push((format!("{name}_tvalid"), 1, inward));
            names.push((format!("{name}_tready"), 1, !inward));
            names.push((format!("{name}_tdata"), bits, inward));
            names.push((format!("{name}_tlast"), 1, inward));
        };
        stream(&arrays.moving_stream(), bytes(lanes.grad_beat_bits()), true);
        let bits = bytes(lanes.weight_beat_bits());
        stream(&arrays.stationary_stream(), bits, true);
        if stages.accumulate {
            let bits = lanes.results() * lanes.accumulate_bits();
            stream("s_axis_accumulate", bits, true);
        }
        if stages.mask {
            stream("s_axis_mask", bytes(lanes.results()), true);
        }
        let out_bits = bytes(lanes.results() * lanes.out_bits());
        stream(&arrays.result_stream(), out_bits, false);
        let requantise = stages.requantise;
        // Else a word of the job tells the seed.
        if requantise.is_some_and(|requantise| requantise.draws()) && !capacity.stages_vary {
            names.push(("rounding_seed".to_owned(), SEED_BITS, true));
        }
        for (name, bits) in [
            ("busy", 1),
            ("frame_done", 1),
            ("error", 1),
            ("error_cause", cause_bits(lanes)),
        ] {
            names.push((name.to_owned(), bits, false));
        }
        if requantise.is_some() {
            names.push(("saturations".to_owned(), COUNT_BITS, false));
        }
        Streams {
            arrays,
            names,
            several_pixels: lanes.pixels > 1,
        }
    }

    /// Declares them on `m`.
    pub fn declare(&self, m: &mut Module) -> Vec<Expr> {
        self.declare_ports(m, true)
    }

    /// The same where memory stands behind the streams: they are nets of `m`.
    pub fn declare_within(&self, m: &mut Module) -> Vec<Expr> {
        self.declare_ports(m, false)
    }

    fn declare_ports(&self, m: &mut Module, streams_are_ports: bool) -> Vec<Expr> {
        let has = |wanted: &str| self.names.iter().any(|(name, ..)| name == wanted);
        let Arrays {
            moving,
            stationary,
            result,
        } = self.arrays;
        let both = format!("{}, {}", moving.name, stationary.name);
        let causes = match (has("s_axis_accumulate_tvalid"), has("s_axis_mask_tvalid")) {
            (false, false) => format!(
                "{} early, missing, late; {} early, missing, late",
                moving.name, stationary.name
            ),
            (true, false) => format!("early, missing, late: {both}, accumulate"),
            (false, true) => format!("early, missing, late: {both}, mask"),
            (true, true) => format!("early, missing, late: {both}, accumulate, mask"),
        };
        let pixels = match self.several_pixels {
            false => "row, column, channel block; tlast ends a frame",
            true => "row, columns (several a beat), channel block; tlast ends a frame",
        };
        let streams = [
            (
                self.arrays.moving_stream(),
                format!("{}: {pixels}", moving.values),
            ),
            (
                self.arrays.stationary_stream(),
                format!("{}; tlast ends a set", stationary.values),
            ),
            (
                self.arrays.result_stream(),
                format!("{}: {pixels}", result.values),
            ),
            (
                "s_axis_accumulate".to_owned(),
                format!(
                    "added to {}, in its order; tlast ends a frame",
                    result.values
                ),
            ),
            (
                "s_axis_mask".to_owned(),
                format!(
                    "a bit a value of {}, low: zero; tlast ends a frame",
                    result.values
                ),
            ),
        ];
        let comment = |name: &str| -> String {
            let prefix = name.strip_suffix("_tvalid");
            if let Some((_, text)) = streams.iter().find(|(it, _)| prefix == Some(it.as_str())) {
                return text.clone();
            }
            match name {
                "busy" => "a frame is in the engine",
                "frame_done" => "pulse: the last beat of a frame was taken",
                "error" => "sticky until reset: a tlast was misplaced",
                "rounding_seed" => "taken in reset",
                "saturations" => "values that did not fit, since reset, modulo 2^32",
                "error_cause" => &causes,
                _ => "",
            }
            .to_owned()
        };
        let is_port = |name: &str| streams_are_ports || !name.contains("_axis_");
        self.names
            .iter()
            .map(|(name, width, inward)| match (is_port(name), inward) {
                (false, _) => m.net(name, *width, &comment(name)),
                (true, true) => m.input(name, *width, &comment(name)),
                (true, false) => m.output(name, *width, &comment(name)),
            })
            .collect()
    }

    /// The one of that name, of what [`Streams::declare`] gave.
    pub fn port(&self, ports: &[Expr], wanted: &str) -> Expr {
        let mut named = self.names.iter().zip(ports);
        named.find(|((name, ..), _)| name == wanted).map_or_else(
            || unreachable!("no port {wanted}"),
            |(_, port)| port.clone(),
        )
    }

    /// Binds them to the ports of the same name on the module around.
    pub fn bindings<'a>(&'a self, ports: &[Expr]) -> Vec<(&'a str, Expr)> {
        self.names
            .iter()
            .zip(ports)
            .map(|((name, ..), port)| (name.as_str(), port.clone()))
            .collect()
    }
}

/// Bits of `error_cause`: three for each stream in.
pub(crate) fn cause_bits(lanes: &Lanes) -> usize {
    3 * (2 + lanes.stages.streams())
}
