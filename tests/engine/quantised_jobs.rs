//! Promise: a programmable engine with biases, zero points and activations has them job by job: of data, of results, both
//! or neither, exactly, in every pass, with stalls on every stream and the next jobs told and fed while one runs. A layer in
//! tiles has its bias once.
//!
//! Geometries are drawn by seed. A failure names it.

use bpa_engine::compare::compare;
use bpa_engine::driver::DriverError;
use bpa_engine::layer::{Layer, Pass};
use bpa_engine::programmable::NoFit;

use crate::common::{expected, in_pass};
use crate::programmable::geometry;
use crate::programmable_stages::{arrays, check_edits, run_all, stages_of, Case, Rig};
use crate::stage_mutants::Edit;

/// Jobs of a run.
const CASES: usize = 48;
/// Layers that are cut into tiles, or not.
const TILED: u64 = 90;

/// Sums, so that tiles are partial ones.
const SUMS: &str = "zero_point = true
bias = true
accumulate = true
";

/// As a quantised network has them.
const NARROW: &str = "zero_point = true
bias = true
mask = true
out_type = \"int7\"
scale_per = \"channel\"
scale_bits = 9
shift = 11
activation = true
";

/// The layer of a seed in one of the passes, which may be too large for the engine.
fn drawn(rig: &Rig, seed: u64) -> Layer {
    let pass = Pass::ALL[seed as usize / 2 % 3];
    let geometry = in_pass(&geometry(seed), pass, 1 + seed as i64 % 5);
    rig.engine
        .staged_layer(geometry, stages_of(&rig.engine, seed))
        .unwrap()
}

/// Those that fit.
fn cases(rig: &Rig) -> Vec<Case> {
    let fits = |seed: u64| Case::of(rig, drawn(rig, seed), seed);
    (0..).filter_map(fits).take(CASES).collect()
}

/// Whether each is there in some of the cases and missing in others, beside neighbours that differ.
fn check_drawn(cases: &[Case], used: impl Fn(&Layer) -> bool) {
    let used: Vec<bool> = cases.iter().map(|case| used(case.layer())).collect();
    let changes = used.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(changes >= 6, "{used:?}");
}

/// Layers that fit and others: whole, in tiles whose sums go back in, and in tiles that the driver adds.
fn check_tiles(rig: &Rig) {
    let mut driver = rig.driver();
    let (mut whole, mut sums, mut none) = (0, 0, 0);
    for seed in 0..TILED {
        let layer = drawn(rig, seed);
        let told = |what: &str| format!("seed {seed}: {what}\n{}", layer.to_file().to_toml());
        let tiling = match rig.engine.tiling(&layer, 1) {
            Ok(tiling) => tiling,
            Err(NoFit::Tile { .. }) => {
                none += 1;
                continue;
            }
            Err(error) => panic!("{}", told(&error.to_string())),
        };
        let parts = tiling.parts();
        match parts.moving_channels * parts.rows > 1 && layer.bias() {
            true => sums += 1,
            false => whole += 1,
        }
        let arrays = arrays(&layer, 1, seed, tiling.most_accumulate());
        let found = driver
            .run(&tiling, &arrays)
            .unwrap_or_else(|error| panic!("{}", told(&error.to_string())));
        if let Some(first) = compare(&found, &expected(&layer, &arrays)).first {
            panic!("{}", told(&first.to_string()));
        }
    }
    println!("whole, biases of sums, none: {whole} {sums} {none}");
    assert!(
        whole >= 10
            && sums
                >= if rig.engine.requantise().is_none() {
                    5
                } else {
                    0
                }
    );
}

#[test]
fn sums_have_the_bias_and_zero_point_of_their_job() {
    let rig = Rig::of(SUMS);
    let cases = cases(&rig);
    check_drawn(&cases, Layer::bias);
    check_drawn(&cases, |layer| layer.zero_point() != 0);
    run_all(&rig, &cases);
    check_tiles(&rig);
}

/// A bias of a layer in tiles may be larger than the engine's: it is said, before anything is done.
#[test]
fn a_bias_beyond_its_place_is_refused() {
    let rig = Rig::of(SUMS);
    let most = i64::MAX >> (64 - rig.engine.bias_place().unwrap());
    let fits =
        |seed: &u64| drawn(&rig, *seed).bias() && rig.engine.plan(&drawn(&rig, *seed)).is_ok();
    let seed = (0..).find(fits).unwrap();
    let layer = drawn(&rig, seed);
    let tiling = rig.engine.tiling(&layer, 1).unwrap();
    let mut driver = rig.driver();
    let mut run = |bias: i64| {
        let mut arrays = arrays(&layer, 1, seed, 0);
        arrays.stages.bias.as_mut().unwrap()[0] = bias;
        driver
            .run(&tiling, &arrays)
            .map(|found| (found, expected(&layer, &arrays)))
    };
    for bias in [most, !most] {
        let (found, expected) = run(bias).unwrap();
        assert_eq!(found, expected);
    }
    for bias in [most + 1, !most - 1] {
        assert!(
            matches!(run(bias), Err(DriverError::NoFit(NoFit::Bias { .. }))),
            "{bias}"
        );
    }
    let (found, expected) = run(0).unwrap();
    assert_eq!(found, expected);
}

/// Lanes over pixels share a bias and a zero point, and what lies beyond a row's end is no value.
#[test]
fn lanes_over_pixels_have_them_too() {
    let rig = Rig::of(&format!("pixels = 3\n{NARROW}"));
    let cases = cases(&rig);
    check_drawn(&cases, Layer::bias);
    check_drawn(&cases, |layer| layer.zero_point() != 0);
    run_all(&rig, &cases);
}

/// What software can read of them.
#[test]
fn the_registers_tell_what_is_there() {
    let rig = Rig::of(NARROW);
    let bias_bits = rig.engine.bias_place().unwrap();
    // Of 64 products of up to 2^8 x 2^7.
    assert_eq!(bias_bits, 23);
    let mut driver = rig.driver();
    let found = driver.value("stages").unwrap();
    assert_eq!(
        found,
        1 << 31 | 1 << 30 | 11 << 24 | bias_bits << 17 | 9 << 12 | 1 << 11 | 1 << 9 | 1 << 8
    );
    assert_eq!(driver.value("scale_words").unwrap(), 6);
}

const MUTANTS: &[(&str, &[Edit])] = &[
    (
        "no zero point subtracted",
        &[(
            "zero_point",
            "values[7:0]} - <{{1{cfg_zero_point[7]}}, cfg_zero_point}>;",
            "9'd0",
        )],
    ),
    (
        "an unsigned zero point",
        &[(
            "zero_point",
            "values[15:8]} - <{{1{cfg_zero_point[7]}}, cfg_zero_point}>;",
            "{1'd0, cfg_zero_point}",
        )],
    ),
    (
        "the zero point of the job that comes next",
        &[(
            "jobs",
            "cfg_zero_point = <told_zero_point_q>;",
            "word6_q[7:0]",
        )],
    ),
    (
        "no bias",
        &[("stages_bias", "value} + <{{1{bias[22]}}, bias}>;", "24'd0")],
    ),
    (
        "an unsigned bias",
        &[(
            "stages_bias",
            "value} + <{{1{bias[22]}}, bias}>;",
            "{1'd0, bias}",
        )],
    ),
    (
        "one lane's bias for another",
        &[(
            "stages",
            ".bias   (<channel_word[45:23]>)",
            "channel_word[22:0]",
        )],
    ),
    (
        "the biases of the job that comes next",
        &[(
            "weight",
            "scale_set_in_use = <scale_set_in_use_q>;",
            "scale_set_q",
        )],
    ),
    (
        "a set without its beats of channels",
        &[(
            "weight",
            "ended = accept & (<scales_next_q & scales_due_q>);",
            "~scales_next_q & due_q",
        )],
    ),
    (
        "scales a cycle ahead of their results",
        &[(
            "stages",
            "scale_late2_d = <scale_late1_q>;",
            "scale_late1_d",
        )],
    ),
    (
        "no zero point of results",
        &[(
            "stages_clamp",
            "value} + <{{2{zero_point[6]}}, zero_point}>;",
            "9'd0",
        )],
    ),
    (
        "the zero point of the results of the job that comes next",
        &[(
            "jobs",
            "cfg_out_zero_point = <told_out_zero_point_q>;",
            "word4_q[19:13]",
        )],
    ),
    (
        "the least result of the job that comes next",
        &[(
            "jobs",
            "cfg_out_least = <told_out_least_q>;",
            "word4_q[26:20]",
        )],
    ),
    (
        "the greatest result of the job that comes next",
        &[(
            "jobs",
            "cfg_out_greatest = <told_out_greatest_q>;",
            "word3_q[6:0]",
        )],
    ),
    (
        "no least result",
        &[("stages_clamp", "if (<below_q>)", "1'd0")],
    ),
    (
        "no greatest result",
        &[("stages_clamp", "if (<above_q>)", "1'd0")],
    ),
];

/// The unbroken engine is held to all of it on the way.
#[test]
fn narrow_results_are_exact_and_every_edit_is_noticed() {
    let draw = |rig: &Rig| {
        let cases = cases(rig);
        check_drawn(&cases, Layer::bias);
        check_drawn(&cases, |layer| layer.zero_point() != 0);
        let requantise = |layer: &Layer| layer.requantise().unwrap();
        check_drawn(&cases, |layer| requantise(layer).zero_point != 0);
        check_drawn(&cases, |layer| requantise(layer).activation.is_some());
        cases
    };
    check_edits(NARROW, MUTANTS, draw, |rig, cases| {
        run_all(rig, cases);
    });
}

#[test]
fn narrow_results_are_exact_in_tiles() {
    check_tiles(&Rig::of(NARROW));
}
