//! Promise: the program of an axis is the definition of a tap, for every axis up to kernel 5, stride 4, dilation 4, six
//! pixels of padding on either side and size 12, in each of the three passes, as rows and as columns, in both shells.
//!
//! What is expected comes from the equations of a convolution alone, by search. The programs are gone through here as the
//! sequencer is proved to (`tests/formal`). `cargo test --release --test every_axis` takes seconds.

use std::collections::{BTreeSet, HashSet};

use bpa_engine::layer::{Geometry, Layer, LayerFile, Pass, PerItem};
use bpa_engine::schedule::{Buffers, FrameWalk, Shell};
use rayon::prelude::*;

#[path = "shared/program_steps.rs"]
mod program_steps;

use program_steps::steps;

/// The greatest of each.
const KERNEL: i64 = 5;
const STRIDE: i64 = 4;
const DILATION: i64 = 4;
const PADDING: i64 = 6;
const SIZE: i64 = 12;
/// Frames that a program is gone through.
const FRAMES: usize = 3;

/// Output p takes input h through tap r; and to a pass, a position takes another through a tap.
type Meets = (i64, i64, i64);
type Takes = fn(&Axis, Meets) -> (i64, (i64, i64));

/// An axis of a convolution.
#[derive(Clone, Copy, Debug)]
struct Axis {
    size: i64,
    kernel: i64,
    stride: i64,
    dilation: i64,
    padding: [i64; 2],
}

impl Axis {
    /// Positions of the convolution's output, if there are any.
    fn outputs(&self) -> Option<i64> {
        let beyond =
            self.size + self.padding[0] + self.padding[1] - self.dilation * (self.kernel - 1) - 1;
        (beyond >= 0).then(|| beyond / self.stride + 1)
    }

    /// For each position of what a pass makes, the taps that reach it, each with the position of what moves that it meets.
    /// Where the kernel or what stands for it is turned, taps are counted from its end.
    fn definition(&self, pass: Pass) -> Vec<Vec<(i64, i64)>> {
        let outputs = self.outputs().unwrap();
        let mut meets: Vec<Meets> = Vec::new();
        for p in 0..outputs {
            for r in 0..self.kernel {
                let h = p * self.stride - self.padding[0] + r * self.dilation;
                if (0..self.size).contains(&h) {
                    meets.push((p, h, r));
                }
            }
        }
        let (positions, of): (i64, Takes) = match pass {
            Pass::GradInput => (self.size, |_, (p, h, r)| (h, (r, p))),
            Pass::Forward => (outputs, |axis, (p, h, r)| (p, (axis.kernel - 1 - r, h))),
            Pass::GradWeight => (self.kernel, |axis, (p, h, r)| {
                (r, (axis.outputs().unwrap() - 1 - p, h))
            }),
        };
        let mut taps = vec![Vec::new(); positions as usize];
        for meet in meets {
            let (position, tap) = of(self, meet);
            taps[position as usize].push(tap);
        }
        for of_position in &mut taps {
            of_position.sort_unstable();
        }
        taps
    }

    /// A layer with this axis as its rows, or as its columns, and nothing along the other.
    fn layer(&self, pass: Pass, rows: bool) -> Layer {
        let both =
            |this: i64, other: i64| PerItem(if rows { [this, other] } else { [other, this] });
        let [before, behind] = self.padding;
        let geometry = Geometry {
            pass: Some(pass.to_string()),
            batch: (pass == Pass::GradWeight).then_some(1),
            in_channels: Some(1),
            out_channels: Some(1),
            in_size: Some(both(self.size, 1)),
            kernel: Some(both(self.kernel, 1)),
            stride: both(self.stride, 1),
            dilation: both(self.dilation, 1),
            padding: PerItem(if rows {
                [before, behind, 0, 0]
            } else {
                [0, 0, before, behind]
            }),
            ..Geometry::default()
        };
        let file = LayerFile {
            name: "axis".to_owned(),
            layer: geometry,
            ..LayerFile::default()
        };
        file.validate().unwrap()
    }
}

/// What a pixel of the result is to the walk, from the definition.
#[derive(Debug, PartialEq, Eq)]
struct Expected {
    /// First position that it reads, of all that are stored of all frames; first tap; how many.
    first: i64,
    tap: i64,
    taps: i64,
    /// Positions that it is the first to need, and the last.
    need: u64,
    free: u64,
    /// Positions without a tap just before.
    skip: u64,
    last: bool,
}

fn expected(taps: &[Vec<(i64, i64)>]) -> Vec<Expected> {
    let sources = taps.iter().flatten().map(|(_, source)| *source);
    let stored = [sources.clone().min().unwrap(), sources.max().unwrap()];
    let kept = stored[1] - stored[0] + 1;
    let (mut all, mut opened, mut freed, mut behind) = (Vec::new(), stored[0], stored[0], 0);
    let reached: Vec<usize> = (0..taps.len()).filter(|&h| !taps[h].is_empty()).collect();
    for (index, &h) in reached.iter().enumerate() {
        let newest = taps[h].iter().map(|(_, source)| source + 1).max().unwrap();
        let later = reached[index + 1..].iter().flat_map(|&h| &taps[h]);
        // Dead is what no later position reads; with the last one, all that is stored of the frame.
        let oldest = later
            .map(|(_, source)| *source)
            .min()
            .unwrap_or(stored[1] + 1);
        let need = (newest - opened).max(0);
        opened += need;
        let free = (oldest.min(opened) - freed).max(0);
        freed += free;
        all.push(Expected {
            first: taps[h][0].1 - stored[0],
            tap: taps[h][0].0,
            taps: taps[h].len() as i64,
            need: need as u64,
            free: free as u64,
            skip: (h - behind) as u64,
            last: index + 1 == reached.len(),
        });
        behind = h + 1;
    }
    // What no position needs last goes with the frame.
    assert_eq!((opened, freed), (stored[1] + 1, stored[1] + 1));
    let frames = (0..FRAMES as i64).flat_map(|frame| {
        all.iter().map(move |it| Expected {
            first: it.first + frame * kept,
            ..*it
        })
    });
    frames.collect()
}

/// What the programs of a layer with one axis come to.
fn found(walk: &FrameWalk, layer: &Layer, shell: Shell, rows: bool) -> Vec<Expected> {
    let buffers = Buffers {
        line_words: 64,
        fifo_results: 16,
    };
    let d = walk.describe(layer, buffers, shell);
    let visits = [d.rows.visits, d.cols.visits].map(|visits| visits as usize);
    let count = FRAMES * visits[0] * visits[1];
    let row_steps = steps(&d.rows.program, FRAMES * visits[0]);
    let col_steps = steps(&d.cols.program, count);
    let (mut first, mut tap, mut taps) = (0, 0, [1, 1]);
    let mut all = Vec::new();
    for (index, col) in col_steps.into_iter().enumerate() {
        let row = row_steps[index / visits[1]];
        let begins = index % visits[1] == 0;
        let from = if begins { row } else { col };
        first += from.address;
        tap += from.weight;
        taps[0] += if begins { row.taps } else { 0 };
        taps[1] += col.taps;
        all.push(Expected {
            first,
            tap,
            taps: taps[usize::from(!rows)],
            need: match begins {
                true => row.need,
                false => u64::from(row.opens) * col.need,
            },
            free: match col.last {
                true => row.free,
                false => u64::from(row.closes) * col.free,
            },
            skip: from.skip,
            last: row.last && col.last,
        });
        assert_eq!(taps[usize::from(rows)], 1, "along the other axis");
    }
    all
}

fn check(axis: &Axis, pass: Pass) -> usize {
    let taps = axis.definition(pass);
    let mut steps = 0;
    for rows in [true, false] {
        let layer = axis.layer(pass, rows);
        let walk = FrameWalk::new(layer.operation());
        let reaches = taps.iter().any(|taps| !taps.is_empty());
        assert_eq!(walk.reaches, reaches, "{axis:?}, {pass}");
        if !reaches {
            continue;
        }
        let expected = expected(&taps);
        for shell in [Shell::Fixed, Shell::Programmable] {
            let found = found(&walk, &layer, shell, rows);
            assert_eq!(found, expected, "{axis:?}, {pass}, {shell:?}, rows: {rows}");
            steps += found.len();
        }
    }
    steps
}

#[test]
fn each_program_is_the_definition_of_a_tap() {
    let mut all = Vec::new();
    // Axes with the same output sizes are the same to a pass.
    let mut seen = HashSet::new();
    for size in 1..=SIZE {
        for kernel in 1..=KERNEL {
            for stride in 1..=STRIDE {
                for dilation in 1..=DILATION {
                    for before in 0..=PADDING {
                        for behind in 0..=PADDING {
                            let axis = Axis {
                                size,
                                kernel,
                                stride,
                                dilation,
                                padding: [before, behind],
                            };
                            let Some(outputs) = axis.outputs() else {
                                continue;
                            };
                            if seen.insert((size, kernel, stride, dilation, before, outputs)) {
                                all.push(axis);
                            }
                        }
                    }
                }
            }
        }
    }
    let steps: usize = all
        .par_iter()
        .map(|axis| {
            Pass::ALL
                .iter()
                .map(|&pass| check(axis, pass))
                .sum::<usize>()
        })
        .sum();
    let kernels: BTreeSet<i64> = all.iter().map(|axis| axis.kernel).collect();
    assert_eq!(kernels.len(), KERNEL as usize);
    println!(
        "{} axes in three passes, {steps} steps of programs",
        all.len()
    );
    assert!(all.len() > 20_000, "{} axes", all.len());
}
