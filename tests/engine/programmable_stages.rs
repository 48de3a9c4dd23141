//! Promise: a programmable engine with stages behind its accumulators uses them job by job as it is told: values added,
//! results masked, both or neither, exactly, with stalls on every stream; a stream that a job does not use stays for the
//! next one that does; partial sums of tiles over K go back in.
//!
//! Geometries are drawn by seed. A failure names it.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::rc::Rc;

use bpa_engine::compare::compare;
use bpa_engine::driver::{Device, Driver, DriverError, Input, Simulated, Submitted, JOBS_HELD};
use bpa_engine::emit::Target;
use bpa_engine::layer::{
    Activation, Geometry, IntType, Layer, PerItem, Requantise, Rounding, ScalePer,
};
use bpa_engine::plan::Plan;
use bpa_engine::programmable::{EngineFile, NoFit, ProgrammableEngine, Tiling, UsedStages};
use bpa_engine::reference::{centred, finish, gather, StageArrays};
use bpa_engine::run::Arrays;
use bpa_engine::vectors::{bias_count, pack_result, random_moving, random_stationary, scale_count};
use bpa_hdl::rtl::print_verilog;
use bpa_hdl::shell::programmable::Programmable;
use bpa_sim::Model;
use ndarray::{Array1, Array4, Axis};

use crate::common::{
    cache, expected, finished, last_flags, result_beats_of_a_frame, Choices, GRAD_INPUT, WEIGHT,
};
use crate::programmable::geometry;
use crate::stage_mutants::{mutated, Edit};
use crate::three_tools::clean_for_three_tools;

/// Jobs of the long test.
const CASES: usize = 60;
/// Those with which mutants are looked for.
const FEW: usize = 16;
/// Layers that are cut into tiles, or not.
const TILED: u64 = 240;

/// Memories that hold many of the layers that are drawn, and not all.
const ENGINE: &str = "name = \"staged\"
[engine]
mode = \"programmable\"
simd = 2
pe = 2
accumulate = true
mask = true
[limits]
size = 64
kernel = 5
line_words = 60
weight_words = 32
zero_run = 60
fifo_results = 16
";

/// Its keys of stages.
const STREAMS: &str = "accumulate = true
mask = true
";

/// Scales for each channel, random rounding, an output that is no whole byte, and a memory of scales that some layers
/// fill.
const RANDOM: &str = "accumulate = true
mask = true
out_type = \"int6\"
scale_per = \"channel\"
scale_bits = 11
shift = 13
rounding = \"stochastic\"
";

/// One scale, and a shift that is often so small that much is saturated.
const NEAREST: &str = "mask = true
out_type = \"int8\"
shift = 20
";

/// Streams by their indices.
const ACCUMULATE: usize = 2;
const MASK: usize = 3;

/// [`ENGINE`] with these keys in place of its two.
pub fn engine(keys: &str) -> ProgrammableEngine {
    assert!(ENGINE.contains(STREAMS));
    let mut text = ENGINE.replace(STREAMS, keys);
    if keys.contains("\"channel\"") || keys.contains("bias") {
        text += "scale_words = 6\n";
    }
    EngineFile::parse(&text, "here")
        .unwrap()
        .validate()
        .unwrap()
}

/// The engine and its model, which is compiled once.
pub struct Rig {
    pub engine: ProgrammableEngine,
    pub hardware: Programmable,
    pub model: Model,
    /// Which of the edits in the text is in effect.
    mutant: u32,
}

impl Rig {
    fn new(keys: &str, edit: impl Fn(String) -> String) -> Self {
        Self::of_engine(engine(keys), edit)
    }

    pub fn of_engine(engine: ProgrammableEngine, edit: impl Fn(String) -> String) -> Self {
        let hardware = engine.hardware(Target::Generic);
        let text = edit(print_verilog(&hardware.module));
        let model = Simulated::model(&engine, &hardware, &text, &cache()).unwrap();
        Self::of_model(engine, model)
    }

    pub fn of_model(engine: ProgrammableEngine, model: Model) -> Self {
        Rig {
            hardware: engine.hardware(Target::Generic),
            engine,
            model,
            mutant: 0,
        }
    }

    pub fn of(keys: &str) -> Self {
        Self::new(keys, |text| text)
    }

    fn as_emitted() -> Self {
        Self::of(STREAMS)
    }

    pub fn driver(&self) -> Driver<'_, Simulated> {
        let device = Simulated::new(&self.model, 1);
        let mut driver = Driver::open(&self.engine, &self.hardware, device).unwrap();
        if self.mutant > 0 {
            driver
                .set("event_enable", self.mutant << MUTANT_LOW)
                .unwrap();
        }
        driver
    }

    /// Index of a stream beside the results.
    fn side(&self, name: &str) -> Option<usize> {
        let sources = &self.model.spec().sources;
        sources
            .iter()
            .position(|port| port.name == format!("s_axis_{name}"))
    }

    /// Greatest of the values that are added.
    fn most(&self) -> i64 {
        self.engine.most_accumulate()
    }
}

/// What the seed says of stages: of those that the engine has, every combination is there.
pub fn stages_of(engine: &ProgrammableEngine, seed: u64) -> UsedStages {
    let shift = |requantise: Requantise| {
        let least = u32::from(requantise.rounding == Rounding::Stochastic);
        least + (seed / 4) as u32 % (requantise.shift + 1 - least)
    };
    UsedStages {
        accumulate: engine.stages().accumulate && seed & 1 == 1,
        mask: engine.stages().mask && seed >> 1 & 1 == 1,
        shift: engine.requantise().map(shift),
        ..quantised_of(engine, seed)
    }
}

/// Biases, zero points and bounds, each in half of the layers, both ends of their types among them.
fn quantised_of(engine: &ProgrammableEngine, seed: u64) -> UsedStages {
    let mut choices = Choices::new(seed ^ 0x5747_4147);
    let mut half = || choices.below(2) == 0;
    let [bias, moves, stands, bounded] = [(); 4].map(|()| half());
    let mut value = |int_type: IntType| match choices.below(4) {
        0 => int_type.min(),
        1 => int_type.max(),
        _ => int_type.min() + choices.below(1 << int_type.bits()) as i32,
    };
    let mut used = UsedStages {
        bias: bias && engine.stages().bias.is_some(),
        ..UsedStages::default()
    };
    if moves && engine.has_zero_point() {
        used.zero_point = value(engine.grad_type());
    }
    let Some(out_type) = engine.requantise().map(|it| it.out_type) else {
        return used;
    };
    if stands && engine.has_activation() {
        used.out_zero_point = value(out_type);
    }
    if bounded && engine.has_activation() {
        let (zero, bounds) = (used.out_zero_point, [value(out_type), value(out_type)]);
        let [least, greatest] = [bounds[0].min(bounds[1]), bounds[0].max(bounds[1])];
        used.activation = Some(match seed % 3 {
            0 => (Activation::Relu, [zero, out_type.max()]),
            1 => (Activation::Relu6, [zero, greatest.max(zero)]),
            _ => (Activation::Clamp, [least, greatest]),
        });
    }
    used
}

/// The layer of a seed, which may be too large for the engine.
fn drawn(engine: &ProgrammableEngine, seed: u64) -> Layer {
    engine
        .staged_layer(geometry(seed), stages_of(engine, seed))
        .unwrap()
}

/// The layers of the jobs of these tests, without a model.
pub fn drawn_layers() -> Vec<Layer> {
    let of_engine = |keys: &&str| {
        let engine = engine(keys);
        let layers = (0..).map(|seed| drawn(&engine, seed));
        let fits = |layer: &Layer| engine.plan(layer).is_ok();
        layers.filter(fits).take(CASES).collect::<Vec<_>>()
    };
    [STREAMS, RANDOM, NEAREST]
        .iter()
        .flat_map(of_engine)
        .collect()
}

/// Random arrays; one in four of the values to add is near an end of their range.
pub fn arrays(layer: &Layer, frames: usize, seed: u64, most: i64) -> Arrays {
    let mut choices = Choices::new(seed);
    let [channels, rows, cols] = layer.operation().result_shape();
    let shape = [frames, channels, rows, cols];
    let mut value = || {
        let near = choices.below(1000) as i64;
        let value = match choices.below(8) {
            0 => most - near,
            1 => !most + near,
            _ => near - 500,
        };
        value.clamp(!most, most)
    };
    let accumulate = layer
        .accumulate()
        .then(|| Array4::from_shape_simple_fn(shape, &mut value));
    let mask = layer
        .mask()
        .then(|| Array4::from_shape_simple_fn(shape, || choices.below(3) != 0));
    Arrays {
        moving: random_moving(layer, frames, seed),
        stationary: random_stationary(layer, seed),
        stages: StageArrays {
            bias: layer.bias_bits().map(|bits| biases(layer, bits, seed)),
            accumulate,
            mask,
            scale: layer.requantise().map(|it| scales(layer, &it, seed)),
            rounding_seed: (seed as u32).wrapping_mul(0x1234_5677) >> 1,
        },
    }
}

/// Scales of every magnitude.
fn scales(layer: &Layer, requantise: &Requantise, seed: u64) -> Array1<i32> {
    let mut choices = Choices::new(seed + 1);
    let (least, bits) = (requantise.scale_type.min(), requantise.scale_type.bits());
    Array1::from_shape_simple_fn(scale_count(layer), || {
        let below = choices.below(1 << bits) as i32;
        (least + below) >> choices.below(bits.into())
    })
}

/// Biases of every magnitude that layer and engine have.
fn biases(layer: &Layer, bits: u32, seed: u64) -> Array1<i64> {
    let mut choices = Choices::new(seed + 2);
    let bits = bits.min(layer.bias_place().unwrap());
    Array1::from_shape_simple_fn(bias_count(layer), || {
        let below = choices.below(1 << bits) as i64;
        (below - (1 << (bits - 1))) >> choices.below(bits.into())
    })
}

/// A job, and what has to come of it.
pub struct Case {
    seed: u64,
    plan: Plan,
    arrays: Arrays,
    expected: Array4<i64>,
    saturations: u64,
}

impl Case {
    /// `None` where the layer is too large.
    fn new(rig: &Rig, seed: u64) -> Option<Self> {
        Self::of(rig, drawn(&rig.engine, seed), seed)
    }

    /// The same for a layer of one's own.
    pub fn of(rig: &Rig, layer: Layer, seed: u64) -> Option<Self> {
        Self::with_frames(rig, layer, seed, 1 + seed as usize % 3)
    }

    pub fn with_frames(rig: &Rig, layer: Layer, seed: u64, frames: usize) -> Option<Self> {
        let plan = rig.engine.plan(&layer).ok()?;
        let arrays = arrays(&layer, frames, seed, rig.most());
        let finished = finished(&layer, &arrays);
        Some(Case {
            seed,
            plan,
            arrays,
            expected: finished.result,
            saturations: finished.saturations,
        })
    }

    /// So many of those that fit.
    fn some(rig: &Rig, count: usize) -> Vec<Self> {
        (0..)
            .filter_map(|seed| Case::new(rig, seed))
            .take(count)
            .collect()
    }

    pub fn layer(&self) -> &Layer {
        self.plan.layer()
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub fn arrays(&self) -> &Arrays {
        &self.arrays
    }

    pub fn beats(&self) -> u64 {
        result_beats_of_a_frame(self.layer())
    }

    pub fn frames(&self) -> u64 {
        self.expected.len_of(Axis(0)) as u64
    }

    pub fn submit(&self, driver: &mut Driver<Simulated>) -> Submitted {
        driver.submit(self.plan.clone(), &self.arrays).unwrap()
    }

    pub fn collect(&self, driver: &mut Driver<Simulated>, job: &Submitted) {
        let found = driver.collect(job).unwrap_or_else(|error| {
            panic!("{}", self.told(&error.to_string()));
        });
        if let Some(first) = compare(&found, &self.expected).first {
            panic!("{}", self.told(&first.to_string()));
        }
    }

    pub fn run(&self, driver: &mut Driver<Simulated>) {
        let job = self.submit(driver);
        self.collect(driver, &job);
    }

    pub fn told(&self, what: &str) -> String {
        let Case { seed, plan, .. } = self;
        format!("seed {seed}: {what}\n{}", plan.layer().to_file().to_toml())
    }
}

/// Runs the cases one after the other, each told and its data offered while the one before it runs.
pub fn run_all(rig: &Rig, cases: &[Case]) {
    let mut driver = rig.driver();
    let mut under_way: VecDeque<(&Case, Submitted)> = VecDeque::new();
    for case in cases {
        // Calm, nervous inputs, a nervous output, both; or one stream beside the results that is slow.
        let mut choices = Choices::new(case.seed);
        let rates = [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.3, 0.3), (0.0, 0.0)];
        let (input, output) = rates[choices.below(5) as usize];
        driver.device().stall(input, output, case.seed);
        let slow =
            [ACCUMULATE, MASK][choices.below(2) as usize].min(rig.model.spec().sources.len() - 1);
        if choices.below(3) == 0 {
            let mut slow = driver.device().instance().source(slow);
            slow.set_stall(0.8, case.seed);
        }
        let job = case.submit(&mut driver);
        under_way.push_back((case, job));
        if under_way.len() == JOBS_HELD {
            if let Some((before, job)) = under_way.pop_front() {
                before.collect(&mut driver, &job);
            }
        }
    }
    for (case, job) in under_way {
        case.collect(&mut driver, &job);
    }
    check_at_rest(rig, &mut driver, cases);
}

/// What can be counted and read when nothing but these cases was done.
pub fn check_at_rest(rig: &Rig, driver: &mut Driver<Simulated>, cases: &[Case]) {
    let instance = driver.device().instance();
    instance.sink(GRAD_INPUT).set_stall(0.0, 0);
    instance.run(500, None);
    let sum = |of: &dyn Fn(&Case) -> u64| -> u64 { cases.iter().map(of).sum() };
    let beats = |case: &Case| case.frames() * case.beats();
    assert_eq!(instance.sink(GRAD_INPUT).accepted(), sum(&beats), "beats");
    for (name, uses) in [
        ("accumulate", Layer::accumulate as fn(&Layer) -> bool),
        ("mask", Layer::mask),
    ] {
        let Some(stream) = rig.side(name) else {
            continue;
        };
        let wanted = sum(&|case| u64::from(uses(case.layer())) * beats(case));
        assert_eq!(
            instance.source(stream).accepted(),
            wanted,
            "stream {stream}"
        );
    }
    assert_eq!(instance.sink(GRAD_INPUT).violations(), 0, "rules");
    let flags: Vec<u8> = cases
        .iter()
        .flat_map(|case| (0..case.frames()).flat_map(|_| last_flags(case.beats())))
        .collect();
    let lasts = instance.sink(GRAD_INPUT).last_cycles().len();
    assert_eq!(lasts, flags.iter().filter(|&&flag| flag == 1).count());
    let done = instance.watched("frame_done").unwrap().cycles;
    assert_eq!(done, sum(&Case::frames), "frame_done");
    assert_eq!(instance.watched("error").unwrap().cycles, 0, "error");
    assert_eq!(driver.value("state").unwrap(), 0, "state");
    assert_eq!(driver.value("event").unwrap(), 1, "events");
    if rig.engine.requantise().is_some() {
        let found = driver.value("saturations").unwrap();
        assert_eq!(
            u64::from(found),
            sum(&|case| case.saturations),
            "saturations"
        );
        driver.set("command", 4).unwrap();
        driver.device().instance().run(5, None);
        assert_eq!(driver.value("saturations").unwrap(), 0, "cleared");
    }
}

#[test]
fn jobs_use_the_stages_that_they_say_they_do() {
    let rig = Rig::as_emitted();
    let cases = Case::some(&rig, CASES);
    for seed in 0..4 {
        let same = |case: &&Case| case.seed % 4 == seed;
        assert!(cases.iter().filter(same).count() > 5);
    }
    run_all(&rig, &cases);
}

#[test]
fn results_become_narrow_by_the_scales_and_shift_of_their_job() {
    for keys in [RANDOM, NEAREST] {
        let rig = Rig::of(keys);
        let cases = Case::some(&rig, CASES);
        let saturated: u64 = cases.iter().map(|case| case.saturations).sum();
        let all: usize = cases.iter().map(|case| case.expected.len()).sum();
        println!("{saturated} of {all} values are saturated");
        assert!((all as u64 / 20..all as u64 * 19 / 20).contains(&saturated));
        run_all(&rig, &cases);
    }
}

/// The first frame and the steady state take the cycles of the model, whichever stages are used.
#[test]
fn stages_cost_their_registers_alone() {
    for (rig, case) in [STREAMS, RANDOM, NEAREST].iter().flat_map(|keys| {
        let rig = Rc::new(Rig::of(keys));
        let cases = Case::some(&rig, 8);
        cases.into_iter().map(move |case| (rig.clone(), case))
    }) {
        let mut driver = rig.driver();
        case.run(&mut driver);
        let instance = driver.device().instance();
        let first = instance.source(0).first_cycle().unwrap();
        let ends = instance.sink(GRAD_INPUT).last_cycles().to_vec();
        let plan = case.plan.cycles(case.frames());
        if let Some(steady) = plan.per_frame_steady {
            assert_eq!(ends[2] - ends[1], steady, "{}", case.told("steady"));
        }
        // The weights come meanwhile.
        let most = plan.first_frame
            + case.layer().operation().stationary_words()
            + case.layer().scale_words()
            + 10;
        assert!(ends[0] - first < most, "{}", case.told("first frame"));
    }
}

/// A job that was told in time follows the one before it in the cycles of the model, those of the stages among them:
/// scales are taken meanwhile, as weights are.
#[test]
fn a_job_follows_the_one_before_it_in_the_cycles_of_the_model() {
    for keys in [STREAMS, RANDOM, NEAREST] {
        let rig = Rig::of(keys);
        let limits = rig.engine.limits();
        let mut at_once = 0;
        for case in Case::some(&rig, CASES) {
            let (frames, words) = (case.frames(), case.layer().operation().stationary_words());
            let both_fit = 2 * words <= limits.weight_words
                && 2 * frames * case.plan.frame_words() <= limits.line_words;
            if !both_fit {
                continue;
            }
            let mut driver = rig.driver();
            // The first job's last beat is not taken before the others are told.
            let sink = |driver: &mut Driver<Simulated>, limit| {
                driver.device().instance().sink(GRAD_INPUT).set_limit(limit)
            };
            sink(&mut driver, Some(frames * case.beats() - 1));
            let jobs = [(); JOBS_HELD].map(|()| case.submit(&mut driver));
            driver.device().instance().run(5_000, None);
            sink(&mut driver, None);
            for job in &jobs {
                case.collect(&mut driver, job);
            }
            let instance = driver.device().instance();
            let ends = instance.sink(GRAD_INPUT).last_cycles().to_vec();
            let between = ends[2 * frames as usize - 1] - ends[frames as usize - 1];
            let ahead = case.plan.cycles_ahead(frames);
            assert_eq!(between, ahead, "{}", case.told(keys));
            at_once += 1;
        }
        assert!(at_once > 10, "{at_once}");
    }
}

/// Layers that fit and others, in tiles over C, K and groups.
#[test]
fn partial_sums_go_back_in() {
    let rig = Rig::as_emitted();
    let mut driver = rig.driver();
    let (mut whole, mut in_k, mut in_both, mut none) = (0, 0, 0, 0);
    for seed in 0..TILED {
        let layer = drawn(&rig.engine, seed);
        let frames = 1 + seed as usize % 2;
        let told = |what: String| format!("seed {seed}: {what}\n{}", layer.to_file().to_toml());
        let tiling = match rig.engine.tiling(&layer, frames as u64) {
            Ok(tiling) => tiling,
            Err(NoFit::Tile { .. }) => {
                none += 1;
                continue;
            }
            Err(error) => panic!("{}", told(error.to_string())),
        };
        let parts = tiling.parts();
        match (
            parts.moving_channels > 1,
            parts.result_channels * parts.groups > 1,
        ) {
            (true, true) => in_both += 1,
            (true, false) => in_k += 1,
            _ => whole += 1,
        }
        assert_eq!(tiling.sums_go_in(), parts.moving_channels > 1);
        let (stall_input, stall_output) = [(0.0, 0.0), (0.3, 0.3)][seed as usize / 4 % 2];
        driver.device().stall(stall_input, stall_output, seed);
        let arrays = arrays(&layer, frames, seed, tiling.most_accumulate());
        let before = driver.busy_cycles().unwrap();
        let found = driver
            .run(&tiling, &arrays)
            .unwrap_or_else(|error| panic!("{}", told(error.to_string())));
        if let Some(first) = compare(&found, &expected(&layer, &arrays)).first {
            panic!("{}", told(first.to_string()));
        }
        let cycles = driver.busy_cycles().unwrap() - before;
        let predicted = tiling.cycles(frames as u64);
        // These jobs are so short that software tells the next one too late to have its weights taken meanwhile.
        let late = tiling.weight_beats();
        assert!(
            stall_input > 0.0 || cycles <= predicted + late,
            "{}",
            told(format!("{cycles} cycles, {predicted} predicted"))
        );
    }
    println!("whole or over C, over K, both, none: {whole} {in_k} {in_both} {none}");
    assert!(whole >= 5 && in_k >= 5 && in_both >= 5);
    assert_eq!(
        driver.device().instance().watched("error").unwrap().cycles,
        0
    );
}

/// A layer that is scaled is cut over C and groups alone; each tile draws as a layer of its own.
#[test]
fn scaled_layers_in_tiles_are_exact() {
    for keys in [RANDOM, NEAREST] {
        let rig = Rig::of(keys);
        let mut driver = rig.driver();
        let (mut whole, mut cut, mut none) = (0, 0, 0);
        for seed in 0..TILED {
            let layer = drawn(&rig.engine, seed);
            let tiling = match rig.engine.tiling(&layer, 1) {
                Ok(tiling) => tiling,
                Err(NoFit::Tile { .. }) => {
                    none += 1;
                    continue;
                }
                Err(error) => panic!("seed {seed}: {error}"),
            };
            assert_eq!(tiling.parts().moving_channels, 1);
            match tiling.tiles().len() {
                1 => whole += 1,
                _ => cut += 1,
            }
            let arrays = arrays(&layer, 2, seed, tiling.most_accumulate());
            let found = driver.run(&tiling, &arrays).unwrap();
            if layer.requantise().unwrap().rounding != Rounding::Stochastic {
                assert_eq!(found, expected(&layer, &arrays), "seed {seed}");
            }
            check_tiles(&tiling, &arrays, &found);
        }
        println!("whole, in tiles, none: {whole} {cut} {none}");
        assert!(whole >= 5 && cut >= 5 && none >= 5);
    }
}

/// Each tile's channels are what the tile as a layer of its own gives.
pub fn check_tiles(tiling: &Tiling, arrays: &Arrays, found: &Array4<i64>) {
    let (layer, merged) = (tiling.layer(), tiling.merge().merged());
    let moving = centred(layer, arrays.moving.clone());
    let sums = gather(layer, &moving, &arrays.stationary);
    let stages = &arrays.stages;
    let all = layer.in_channels() as usize;
    for (index, tile) in tiling.tiles().iter().enumerate() {
        let per_group = merged.in_per_group();
        let channels: Vec<usize> = (0..merged.in_channels())
            .filter(|c| tile.groups.contains(&(c / per_group)))
            .filter(|c| tile.result_channels.contains(&(c % per_group)))
            .map(|c| c as usize)
            .collect();
        let of_tile = StageArrays {
            bias: (stages.bias.as_ref())
                .filter(|_| tile.plan.layer().bias())
                .map(|bias| {
                    channels
                        .iter()
                        .map(|&c| if c < all { bias[c] } else { 0 })
                        .collect()
                }),
            scale: stages
                .scale
                .as_ref()
                .map(|scale| match layer.requantise().unwrap().scale_per {
                    ScalePer::Tensor => scale.clone(),
                    ScalePer::Channel => channels
                        .iter()
                        .map(|&c| if c < all { scale[c] } else { 0 })
                        .collect(),
                }),
            accumulate: (stages.accumulate.as_ref()).map(|it| picked(it, &channels)),
            mask: (stages.mask.as_ref()).map(|it| picked(it, &channels)),
            rounding_seed: (stages.rounding_seed + index as u32) & (u32::MAX >> 1),
        };
        let sums = picked(&sums, &channels);
        let expected = finish(tile.plan.layer(), &sums, &of_tile).result;
        for (expected, &c) in expected.axis_iter(Axis(1)).zip(&channels) {
            if c < all {
                assert_eq!(found.index_axis(Axis(1), c), expected, "tile {index}");
            }
        }
    }
}

/// These channels; zeros for those that only fill a merged group.
fn picked<T: Clone + Default>(array: &Array4<T>, channels: &[usize]) -> Array4<T> {
    let (frames, all, height, width) = array.dim();
    Array4::from_shape_fn(
        (frames, channels.len(), height, width),
        |(n, c, h, w)| match channels[c] {
            c if c < all => array[[n, c, h, w]].clone(),
            _ => T::default(),
        },
    )
}

/// Where the weights leave no word of the memory, their scales are taken all the same.
#[test]
fn a_set_that_fills_the_memory_has_its_scales() {
    check_full(&Rig::of(RANDOM));
}

fn check_full(rig: &Rig) {
    let layer = Geometry {
        in_channels: Some(2),
        out_channels: Some(4),
        in_size: Some(PerItem([7, 7])),
        kernel: Some(PerItem([4, 4])),
        ..Geometry::default()
    };
    let layer = rig
        .engine
        .staged_layer(layer, stages_of(&rig.engine, 20))
        .unwrap();
    assert_eq!(
        layer.operation().stationary_words(),
        rig.engine.limits().weight_words
    );
    let mut driver = rig.driver();
    for seed in 0..3 {
        let case = Case::of(rig, layer.clone(), seed).unwrap();
        case.run(&mut driver);
    }
}

/// Where partial sums could be too large for the stream, the driver adds them, what the mask clears left out.
#[test]
fn partial_sums_that_might_not_fit_stay_outside() {
    let rig = Rig::as_emitted();
    let mut driver = rig.driver();
    // The accumulator of 64 products has 22 bits, so that a place has 24 and a value 23: the sum of 256 products of 2^14
    // is beyond it.
    assert_eq!(rig.most(), (1 << 22) - 1);
    let mut layer = geometry(0);
    layer.in_channels = Some(3);
    layer.out_channels = Some(330);
    layer.groups = 1;
    layer.in_size = Some(PerItem([4, 5]));
    layer.kernel = Some(PerItem([1, 1]));
    layer.stride = PerItem([1, 1]);
    layer.dilation = PerItem([1, 1]);
    layer.padding = PerItem([0; 4]);
    layer.out_size = None;
    let layer = rig
        .engine
        .staged_layer(layer, stages_of(&rig.engine, 3))
        .unwrap();
    let tiling = rig.engine.tiling(&layer, 2).unwrap();
    assert!(tiling.parts().moving_channels > 1 && !tiling.sums_go_in());
    let mut arrays = arrays(&layer, 2, 1, tiling.most_accumulate());
    // All at one end.
    arrays.moving.fill(-128);
    arrays.stationary.fill(-128);
    let found = driver.run(&tiling, &arrays).unwrap();
    assert_eq!(found, expected(&layer, &arrays));
    assert!(found.iter().any(|&sum| sum > rig.most()));
}

#[test]
fn values_beyond_their_place_are_refused() {
    let rig = Rig::as_emitted();
    let mut driver = rig.driver();
    let refused = |driver: &mut Driver<Simulated>, layer: &Layer, value: i64| {
        let tiling = rig.engine.tiling(layer, 1).unwrap();
        let mut arrays = arrays(layer, 1, 1, 0);
        arrays.stages.accumulate.as_mut().unwrap()[[0, 0, 0, 0]] = value;
        match driver.run(&tiling, &arrays) {
            Ok(found) => {
                assert_eq!(found, expected(layer, &arrays));
                None
            }
            Err(error @ DriverError::Accumulate { .. }) => Some(error.to_string()),
            Err(error) => panic!("{error}"),
        }
    };
    let fits = |seed: &u64| rig.engine.plan(&drawn(&rig.engine, *seed)).is_ok();
    let layer = drawn(&rig.engine, (1..).step_by(4).find(fits).unwrap());
    let most = rig.most();
    for value in [most, !most] {
        assert_eq!(refused(&mut driver, &layer, value), None);
    }
    for value in [most + 1, !most - 1] {
        assert!(refused(&mut driver, &layer, value).is_some());
    }
    let tiled = |seed: &u64| {
        let layer = drawn(&rig.engine, *seed);
        let tiling = rig.engine.tiling(&layer, 1);
        tiling.is_ok_and(|tiling| tiling.sums_go_in())
    };
    let layer = drawn(&rig.engine, (1..).step_by(4).find(tiled).unwrap());
    let room = rig.engine.tiling(&layer, 1).unwrap().most_accumulate();
    assert!(room < most);
    for value in [room, !room] {
        assert_eq!(refused(&mut driver, &layer, value), None);
    }
    let said = refused(&mut driver, &layer, room + 1).unwrap();
    assert_eq!(
        said,
        format!(
            "a value to add is {}: this layer on this engine takes those from {} to {room}",
            room + 1,
            !room
        )
    );
}

/// A job ends by abort while beats of the next ones were taken ahead: those are dropped.
#[test]
fn an_abort_drops_what_was_taken_ahead() {
    check_abort(&Rig::as_emitted());
    check_abort(&Rig::of(RANDOM));
}

fn check_abort(rig: &Rig) {
    let cases = Case::some(rig, 4);
    let both = &cases[cases.iter().position(|case| case.seed % 4 == 3).unwrap()];
    let mut driver = rig.driver();
    for cycles in [0, 1, 2, 3, 30, 100, 200] {
        let words = rig
            .engine
            .job(&rig.hardware.table, &both.plan, NonZeroU32::MIN)
            .unwrap();
        driver.start(&words).unwrap();
        // The port holds two; all that is offered is dropped.
        let bits = rig.engine.accumulate_bits();
        let layer = both.layer();
        let frame = Array4::from_elem(both.expected.raw_dim(), 99);
        let packet = pack_result(layer, frame.index_axis(Axis(0), 0), bits);
        let bytes = driver.device().instance().source(ACCUMULATE).port().bytes;
        driver
            .device()
            .send(Input::Accumulate, &packet[..2 * bytes])
            .unwrap();
        // The set of weights lacks its last beat, of scales where there are any.
        let bytes = driver.device().instance().source(WEIGHT).port().bytes;
        let beats = layer.operation().stationary_words() + layer.scale_words() - 1;
        let packet = vec![0x5a; beats as usize * bytes];
        let instance = driver.device().instance();
        let wanted = instance.source(WEIGHT).accepted() + beats;
        driver.device().send(Input::Weight, &packet).unwrap();
        let instance = driver.device().instance();
        instance.run(300 + beats + cycles, None);
        assert_eq!(instance.source(WEIGHT).accepted(), wanted);
        let taken = instance.source(ACCUMULATE).accepted();
        driver.set("command", 2).unwrap();
        driver.device().instance().run(5, None);
        assert!(taken > 0);
        driver.set("event", 0xf_ffff).unwrap();
        both.run(&mut driver);
        assert_eq!(driver.value("event").unwrap() & !1, 0, "after {cycles}");
    }
}

/// Of a stream that no job uses, two beats are taken ahead and no more; the job that uses it finds them.
#[test]
fn beats_wait_for_the_job_that_uses_them() {
    check_waiting(&Rig::as_emitted());
}

fn check_waiting(rig: &Rig) {
    let cases = Case::some(rig, 12);
    let find = |kind| cases.iter().find(|case| case.seed % 4 == kind).unwrap();
    let (none, both) = (find(0), find(3));
    let mut driver = rig.driver();
    for frame in both.arrays.stages.mask.as_ref().unwrap().outer_iter() {
        let packet = pack_result(both.layer(), frame.mapv(i64::from).view(), 1);
        driver.device().send(Input::Mask, &packet).unwrap();
    }
    let taken = |driver: &mut Driver<Simulated>| driver.device().instance().source(MASK).accepted();
    none.run(&mut driver);
    none.run(&mut driver);
    assert_eq!(taken(&mut driver), 2);
    assert!(driver.value("mask_waits").unwrap() > 0);
    assert_eq!(driver.value("accumulate_waits").unwrap(), 0);
    // The same mask once more comes behind it and stays.
    both.run(&mut driver);
    driver.device().instance().run(20, None);
    assert_eq!(taken(&mut driver), both.frames() * both.beats() + 2);
}

#[test]
fn misplaced_tlasts_are_told_by_stream_and_cause() {
    check_misplaced(&Rig::as_emitted());
}

fn check_misplaced(rig: &Rig) {
    let case = (7..).step_by(12).find_map(|seed| Case::new(rig, seed));
    let case = case.unwrap();
    assert_eq!(case.frames(), 2);
    let end = case.beats() as usize - 1;
    let streams = [(ACCUMULATE, "accumulate"), (MASK, "mask")];
    for (index, (stream, name)) in streams.into_iter().enumerate() {
        for (flips, kinds) in [
            (vec![0], [1, 0, 0]),
            (vec![end], [0, 1, 0]),
            (vec![end, end + 2], [0, 1, 1]),
        ] {
            let mut driver = rig.driver();
            let mut arrays = case.arrays.clone();
            let stages = std::mem::take(&mut arrays.stages);
            // All but the streams beside the results, which are offered beat by beat.
            let words = rig
                .engine
                .job(&rig.hardware.table, &case.plan, NonZeroU32::new(2).unwrap())
                .unwrap();
            driver.start(&words).unwrap();
            let layer = case.layer();
            let weight = bpa_engine::vectors::pack_stationary(layer, &arrays.stationary);
            driver.device().send(Input::Weight, &weight).unwrap();
            for frame in arrays.moving.outer_iter() {
                let packet = bpa_engine::vectors::pack_moving(layer, frame);
                driver.device().send(Input::Data, &packet).unwrap();
            }
            for (other, values, bits) in [
                (
                    ACCUMULATE,
                    stages.accumulate.unwrap(),
                    rig.engine.accumulate_bits(),
                ),
                (MASK, stages.mask.unwrap().mapv(i64::from), 1),
            ] {
                let mut flags = [last_flags(end as u64 + 1), last_flags(end as u64 + 1)].concat();
                if other == stream {
                    flips.iter().for_each(|&flip| flags[flip] ^= 1);
                }
                let packets: Vec<u8> = values
                    .outer_iter()
                    .flat_map(|frame| pack_result(layer, frame, bits))
                    .collect();
                let mut source = driver.device().instance().source(other);
                source.load(&packets, &flags).unwrap();
            }
            let instance = driver.device().instance();
            instance.run(20_000, Some(2 * case.beats()));
            instance.run(20, None);
            let mut causes = 0;
            for (kind, (told, count)) in ["early", "missing", "late"].iter().zip(kinds).enumerate()
            {
                let found = driver.value(&format!("tlast_{name}_{told}")).unwrap();
                assert_eq!(found, count, "{name} {told}, flipped on {flips:?}");
                causes |= count << (6 + 3 * index + kind);
            }
            assert_eq!(driver.value("event").unwrap(), 1 | causes << 8);
        }
    }
}

#[test]
fn the_text_is_clean() {
    for keys in [
        STREAMS,
        "accumulate = true\n",
        "mask = true\n",
        RANDOM,
        NEAREST,
        "out_type = \"int16\"\nshift = 0\n",
        "out_type = \"int16\"\nshift = 48\nrounding = \"floor\"\nscale_bits = 2\n",
        "out_type = \"int2\"\nshift = 1\nrounding = \"stochastic\"\nscale_per = \"channel\"\n",
    ] {
        let hardware = engine(keys).hardware(Target::Generic);
        clean_for_three_tools("staged", &print_verilog(&hardware.module));
    }
}

/// What software can read of the stages.
#[test]
fn the_registers_tell_the_stages() {
    let rig = Rig::as_emitted();
    let mut driver = rig.driver();
    let bits = 64 - rig.most().leading_zeros() + 1;
    assert_eq!(driver.value("stages").unwrap(), 1 << 8 | bits);
    let rig = Rig::of(RANDOM);
    let mut driver = rig.driver();
    let stages = 13 << 24 | 11 << 12 | 1 << 11 | 3 << 9 | 1 << 8 | bits;
    assert_eq!(driver.value("stages").unwrap(), stages);
    assert_eq!(driver.value("scale_words").unwrap(), 6);
    assert_eq!(driver.value("types").unwrap() >> 24, 6);
}

/// Where the field is, all bits of which together choose the mutant: what is enabled changes nothing but the interrupt.
const MUTANT_LOW: u32 = 8;
const MUTANT: &str = "staged.u_registers.event_enable_tlast_q";

const MUTANTS: &[(&str, &[Edit])] = &[
    (
        "values added by a job that has none",
        &[("stages_accumulate", "{24{<~none>}}", "1'd1")],
    ),
    (
        "no values added",
        &[("stages_accumulate", "{24{<~none>}}", "1'd0")],
    ),
    (
        "a mask for a job that has none",
        &[("stages", "kept = mask | {2{<~cfg_mask>}};", "1'd0")],
    ),
    (
        "no mask",
        &[("stages", "kept = mask | {2{<~cfg_mask>}};", "1'd1")],
    ),
    (
        "a job that waits for values that it has not",
        &[(
            "stages_accumulate_in",
            "next_valid = <head_valid_d | ~used>;",
            "head_valid_d",
        )],
    ),
    (
        "a job that does not wait for its mask",
        &[(
            "stages_mask_in",
            "next_valid = <head_valid_d | ~used>;",
            "1'd1",
        )],
    ),
    (
        "beats that go with a job that has none",
        &[(
            "stages_mask_in",
            "to_head = (<take & used>) | ~head_valid_q;",
            "take",
        )],
    ),
    (
        "tlasts looked for where there are none",
        &[(
            "stages_mask_in",
            "tlast_was_due_d = <take & used & frame_last>;",
            "take & frame_last",
        )],
    ),
    (
        "values that a job before took ahead are lost",
        &[(
            "stages",
            "(<streams_aresetn>),\n    .tvalid        (accumulate_tvalid)",
            "aresetn",
        )],
    ),
    (
        "a mask that a job before took ahead is lost",
        &[(
            "stages",
            "(<streams_aresetn>),\n    .tvalid        (mask_tvalid)",
            "aresetn",
        )],
    ),
    (
        "an abort that leaves what was taken ahead",
        &[("core", ".streams_aresetn   (<aresetn>)", "staged.aresetn")],
    ),
    (
        "waits of the wrong stream",
        &[(
            "",
            "mask_waits_event = <s_axis_mask_tvalid> &",
            "s_axis_accumulate_tvalid",
        )],
    ),
    (
        "the wrong cause",
        &[(
            "",
            "tlast_mask_late_event = <misplaced[11]>;",
            "misplaced[10]",
        )],
    ),
];

/// All that is asked above of a rig, in short.
fn check_all(rig: &Rig, cases: &[Case]) {
    run_all(rig, cases);
    check_abort(rig);
    check_waiting(rig);
    check_misplaced(rig);
}

const SCALED_MUTANTS: &[(&str, &[Edit])] = &[
    (
        "a shift that leaves a bit out",
        &[("stages_align", "if (<amount[0]>)", "1'd0")],
    ),
    (
        "a shift that leaves its highest bit out",
        &[("stages_align", "if (<amount[3]>)", "1'd0")],
    ),
    (
        "ones behind a shifted product",
        &[("stages_align", "shifted2[3:0] = <4'd0>;", "4'd15")],
    ),
    (
        "an unsigned product",
        &[(
            "stages_align",
            "shifted1 = {{2{<shifted0[35]>}}, shifted0};",
            "1'd0",
        )],
    ),
    (
        "scales that count over several pixels",
        &[("stages_scales", "if (<passes & index_at_last_q>)", "1'd0")],
    ),
    (
        "scales that turn too early",
        &[(
            "stages_scales",
            "index_at_last_d = <(index_q == (cfg_pixel_beats_less_1 - 3'd1)) | (cfg_pixel_beats_less_1 == 3'd0)>;",
            "index_q == 3'd0",
        )],
    ),
    (
        "a set without its scales",
        &[(
            "weight",
            "ended = accept & (<scales_next_q & scales_due_q>);",
            "~scales_next_q & due_q",
        )],
    ),
    (
        "scales in one place",
        &[("weight", "scale_index = <scale_q>;", "3'd0")],
    ),
    (
        "a set of the wrong length",
        &[(
            "weight",
            "scales_due_d = <scales_left_q == 3'd1>;",
            "scales_left_q == 3'd2",
        )],
    ),
    (
        "scales of the next job",
        &[(
            "weight",
            "scale_set_in_use = <scale_set_in_use_q>;",
            "scale_set_q",
        )],
    ),
    (
        "scales that wait for a word of the weights",
        &[(
            "weight",
            "ready_d = loading_d & (<~full_d | scales_next_d>);",
            "~full_d",
        )],
    ),
    (
        "one seed for all jobs",
        &[("stages_draws", "mixed = <seed ^ key>;", "key")],
    ),
    (
        "a count of one job",
        &[(
            "",
            "clear_saturations = <clear_counters | ~aresetn>;",
            "clear_counters | ~job_aresetn",
        )],
    ),
    (
        "a count that goes on",
        &[(
            "",
            "clear_saturations = <clear_counters | ~aresetn>;",
            "~aresetn",
        )],
    ),
];

#[test]
fn every_edit_of_the_scaling_is_noticed() {
    check_edits(RANDOM, SCALED_MUTANTS, few, |rig, cases| {
        run_all(rig, cases);
        check_full(rig);
    });
}

#[test]
fn every_edit_is_noticed() {
    check_edits(STREAMS, MUTANTS, few, check_all);
}

fn few(rig: &Rig) -> Vec<Case> {
    Case::some(rig, FEW)
}

/// Whether `check` holds for the engine of these keys with the cases that are drawn, and fails for every mutant.
pub fn check_edits(
    keys: &str,
    mutants: &[(&str, &[Edit])],
    draw: impl Fn(&Rig) -> Vec<Case>,
    check: impl Fn(&Rig, &[Case]),
) {
    let mut rig = Rig::new(keys, |text| mutated("staged", MUTANT, text, mutants));
    let cases = draw(&rig);
    check(&rig, &cases);
    // What chooses a mutant is no mutant by itself.
    rig.mutant = mutants.len() as u32 + 1;
    check(&rig, &cases);
    let mut alive = Vec::new();
    for (index, (what, _)) in mutants.iter().enumerate() {
        rig.mutant = index as u32 + 1;
        let verdict = catch_unwind(AssertUnwindSafe(|| check(&rig, &cases)));
        if verdict.is_ok() {
            alive.push(what);
        }
    }
    assert!(alive.is_empty(), "not noticed: {alive:#?}");
}
