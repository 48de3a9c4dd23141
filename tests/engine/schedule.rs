//! Promise: the walk that the hardware, its buffers and the cost model are made from is what the mathematics says: each
//! tap once, in order; each pixel of dY opened when it is first needed, freed after it is last needed; nothing kept
//! over the end of a frame; each pixel without a tap counted once. And the live span is what its definition says.
//!
//! Thousands of layers, no simulator. Everything expected here comes from the equation
//! `p * stride = h + pad_before - r * dilation` alone, by search. For other layers:
//! `PROPTEST_RNG_SEED=5 PROPTEST_CASES=100000 cargo test --test engine schedule`.

use bpa_engine::layer::{Axis, Layer};
use bpa_engine::plan::Plan;
use bpa_engine::schedule::Buffers;
use bpa_engine::schedule::{live_span_pixels, AxisTaps, AxisWalk, FrameWalk, Gather};
use bpa_hdl::config::descriptor::Step;
use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};

use crate::layers::{config, layer};
use crate::program_steps::steps;

/// Unless the environment says otherwise.
const SEED: u64 = 1;

/// The taps that reach a position, each with the position of grad_output that it meets.
pub fn taps(axis: &Axis, position: u32) -> Vec<(u64, u64)> {
    let meets = |(r, p): &(u64, u64)| {
        p * u64::from(axis.stride) + r * u64::from(axis.dilation)
            == u64::from(position) + u64::from(axis.pad_before)
    };
    (0..u64::from(axis.kernel))
        .flat_map(|r| (0..u64::from(axis.out_size)).map(move |p| (r, p)))
        .filter(meets)
        .collect()
}

/// A pixel of grad_input with taps: where it stands in the frame, and the positions of grad_output that it needs, as
/// ranks.
struct Needs {
    position: u64,
    taps: u64,
    newest: u64,
    oldest: u64,
}

/// Every pixel with taps, in order; `rank` numbers the positions of grad_output.
fn needs(layer: &Layer, rank: impl Fn(u64, u64) -> u64) -> Vec<Needs> {
    let (rows, cols) = (layer.rows(), layer.cols());
    let mut all = Vec::new();
    for h in 0..rows.in_size {
        for w in 0..cols.in_size {
            let mut met = Vec::new();
            for (_, p) in taps(&rows, h) {
                met.extend(taps(&cols, w).into_iter().map(|(_, q)| rank(p, q)));
            }
            if let (Some(&newest), Some(&oldest)) = (met.iter().max(), met.iter().min()) {
                all.push(Needs {
                    position: u64::from(h) * u64::from(cols.in_size) + u64::from(w),
                    taps: met.len() as u64,
                    newest,
                    oldest,
                });
            }
        }
    }
    all
}

/// The positions of grad_output along an axis that some position needs, in order.
fn needed(axis: &Axis) -> Vec<u64> {
    let met = |p: &u64| (0..axis.in_size).any(|h| taps(axis, h).iter().any(|tap| tap.1 == *p));
    (0..u64::from(axis.out_size)).filter(met).collect()
}

/// For each pixel the oldest position that it or a later one needs.
fn oldest_from_here(needs: &[Needs]) -> Vec<u64> {
    let mut oldest = u64::MAX;
    let mut all: Vec<u64> = needs
        .iter()
        .rev()
        .map(|pixel| {
            oldest = oldest.min(pixel.oldest);
            oldest
        })
        .collect();
    all.reverse();
    all
}

/// The most positions at once from the newest one that arrived to the oldest one still to be used, of those that some
/// pixel needs: the definition, word by word.
fn live_span(layer: &Layer) -> u64 {
    let (rows, cols) = (needed(&layer.rows()), needed(&layer.cols()));
    let order = |of: &[u64], wanted: u64| of.iter().position(|&p| p == wanted).unwrap() as u64;
    let needs = needs(layer, |p, q| {
        order(&rows, p) * cols.len() as u64 + order(&cols, q)
    });
    let oldest = oldest_from_here(&needs);
    let mut newest = 0;
    let spans = needs.iter().zip(oldest).map(|(pixel, oldest)| {
        newest = newest.max(pixel.newest);
        newest + 1 - oldest
    });
    spans.max().unwrap_or(0)
}

fn check_axis(axis: &Axis) -> Result<(), TestCaseError> {
    let walk = AxisTaps::new(*axis);
    for position in 0..axis.in_size {
        let expected = taps(axis, position);
        let found: Vec<(u64, u64)> = match walk.at(position.into()) {
            None => vec![],
            Some(taps) => (0..taps.count)
                .map(|i| {
                    (
                        taps.first_tap + i * walk.tap_step,
                        taps.first_out - i * walk.out_step,
                    )
                })
                .collect(),
        };
        prop_assert_eq!(&found, &expected, "{:?} at {}", axis, position);
        if let Some(taps) = walk.at(position.into()) {
            prop_assert_eq!(walk.last_out(&taps), expected.last().unwrap().1);
        }
    }
    Ok(())
}

fn check_walk(layer: &Layer) -> Result<(), TestCaseError> {
    let walk = FrameWalk::new(layer.operation());
    let (rows, cols) = (needed(&layer.rows()), needed(&layer.cols()));
    let frame = u64::from(layer.rows().in_size) * u64::from(layer.cols().in_size);
    let pixels: Vec<_> = walk.pixels().collect();
    let skipped: u64 = pixels.iter().map(|pixel| pixel.skipped).sum();
    prop_assert_eq!(skipped + pixels.len() as u64 + walk.end_pixels(), frame);

    let reaches = !rows.is_empty() && !cols.is_empty();
    prop_assert_eq!(walk.reaches, reaches);
    if !reaches {
        // The stand-in: one pixel, one tap, one position of grad_output.
        prop_assert_eq!(pixels.len(), 1);
        let only = pixels[0];
        prop_assert_eq!((only.opens, only.frees), (1, 1));
        prop_assert_eq!((walk.kept_pixels(), walk.held_pixels()), (1, 1));
        return Ok(());
    }

    // What is stored of a frame: the rectangle around all that is needed.
    let (first_row, first_col) = (rows[0], cols[0]);
    let width = cols[cols.len() - 1] - first_col + 1;
    let kept = (rows[rows.len() - 1] - first_row + 1) * width;
    prop_assert_eq!(walk.kept_pixels(), kept);

    let needs = needs(layer, |p, q| (p - first_row) * width + (q - first_col));
    prop_assert_eq!(pixels.len(), needs.len());
    let mut next = 0;
    let (mut opened, mut freed, mut held, mut newest) = (0, 0, 0, 0);
    for ((pixel, needs), oldest) in pixels.iter().zip(&needs).zip(oldest_from_here(&needs)) {
        prop_assert_eq!(next + pixel.skipped, needs.position);
        next = needs.position + 1;
        prop_assert_eq!(pixel.issues, needs.taps * walk.tap_issues);
        let first_of_row = needs.position % u64::from(layer.cols().in_size)
            == u64::from((0..).find(|&w| !taps(&layer.cols(), w).is_empty()).unwrap());
        prop_assert_eq!(pixel.row_first, first_of_row);

        // Waits for all that it needs, and for nothing more.
        opened += pixel.opens;
        newest = newest.max(needs.newest);
        prop_assert_eq!(opened, newest + 1, "opened at {}", needs.position);
        // Nothing is gone that it or a later pixel needs.
        prop_assert!(freed <= oldest, "freed at {}", needs.position);
        held = held.max(opened - freed);
        freed += pixel.frees;
        prop_assert!(freed <= opened);
    }
    prop_assert_eq!((opened, freed), (kept, kept), "at the end of the frame");
    prop_assert_eq!(walk.held_pixels(), held);
    Ok(())
}

fn check_plan(layer: &Layer) -> Result<(), TestCaseError> {
    let plan = Plan::new(layer);
    let walk = FrameWalk::new(layer.operation());
    let span = live_span(layer);
    prop_assert_eq!(live_span_pixels(&walk), span);
    prop_assert_eq!(plan.live_span_pixels(), span);
    prop_assert!(plan.line_buffer_pixels() >= walk.held_pixels());
    prop_assert!(plan.line_buffer_pixels() >= span);
    prop_assert!(plan.fifo_results().is_power_of_two());

    // The accumulator has the bits that the worst case needs, and not one more.
    let most = |axis: &Axis| {
        (0..axis.in_size)
            .map(|h| taps(axis, h).len())
            .max()
            .unwrap() as i128
    };
    let terms = most(&layer.rows()) * most(&layer.cols()) * i128::from(layer.out_per_group());
    let least = |bits: u32| -(1_i128 << (bits - 1));
    let worst = terms * least(layer.grad_type().bits()) * least(layer.weight_type().bits());
    let greatest = (1_i128 << (plan.lanes().acc_bits - 1)) - 1;
    prop_assert!(
        worst <= greatest,
        "{} bits hold {}",
        plan.lanes().acc_bits,
        worst
    );
    if worst > 0 {
        prop_assert!(
            worst > greatest / 2,
            "{} bits for {}",
            plan.lanes().acc_bits,
            worst
        );
    }
    Ok(())
}

/// The programs add up, frame after frame, to the first tap of each pixel and to what it needs and lets go.
fn check_programs(layer: &Layer) -> Result<(), TestCaseError> {
    const FRAMES: usize = 3;
    let walk = FrameWalk::new(layer.operation());
    let fixed = Plan::new(layer);
    let buffers = Buffers {
        line_words: fixed.descriptor().line_words,
        fifo_results: fixed.fifo_results(),
    };
    let frame_words = (walk.kept_pixels() * walk.pixel_words) as i64;
    for (plan, space) in [
        (fixed, 1),
        (Plan::with_buffers(layer, buffers), walk.pixel_words),
    ] {
        let d = plan.descriptor();
        let (height, width) = (walk.rows.visits.len(), walk.cols.visits.len());
        let rows = steps(&d.rows.program, FRAMES * height);
        let cols = steps(&d.cols.program, FRAMES * height * width);
        let pixels: Vec<_> = walk.pixels().collect();
        let mut address = 0;
        let mut weight = 0;
        let [mut row_taps, mut col_taps] = [1, 1];
        for (index, col) in cols.iter().enumerate() {
            let (row, at) = (rows[index / width], index % width);
            let pixel = &pixels[index % pixels.len()];
            let (i, j) = (index / width % height, at);
            if at == 0 {
                row_taps += row.taps;
            }
            col_taps += col.taps;
            let step: &Step = if at == 0 { row } else { col };
            address += step.address;
            weight += step.weight;
            let (row_visit, col_visit) = (&walk.rows.visits[i], &walk.cols.visits[j]);
            let first = (row_visit.taps.first_out - walk.rows.kept.first) * walk.cols.kept_size()
                + (col_visit.taps.first_out - walk.cols.kept.first);
            let frame = (index / pixels.len()) as i64;
            let words = frame * frame_words + (first * walk.pixel_words) as i64;
            prop_assert_eq!(address, words, "address of {}, {}", i, j);
            let tap = row_visit.taps.first_tap * u64::from(layer.cols().kernel)
                + col_visit.taps.first_tap;
            prop_assert_eq!(weight, (tap * walk.tap_issues) as i64);
            prop_assert_eq!(row_taps as u64, row_visit.taps.count);
            prop_assert_eq!(col_taps as u64, col_visit.taps.count);
            let need = match at {
                0 => row.need,
                _ if row.opens => col.need,
                _ => 0,
            };
            let free = match row.closes {
                _ if col.last => row.free,
                true => col.free,
                false => 0,
            };
            prop_assert_eq!((need, free), (pixel.opens, pixel.frees * space));
            prop_assert_eq!(step.skip, pixel.skipped * walk.pixel_beats);
            prop_assert_eq!(col.last, at + 1 == width);
            prop_assert_eq!(row.last, i + 1 == height);
        }
    }
    Ok(())
}

/// An axis with any advance, as a search finds its taps.
fn check_gather(gather: Gather) -> Result<(), TestCaseError> {
    let meets = |h: u64| {
        let met = move |r: u64| {
            let at = (h * gather.advance) as i64 + gather.pad - (r * gather.dilation) as i64;
            let p = at / gather.stride as i64;
            let inside = at >= 0 && at % gather.stride as i64 == 0 && p < gather.sources as i64;
            inside.then_some((r, p as u64))
        };
        (0..gather.kernel).filter_map(met).collect::<Vec<_>>()
    };
    let taps = AxisTaps::new(gather);
    for h in 0..gather.positions {
        let found: Vec<(u64, u64)> = taps.at(h).map_or(vec![], |at| {
            let tap = |i| {
                (
                    at.first_tap + i * taps.tap_step,
                    at.first_out - i * taps.out_step,
                )
            };
            (0..at.count).map(tap).collect()
        });
        prop_assert_eq!(found, meets(h), "{:?} at {}", gather, h);
    }
    let Some(walk) = AxisWalk::new(gather) else {
        return Ok(());
    };
    let (mut opened, mut closed) = (walk.kept.first, walk.kept.first);
    for (index, visit) in walk.visits.iter().enumerate() {
        opened += visit.opens;
        closed += visit.closes;
        prop_assert!(visit.taps.first_out < opened && closed <= opened);
        let later = walk.visits[index + 1..].iter();
        prop_assert!(later
            .clone()
            .all(|later| taps.last_out(&later.taps) >= closed));
    }
    prop_assert_eq!((opened, closed), (walk.kept.last + 1, walk.kept.last + 1));
    Ok(())
}

/// Checks this many random layers of at most so many cycles; the first that fails shrinks and is printed.
fn check_layers(cases: u32, most_cycles: u64, check: fn(&Layer) -> Result<(), TestCaseError>) {
    let mut runner = TestRunner::new(config(cases, SEED));
    let result = runner.run(&layer(most_cycles), |layer| check(&layer));
    match result {
        Ok(()) => (),
        Err(TestError::Fail(reason, layer)) => {
            panic!("{reason}\nfor the layer\n{}", layer.to_file().to_toml())
        }
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

#[test]
fn taps_of_an_axis_are_those_of_the_equation() {
    check_layers(20_000, 1 << 20, |layer| {
        check_axis(&layer.rows())?;
        check_axis(&layer.cols())
    });
}

#[test]
fn a_walk_opens_what_is_needed_and_frees_what_is_dead() {
    check_layers(20_000, 1 << 20, check_walk);
}

#[test]
fn programs_add_up_to_the_pixels() {
    check_layers(5000, 1 << 16, check_programs);
}

#[test]
fn any_advance_has_the_taps_of_the_equation() {
    let small = || 1..12_u64;
    let gathers = (
        1..40_u64,
        1..40_u64,
        small(),
        small(),
        small(),
        small(),
        -9..30_i64,
    )
        .prop_map(
            |(positions, sources, kernel, stride, dilation, advance, pad)| Gather {
                positions,
                sources,
                kernel,
                stride,
                dilation,
                advance,
                pad,
            },
        );
    let mut runner = TestRunner::new(config(20_000, SEED));
    runner.run(&gathers, check_gather).unwrap();
}

#[test]
fn buffers_and_accumulators_hold_what_they_must() {
    check_layers(3000, 5_000, check_plan);
}

/// Layers that random ones are unlikely to be: long axes, with steps and paddings in proportion.
#[test]
fn long_axes_have_the_taps_of_the_equation() {
    for (in_size, kernel, stride, dilation, pad_before, out_size) in [
        (224, 7, 2, 1, 3, 112),
        (161, 20, 3, 4, 10, 30),
        (200, 5, 6, 9, 40, 31),
        (97, 3, 50, 64, 130, 3),
        (300, 2, 299, 298, 500, 3),
        (120, 11, 12, 8, 0, 4),
    ] {
        let axis = Axis {
            in_size,
            out_size,
            kernel,
            stride,
            dilation,
            pad_before,
            // Not looked at by a walk: out_size says all.
            pad_after: 0,
        };
        check_axis(&axis).unwrap();
    }
}
