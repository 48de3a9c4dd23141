//! What the walk comes to, from the programs line by line: which line follows which, and the pixels that the steps add up to.

use std::iter::successors;

use bpa_engine::layer::Layer;
use bpa_engine::plan::Plan;
use bpa_engine::programmable::{EngineFile, ProgrammableEngine};
use bpa_hdl::config::descriptor::{Descriptor, Jump, Program};
use bpa_hdl::walk::TokenWidths;

use crate::named_layers::layer;

/// A small programmable engine.
pub fn engine() -> ProgrammableEngine {
    let text = "name = \"told\"
        [engine]
        mode = \"programmable\"
        simd = 2
        pe = 2
        [limits]
        size = 24
        kernel = 3
        steps = 14
        line_words = 200
        weight_words = 120
        zero_run = 255
        fifo_results = 16";
    EngineFile::parse(text, "here").unwrap().validate().unwrap()
}

/// Layers of that engine, as it is told them: strides, dilations and paddings that differ, pixels without a tap, several
/// blocks of C and of K.
pub fn told_layers() -> Vec<Descriptor> {
    let layers = [
        "in_channels = 4\nout_channels = 6\nin_size = [9, 10]\nkernel = [2, 3]\nstride = [3, 2]\ndilation = [2, 3]
        padding = [4, 0, 1, 2]",
        "in_channels = 2\nout_channels = 4\nin_size = [22, 5]\nkernel = 3\npadding = 1",
        "in_channels = 3\nout_channels = 2\nin_size = [24, 12]\nkernel = 1\nstride = 2",
        "in_channels = 6\nout_channels = 3\nin_size = [6, 8]\nkernel = [3, 2]\nstride = [1, 2]",
    ];
    let told = |text: &&str| {
        let layer = layer(&format!("name = \"l\"\n[layer]\n{text}"));
        let geometry = layer.to_file().layer;
        let layer = engine().layer(geometry).unwrap();
        engine().plan(&layer).unwrap().descriptor().clone()
    };
    layers.iter().map(told).collect()
}

/// The layer as a fixed engine has it.
pub fn fixed(layer: &Layer) -> Descriptor {
    Plan::new(layer).descriptor().clone()
}

/// The lines of a program in the order in which they are gone through, without end.
pub fn lines(program: &Program) -> impl Iterator<Item = usize> + '_ {
    // Each jump is told some lines ahead of the line that it leaves.
    let jump = |line: usize| match line.checked_sub(program.ahead) {
        Some(teller) => program.lines[teller].ahead,
        None => Jump::Next,
    };
    let mut left = None;
    successors(Some(0), move |&line| {
        Some(match jump(line) {
            Jump::Next => line + 1,
            Jump::Wrap => 1,
            Jump::Loop { start, turns } => {
                let now = left.unwrap_or(turns - 1);
                left = (now > 0).then(|| now - 1);
                match now {
                    0 => line + 1,
                    _ => start as usize,
                }
            }
        })
    })
}

/// A pixel of grad_input with taps.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pixel {
    /// Word of the line buffer of its first tap, and weight likewise.
    pub address: i64,
    pub weight: i64,
    pub tap_rows: i64,
    pub tap_cols: i64,
    /// Pixels of grad_output that it is the first to need, and that are dead behind it.
    pub need: u64,
    pub free: u64,
    /// Beats without a tap just before.
    pub skip: u64,
    pub frame_first: bool,
    pub frame_last: bool,
}

/// The pixels of so many frames.
pub fn pixels(d: &Descriptor, frames: u64) -> Vec<Pixel> {
    let mut found: Vec<Pixel> = Vec::new();
    let [mut rows, mut cols] = [&d.rows, &d.cols].map(|axis| lines(&axis.program));
    let mut at = Pixel::default();
    let mut done = 0;
    while done < frames {
        let frame_first = found.last().is_none_or(|before| before.frame_last);
        let row = &d.rows.program.lines[rows.next().unwrap()].step;
        at.tap_rows += row.taps;
        let mut first = true;
        loop {
            let col = &d.cols.program.lines[cols.next().unwrap()].step;
            let from = if first { row } else { col };
            at.tap_cols += col.taps;
            at.address = (at.address + from.address).rem_euclid(d.line_words as i64);
            at.weight += from.weight;
            at.need = match first {
                true => row.need,
                false => u64::from(row.opens) * col.need,
            };
            at.free = match col.last {
                true => row.free,
                false => u64::from(row.closes) * col.free,
            };
            at.skip = from.skip;
            at.frame_first = first && frame_first;
            at.frame_last = row.last && col.last;
            // The first steps tell taps less one.
            found.push(Pixel {
                tap_rows: at.tap_rows + 1,
                tap_cols: at.tap_cols + 1,
                ..at
            });
            first = false;
            if col.last {
                break;
            }
        }
        done += u64::from(row.last);
    }
    found
}

/// A number in so many bits, modulo two to them.
pub fn bits(value: i64, width: usize) -> u64 {
    value as u64 & (u64::MAX >> (64 - width))
}

/// A token of these fields.
pub fn token(t: &TokenWidths, field: impl Fn(&str) -> i64) -> u64 {
    let mut low = 0;
    let mut packed = 0;
    for (name, width) in t.fields() {
        packed |= bits(field(name), width) << low;
        low += width;
    }
    packed
}
