//! Promise: a stall on any stream, of any length, in any cycle, loses nothing; weights may come before or after the
//! first beats of dY; nothing is lost while the engine waits.

use std::sync::LazyLock;

use bpa_engine::layer::Layer;
use bpa_engine::plan::Plan;
use bpa_engine::run::Arrays;
use ndarray::Array4;

use crate::common::{
    arrays, exact, exact_and_on_time, example, expected, last_flags, layer, simulator, stalled,
    Choices, Drive, Rig, GRAD_INPUT, GRAD_OUTPUT, WEIGHT,
};

const FRAMES: usize = 4;

fn dense_strided() -> Layer {
    example("strided")
}

fn dilated_with_padding() -> Layer {
    layer(
        "name = \"dilated_padded\"
        [layer]
        in_channels = 3
        out_channels = 5
        in_size = [9, 8]
        kernel = 3
        dilation = [2, 3]
        padding = [3, 2, 4, 1]
        [engine]
        simd = 3
        pe = 2",
    )
}

fn depthwise() -> Layer {
    example("depthwise")
}

/// {no idle, idle} x {no backpressure, backpressure}, and both at once in other proportions.
#[test]
fn the_stall_matrix_is_exact() {
    let rates = [0.0, 0.4];
    let matrix = rates
        .iter()
        .flat_map(|input| rates.map(|output| (*input, output)));
    let both = [(0.1, 0.8), (0.8, 0.1), (0.9, 0.9), (0.02, 0.02)];
    let traffic: Vec<(f64, f64)> = matrix.chain(both).collect();
    for layer in [dense_strided(), dilated_with_padding(), depthwise()] {
        let plan = Plan::new(&layer);
        let simulator = simulator(&plan);
        for seed in 0..5 {
            let arrays = arrays(&layer, FRAMES, seed);
            let expected = expected(&layer, &arrays);
            exact_and_on_time(&simulator, &plan, &arrays, &expected, seed)
                .unwrap_or_else(|fault| panic!("{}, seed {seed}: {fault}", layer.name()));
            for &(input, output) in &traffic {
                let traffic = stalled(input, output, seed);
                exact(&simulator, &plan, &arrays, &expected, &traffic)
                    .unwrap_or_else(|fault| panic!("{}, {traffic:?}: {fault}", layer.name()));
            }
        }
    }
}

/// The layer with the most that can go wrong: rows and pixels without taps, dropped pixels, padding. Its dY has few
/// beats, so that each of them can be the one at which something waits.
fn irregular() -> Layer {
    layer(
        "name = \"irregular\"
        [layer]
        in_channels = 2
        out_channels = 4
        in_size = [9, 10]
        kernel = [2, 3]
        stride = [3, 2]
        dilation = [2, 3]
        padding = [4, 0, 1, 2]
        [engine]
        simd = 2
        pe = 2",
    )
}

static IRREGULAR: LazyLock<(Rig, Arrays, Array4<i64>)> = LazyLock::new(|| {
    let layer = irregular();
    let arrays = arrays(&layer, FRAMES, 5);
    let expected = expected(&layer, &arrays);
    (Rig::new(&layer), arrays, expected)
});

/// What the rest of a run has to give.
fn check(drive: &mut Drive, expected: &Array4<i64>) {
    assert_eq!(drive.frames(FRAMES as u64), *expected);
    drive.finish_without_error(FRAMES as u64);
}

#[test]
fn weights_may_come_at_any_time() {
    let (rig, arrays, expected) = &*IRREGULAR;
    // From the same cycle on, shortly after, and when dY has long been waiting.
    for weight_start in [1, 2, 3, 5, 8, 13, 30, 200, 2000] {
        for (input, output) in [(0.0, 0.0), (0.5, 0.3)] {
            let mut drive = rig.start(weight_start);
            drive.stall(input, output, weight_start);
            drive.instance.source(WEIGHT).set_start_cycle(weight_start);
            drive.offer_frames(&arrays.moving);
            drive.offer_weight(&arrays.stationary);
            drive.run(weight_start);
            assert_eq!(drive.given(), 0, "a result without weights");
            check(&mut drive, expected);
        }
    }
}

/// Without weights the engine takes what its line buffer holds and then waits, however long.
#[test]
fn input_without_weights_is_held_back() {
    let (rig, arrays, expected) = &*IRREGULAR;
    let mut drive = rig.start(1);
    drive.offer_frames(&arrays.moving);
    drive.run(1000);
    let taken = drive.taken(GRAD_OUTPUT);
    assert!(taken > 0);
    drive.run(10_000);
    assert_eq!(drive.taken(GRAD_OUTPUT), taken);
    assert_eq!(drive.given(), 0);
    drive.offer_weight(&arrays.stationary);
    check(&mut drive, expected);
}

/// A part of a set of weights is no set.
#[test]
fn half_a_set_of_weights_starts_nothing() {
    let (rig, arrays, expected) = &*IRREGULAR;
    let bytes = bpa_engine::vectors::pack_stationary(rig.layer(), &arrays.stationary);
    let format = rig.streams.stationary;
    let flags = last_flags(format.beats);
    for part in [1, format.beats as usize / 2, format.beats as usize - 1] {
        let mut drive = rig.start(part as u64);
        drive.offer_frames(&arrays.moving);
        let (now, later) = bytes.split_at(part * format.beat_bytes());
        drive
            .instance
            .source(WEIGHT)
            .load(now, &flags[..part])
            .unwrap();
        drive.run(2000);
        assert_eq!(drive.taken(WEIGHT), part as u64);
        assert_eq!(drive.given(), 0, "a result of half a set");
        drive
            .instance
            .source(WEIGHT)
            .load(later, &flags[part..])
            .unwrap();
        check(&mut drive, expected);
    }
}

/// The input stops for a long time before each beat of a frame in turn, then goes on at full speed.
#[test]
fn the_input_may_pause_at_every_beat() {
    let (rig, arrays, expected) = &*IRREGULAR;
    let format = rig.streams.moving;
    let mut bytes = Vec::new();
    let mut flags = Vec::new();
    {
        let drive = rig.start(0);
        for n in 0..FRAMES {
            bytes.extend(drive.frame_beats(&arrays.moving, n));
            flags.extend(last_flags(format.beats));
        }
    }
    // In the second frame, so that the first one still drains meanwhile.
    for pause in format.beats..2 * format.beats {
        let mut drive = rig.start(pause);
        drive.offer_weight(&arrays.stationary);
        let beats = pause as usize;
        let (now, later) = bytes.split_at(beats * format.beat_bytes());
        let mut source = drive.instance.source(GRAD_OUTPUT);
        source.load(now, &flags[..beats]).unwrap();
        drive.run(3000);
        assert_eq!(drive.taken(GRAD_OUTPUT), pause);
        assert!(
            drive.given() >= rig.streams.result.beats,
            "a whole frame is there"
        );
        let mut source = drive.instance.source(GRAD_OUTPUT);
        source.load(later, &flags[beats..]).unwrap();
        check(&mut drive, expected);
    }
}

/// The output is blocked for a long time at beats all over a batch, then released: meanwhile the engine fills up and
/// holds its beat, and nothing is lost.
#[test]
fn the_output_may_be_blocked_at_any_beat() {
    let (rig, arrays, expected) = &*IRREGULAR;
    let all = FRAMES as u64 * rig.streams.result.beats;
    let mut choices = Choices::new(3);
    let beats = (0..40).map(|_| choices.below(all));
    for limit in beats.chain([0, 1, all - 1]) {
        let mut drive = rig.start(limit);
        drive.offer_weight(&arrays.stationary);
        drive.offer_frames(&arrays.moving);
        drive.instance.sink(GRAD_INPUT).set_limit(Some(limit));
        drive.run(6000);
        assert_eq!(drive.given(), limit);
        assert_eq!(
            drive.shown("m_axis_grad_input_tvalid"),
            1,
            "the beat is offered"
        );
        let taken = drive.taken(GRAD_OUTPUT);
        drive.run(2000);
        assert_eq!(drive.taken(GRAD_OUTPUT), taken, "there is no more room");
        drive.instance.sink(GRAD_INPUT).set_limit(None);
        check(&mut drive, expected);
    }
}

/// Pauses of random lengths on all streams, not only of the few cycles that a constant probability gives.
#[test]
fn long_and_short_pauses_may_follow_one_another() {
    let (rig, arrays, expected) = &*IRREGULAR;
    for seed in 0..20 {
        let mut choices = Choices::new(seed);
        let mut drive = rig.start(seed);
        drive.offer_weight(&arrays.stationary);
        drive.offer_frames(&arrays.moving);
        let all = FRAMES as u64 * rig.streams.result.beats;
        while drive.given() < all {
            let mut rate = || [0.0, 0.0, 0.2, 0.7, 0.95, 1.0][choices.below(6) as usize];
            let (input, output) = (rate(), rate());
            drive.stall(input, output, seed);
            drive.run(1 + choices.below(60));
        }
        drive.stall(0.0, 0.0, 0);
        check(&mut drive, expected);
    }
}
