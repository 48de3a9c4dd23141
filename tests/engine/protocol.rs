//! Promise: a misplaced `tlast` raises the sticky `error` with its cause and changes no data, since frames and sets are
//! cut by count; reset clears it. `tready` and `tvalid` are low in reset. Reset at any moment recovers fully.

use std::sync::LazyLock;

use bpa_engine::interface::Cause;
use bpa_engine::run::Arrays;
use ndarray::Array4;

use crate::common::{
    arrays, expected, last_flags, layer, Choices, Drive, Rig, GRAD_INPUT, GRAD_OUTPUT, WEIGHT,
};

pub const FRAMES: usize = 3;

/// Bits of `error_cause`, and what each is called.
const CAUSES: [&str; 6] = [
    "s_axis_grad_output_tlast came before the last beat of a frame",
    "s_axis_grad_output_tlast was missing on the last beat of a frame",
    "s_axis_grad_output_tlast came on a later beat after it had been missing",
    "s_axis_weight_tlast came before the last beat of a set",
    "s_axis_weight_tlast was missing on the last beat of a set",
    "s_axis_weight_tlast came on a later beat after it had been missing",
];
pub const EARLY: u64 = 1;
pub const MISSING: u64 = 2;
pub const LATE: u64 = 4;
/// From a cause on grad_output to the same on weights.
pub const ON_WEIGHTS: u32 = 3;

pub static RIG: LazyLock<(Rig, Arrays, Array4<i64>)> = LazyLock::new(|| {
    let layer = layer(
        "name = \"protocol\"
        [layer]
        in_channels = 3
        out_channels = 4
        in_size = [6, 7]
        kernel = [3, 2]
        stride = 2
        padding = [1, 1, 0, 1]
        [engine]
        simd = 2
        pe = 2",
    );
    let arrays = arrays(&layer, FRAMES, 9);
    let expected = expected(&layer, &arrays);
    (Rig::new(&layer), arrays, expected)
});

#[test]
fn every_cause_has_its_name() {
    for (bit, name) in CAUSES.iter().enumerate() {
        let causes = Cause::of(&RIG.0.plan, 1 << bit);
        assert_eq!(causes.len(), 1);
        assert_eq!(causes[0].to_string(), *name);
    }
}

/// A batch, `tlast` as it should be but where `flip` names a beat of all beats of dY.
fn run_with_flips(drive: &mut Drive, arrays: &Arrays, flips: &[u64], rig: &Rig) {
    drive.offer_weight(&arrays.stationary);
    let frame = rig.streams.moving.beats;
    for n in 0..FRAMES {
        let mut flags = last_flags(frame);
        for flip in flips {
            if flip / frame == n as u64 {
                flags[(flip % frame) as usize] ^= 1;
            }
        }
        drive.offer_frame_with(&arrays.moving, n, &flags);
    }
}

/// A drive after a run with an error is reset and has to be as good as new.
fn check_recovery(drive: &mut Drive, arrays: &Arrays, expected: &Array4<i64>) {
    drive.instance.reset(1);
    assert_eq!(
        (drive.peek("error"), drive.peek("error_cause")),
        (0, 0),
        "cleared by reset"
    );
    drive.offer_weight(&arrays.stationary);
    drive.offer_frames(&arrays.moving);
    assert_eq!(drive.frames(FRAMES as u64), *expected);
    drive.finish_without_error(FRAMES as u64);
}

fn check_flips(flips: &[u64], causes: u64, stalls: (f64, f64)) {
    let (rig, arrays, expected) = &*RIG;
    let mut drive = rig.start(1);
    drive.stall(stalls.0, stalls.1, 4);
    run_with_flips(&mut drive, arrays, flips, rig);
    assert_eq!(
        drive.frames(FRAMES as u64),
        *expected,
        "data with tlast flipped on {flips:?}"
    );
    drive.finish(FRAMES as u64);
    assert_eq!(drive.peek("error_cause"), causes, "flipped on {flips:?}");
    assert_eq!(drive.peek("error"), u64::from(causes != 0));
    // Sticky: from the first time on it was high in every cycle.
    let watched = drive.instance.watched("error").unwrap();
    let now = drive.instance.cycle();
    assert_eq!(watched.cycles, now - watched.first.unwrap_or(now));
    check_recovery(&mut drive, arrays, expected);
}

#[test]
fn a_misplaced_tlast_of_grad_output_is_reported_and_harms_nothing() {
    let frame = RIG.0.streams.moving.beats;
    let end = frame - 1;
    for stalls in [(0.0, 0.0), (0.4, 0.2)] {
        check_flips(&[], 0, stalls);
        // On the first beat, in the middle, just before the last; in the first frame and in a later one.
        for early in [0, frame / 2, end - 1, frame, frame + 3, 3 * frame - 2] {
            check_flips(&[early], EARLY, stalls);
        }
        // The next tlast comes where it should: it is not late but the next frame's.
        for missing in [end, frame + end, 2 * frame + end] {
            check_flips(&[missing], MISSING, stalls);
        }
        for late in [frame, frame + 2, 2 * frame - 2] {
            check_flips(&[end, late], MISSING | LATE, stalls);
        }
        // Missing twice, then late; early once more after that.
        check_flips(&[end, frame + end, 2 * frame], MISSING | LATE, stalls);
        check_flips(&[end, frame + 1, frame + 2], MISSING | LATE | EARLY, stalls);
        check_flips(&[1, frame + end], EARLY | MISSING, stalls);
    }
}

#[test]
fn a_misplaced_tlast_of_weights_is_reported_and_harms_nothing() {
    let (rig, arrays, expected) = &*RIG;
    let set = rig.streams.stationary.beats;
    // Two sets, the second of which is used.
    let end = set - 1;
    for (flips, causes) in [
        (vec![], 0),
        (vec![0], EARLY),
        (vec![set / 2], EARLY),
        (vec![set + 1], EARLY),
        (vec![end], MISSING),
        (vec![set + end], MISSING),
        (vec![end, set], MISSING | LATE),
        (vec![end, set + end - 1], MISSING | LATE),
        (vec![end, set + 1, set + 2], MISSING | LATE | EARLY),
    ] {
        let mut drive = rig.start(3);
        for n in 0..2 {
            let mut flags = last_flags(set);
            for flip in flips.iter().filter(|flip| **flip / set == n) {
                flags[(flip % set) as usize] ^= 1;
            }
            drive.offer_weight_with(&arrays.stationary, &flags);
        }
        drive.run(4 * set + 20);
        assert_eq!(drive.taken(WEIGHT), 2 * set);
        drive.offer_frames(&arrays.moving);
        assert_eq!(
            drive.frames(FRAMES as u64),
            *expected,
            "tlast flipped on {flips:?}"
        );
        drive.finish(FRAMES as u64);
        assert_eq!(
            drive.peek("error_cause"),
            causes << ON_WEIGHTS,
            "flipped on {flips:?}"
        );
        assert_eq!(drive.peek("error"), u64::from(causes != 0));
        check_recovery(&mut drive, arrays, expected);
    }
}

/// Payload between beats means nothing: the bridge's sources put noise there, `tlast` included, and without a flip
/// there is no error (`check_flips(&[], ..)` above with stalls). Here the noise is there while nothing is ever offered.
#[test]
fn tlast_without_tvalid_is_no_beat() {
    let (rig, _, _) = &*RIG;
    for seed in 0..8 {
        let mut drive = rig.start(seed);
        drive.stall(0.0, 0.0, seed);
        drive.run(50);
        assert_eq!(drive.instance.watched("error").unwrap().cycles, 0);
        assert_eq!(drive.instance.watched("busy").unwrap().cycles, 0);
        assert_eq!(drive.given(), 0);
    }
}

fn check_quiet_in_reset(drive: &Drive) {
    for name in [
        "s_axis_grad_output_tready",
        "s_axis_weight_tready",
        "m_axis_grad_input_tvalid",
    ] {
        assert_eq!(drive.shown(name), 0, "{name} in reset");
    }
    for name in ["busy", "frame_done", "error"] {
        assert_eq!(drive.peek(name), 0, "{name} in reset");
    }
}

/// A reset of a single cycle in each phase of a run, then a full run in the same instance.
#[test]
fn reset_recovers_from_anything() {
    let (rig, arrays, expected) = &*RIG;
    let total = rig.plan.cycles(FRAMES as u64).total;
    let weights = rig.streams.stationary.beats;
    // In mid weights, mid input, mid output, and at random.
    let mut choices = Choices::new(8);
    let random = (0..60).map(|_| choices.below(weights + total));
    let named = [
        1,
        2,
        weights / 2,
        weights,
        weights + 3,
        weights + total / 2,
        weights + total - 2,
    ];
    let mut phases = [false; 3];
    for (index, cycles) in named.into_iter().chain(random).enumerate() {
        let mut drive = rig.start(cycles);
        let stalls = [(0.0, 0.0), (0.3, 0.0), (0.0, 0.6), (0.3, 0.3)][index % 4];
        drive.stall(stalls.0, stalls.1, cycles);
        drive.offer_weight(&arrays.stationary);
        drive.offer_frames(&arrays.moving);
        drive.run(cycles);
        let frames = FRAMES as u64;
        let moved = [
            (drive.taken(WEIGHT), weights),
            (drive.taken(GRAD_OUTPUT), frames * rig.streams.moving.beats),
            (drive.given(), frames * rig.streams.result.beats),
        ];
        for (phase, (beats, of)) in phases.iter_mut().zip(moved) {
            *phase |= 0 < beats && beats < of;
        }
        drive.instance.reset(1 + cycles % 3);
        check_quiet_in_reset(&drive);
        drive.stall(0.0, 0.0, 0);
        drive.offer_weight(&arrays.stationary);
        drive.offer_frames(&arrays.moving);
        assert_eq!(
            drive.frames(frames),
            *expected,
            "reset after {cycles} cycles"
        );
        drive.finish_without_error(frames);
    }
    assert_eq!(
        phases, [true; 3],
        "resets in mid weights, mid input, mid output"
    );
}

/// A beat that is offered at the first edge after reset is taken later or right then, and not lost.
#[test]
fn beats_offered_right_after_reset_are_not_lost() {
    let (rig, arrays, expected) = &*RIG;
    let mut drive = rig.start(2);
    for source in [GRAD_OUTPUT, WEIGHT] {
        drive.instance.source(source).set_start_cycle(0);
    }
    drive.instance.reset(3);
    drive.offer_weight(&arrays.stationary);
    drive.offer_frames(&arrays.moving);
    assert_eq!(drive.frames(FRAMES as u64), *expected);
    drive.finish_without_error(FRAMES as u64);
}

/// `busy` from a frame's first beat to its last result's; `frame_done` once for each, as its last beat goes.
#[test]
fn busy_and_frame_done_tell_of_frames() {
    let (rig, arrays, _) = &*RIG;
    let mut drive = rig.start(6);
    drive.offer_weight(&arrays.stationary);
    drive.run(200);
    assert_eq!(
        drive.instance.watched("busy").unwrap().cycles,
        0,
        "weights are no frame"
    );
    drive.offer_frames(&arrays.moving);
    drive.frames(FRAMES as u64);
    drive.finish_without_error(FRAMES as u64);
    let first = drive.instance.source(GRAD_OUTPUT).first_cycle().unwrap();
    let last = *drive
        .instance
        .sink(GRAD_INPUT)
        .last_cycles()
        .last()
        .unwrap();
    let busy = drive.instance.watched("busy").unwrap();
    // Registers: both edges show a few cycles later.
    assert!((first..first + 4).contains(&busy.first.unwrap()));
    assert!((last..last + 4).contains(&busy.latest.unwrap()));
    assert_eq!(
        busy.cycles,
        busy.latest.unwrap() - busy.first.unwrap() + 1,
        "without a gap"
    );
    let done = drive.instance.watched("frame_done").unwrap();
    assert!((last..last + 4).contains(&done.latest.unwrap()));
}
