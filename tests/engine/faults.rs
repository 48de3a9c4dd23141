//! Promise: whatever a master does wrong to an engine for one layer, the sticky error says so, nothing hangs for good, and
//! behind one edge of reset the next frames are exact: sets of weights that are too short or too long, a `tlast` that is
//! early, late, missing or doubled in any beat; a stream that stops for 100,000 cycles loses nothing. And an engine means
//! the same whatever its registers hold when the power comes.

use bpa_engine::run::Arrays;
use bpa_engine::vectors::pack_stationary;
use ndarray::Array4;

use crate::common::{last_flags, Choices, Drive, Rig, GRAD_INPUT, GRAD_OUTPUT, WEIGHT};
use crate::protocol::{EARLY, FRAMES, LATE, MISSING, ON_WEIGHTS, RIG};

/// How long a stream stops.
const STOP: u64 = 100_000;
/// Values of the registers at power-up.
const POWER_UPS: u64 = 40;
/// More cycles than anything that is under way takes.
const LONG: u64 = 3_000;

fn parts() -> (&'static Rig, &'static Arrays, &'static Array4<i64>) {
    let (rig, arrays, expected) = &*RIG;
    (rig, arrays, expected)
}

/// One edge of reset, and all is as new.
fn recovers(drive: &mut Drive, arrays: &Arrays, expected: &Array4<i64>) {
    drive.instance.reset(1);
    drive.stall(0.0, 0.0, 0);
    drive.offer_weight(&arrays.stationary);
    drive.offer_frames(&arrays.moving);
    assert_eq!(drive.frames(FRAMES as u64), *expected);
    drive.finish_without_error(FRAMES as u64);
}

/// A set that is so many beats longer, its `tlast` on its own last beat; the causes that are told.
fn check_set(longer: i64, causes: u64) {
    let (rig, arrays, expected) = parts();
    let beats = (rig.streams.stationary.beats as i64 + longer) as usize;
    let mut drive = rig.start(1);
    let mut bytes = pack_stationary(rig.layer(), &arrays.stationary);
    let beat = drive.instance.source(WEIGHT).port().bytes;
    let again = bytes.clone();
    bytes.extend(again);
    bytes.truncate(beats * beat);
    let flags = last_flags(beats as u64);
    drive.instance.source(WEIGHT).load(&bytes, &flags).unwrap();
    drive.offer_frames(&arrays.moving);
    drive.run(LONG);
    assert_eq!(
        drive.taken(WEIGHT),
        beats as u64,
        "{longer}: weights are stuck"
    );
    assert_eq!(drive.peek("error_cause") >> ON_WEIGHTS, causes, "{longer}");
    assert_eq!(drive.peek("error"), 1, "{longer}");
    if longer < 0 {
        assert_eq!(drive.given(), 0, "{longer}: a result without weights");
        // What is missing may still come.
        let rest = &pack_stationary(rig.layer(), &arrays.stationary)[bytes.len()..];
        let flags = last_flags(-longer as u64);
        drive.instance.source(WEIGHT).load(rest, &flags).unwrap();
        assert_eq!(drive.frames(FRAMES as u64), *expected, "{longer}");
        drive.finish(FRAMES as u64);
    }
    recovers(&mut drive, arrays, expected);
}

#[test]
fn too_few_weights_are_told_and_too_many() {
    for longer in [-7, -2, -1] {
        check_set(longer, EARLY);
    }
    for longer in [1, 2, 9] {
        check_set(longer, MISSING | LATE);
    }
}

/// `tlast` on any beats of all frames and two sets.
#[test]
fn any_tlast_is_told_and_changes_nothing() {
    let (rig, arrays, expected) = parts();
    let mut choices = Choices::new(17);
    let mut told = 0;
    for trial in 0..60 {
        let mut drive = rig.start(trial);
        drive.stall(0.2, 0.2, trial);
        let mut model = [Tlast::default(), Tlast::default()];
        let mut flags = |beats: u64, model: &mut Tlast| -> Vec<u8> {
            let right = last_flags(beats);
            // Doubled, early, late, missing: each beat may have the wrong one.
            let flips = choices.below(4);
            let mut flags = right.clone();
            for _ in 0..flips {
                let beat = match choices.below(3) {
                    0 => beats - 1,
                    1 => beats - 1 - choices.below(2.min(beats)),
                    _ => choices.below(beats),
                };
                flags[beat as usize] ^= 1;
            }
            model.take(&flags, &right);
            flags
        };
        // The same weights twice.
        for _ in 0..2 {
            let set = flags(rig.streams.stationary.beats, &mut model[1]);
            drive.offer_weight_with(&arrays.stationary, &set);
        }
        for n in 0..FRAMES {
            let frame = flags(rig.streams.moving.beats, &mut model[0]);
            drive.offer_frame_with(&arrays.moving, n, &frame);
        }
        assert_eq!(drive.frames(FRAMES as u64), *expected, "trial {trial}");
        drive.finish(FRAMES as u64);
        let causes = model[0].causes | model[1].causes << ON_WEIGHTS;
        assert_eq!(drive.peek("error_cause"), causes, "trial {trial}");
        assert_eq!(drive.peek("error"), u64::from(causes != 0), "trial {trial}");
        told |= causes;
        if trial % 10 == 0 {
            recovers(&mut drive, arrays, expected);
        }
    }
    assert_eq!(told, 0o77, "every cause");
}

/// What is told of `tlast` on a stream.
#[derive(Default)]
struct Tlast {
    overdue: bool,
    causes: u64,
}

impl Tlast {
    fn take(&mut self, flags: &[u8], right: &[u8]) {
        for (came, due) in flags.iter().zip(right) {
            match (came, due) {
                (0, 1) => self.causes |= MISSING,
                (1, 0) if self.overdue => self.causes |= LATE,
                (1, 0) => self.causes |= EARLY,
                _ => (),
            }
            self.overdue = (*due == 1 || self.overdue) && *came == 0;
        }
    }
}

#[test]
fn a_stream_that_stops_for_long_loses_nothing() {
    let (rig, arrays, expected) = parts();
    let weights = rig.streams.stationary.beats;
    let frame = rig.streams.moving.beats;
    for stop in [GRAD_OUTPUT, WEIGHT, 2] {
        let mut drive = rig.start(3);
        if stop == WEIGHT {
            // In the middle of a set.
            let bytes = pack_stationary(rig.layer(), &arrays.stationary);
            let half = weights as usize / 2;
            let (first, rest) = bytes.split_at(half * drive.instance.source(WEIGHT).port().bytes);
            drive
                .instance
                .source(WEIGHT)
                .load(first, &vec![0; half])
                .unwrap();
            drive.offer_frames(&arrays.moving);
            drive.run(STOP);
            assert_eq!(drive.given(), 0);
            let flags = last_flags(weights - half as u64);
            drive.instance.source(WEIGHT).load(rest, &flags).unwrap();
        } else {
            drive.offer_weight(&arrays.stationary);
            let flags = last_flags(frame);
            let bytes = drive.frame_beats(&arrays.moving, 0);
            let half = frame as usize / 2;
            let (first, rest) =
                bytes.split_at(half * drive.instance.source(GRAD_OUTPUT).port().bytes);
            if stop == GRAD_OUTPUT {
                // In the middle of a frame.
                drive
                    .instance
                    .source(GRAD_OUTPUT)
                    .load(first, &flags[..half])
                    .unwrap();
                drive.run(STOP);
                drive
                    .instance
                    .source(GRAD_OUTPUT)
                    .load(rest, &flags[half..])
                    .unwrap();
            } else {
                drive.offer_frame_with(&arrays.moving, 0, &flags);
            }
            for n in 1..FRAMES {
                drive.offer_frame_with(&arrays.moving, n, &flags);
            }
            if stop == 2 {
                // Who takes the results takes three of them.
                drive.instance.sink(GRAD_INPUT).set_limit(Some(3));
                drive.run(STOP);
                assert_eq!(drive.given(), 3);
                drive.instance.sink(GRAD_INPUT).set_limit(None);
            }
        }
        assert_eq!(drive.frames(FRAMES as u64), *expected, "stream {stop}");
        drive.finish_without_error(FRAMES as u64);
    }
}

/// Verilator draws the value of every register and of every unknown anew, by the seed.
#[test]
fn any_power_up_is_as_any_other() {
    let (rig, arrays, expected) = parts();
    let mut ends = Vec::new();
    for seed in 0..POWER_UPS {
        let mut drive = rig.start(seed);
        recovers(&mut drive, arrays, expected);
        ends.push(drive.instance.sink(GRAD_INPUT).last_cycles().to_vec());
    }
    assert!(ends.iter().all(|end| *end == ends[0]), "the same cycles");
}
