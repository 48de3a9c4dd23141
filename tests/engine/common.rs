//! What several modules need: layers by name, models, and two ways to run them: [`exact`] through `bpa_engine::run`
//! as the programs do, and [`Rig`] beat by beat.

use bpa_engine::bound::useful_macs;
use bpa_engine::compare::compare;
use bpa_engine::emit;
use bpa_engine::interface::{self, out_bits, Direction, Streams};
use bpa_engine::layer::{Geometry, Layer, LayerFile, Pass};
use bpa_engine::layer_list;
use bpa_engine::plan::Plan;
use bpa_engine::reference::{centred, finish, gather, reference, scatter, Finished, StageArrays};
use bpa_engine::run::{
    frame_beats, stationary_set, Arrays, Measured, RunError, Simulator, Traffic,
};
use bpa_engine::vectors::{
    pack_moving, pack_stationary, random_moving, random_stage_arrays, random_stationary,
    unpack_result, BeatFormat,
};
use bpa_sim::{Cache, Instance, Model, ModelSpec, Pin, StreamPort};
use ndarray::{Array4, Axis};

pub use crate::choices::Choices;
use crate::named_layers::examples_folder;
pub use crate::named_layers::{example, layer};

/// Every example, by name.
pub fn examples() -> Vec<Layer> {
    let mut names: Vec<String> = std::fs::read_dir(examples_folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| !name.ends_with("_layers")) // Lists of them
        .collect();
    names.sort();
    names.iter().map(|name| example(name)).collect()
}

/// The benchmark layers as they are listed.
pub fn benchmark_files() -> Vec<LayerFile> {
    layer_list::read(&examples_folder().join("benchmark_layers.toml")).unwrap()
}

/// The geometry in another pass, of a batch of so many images.
pub fn in_pass(geometry: &Geometry, pass: Pass, batch: i64) -> Geometry {
    Geometry {
        pass: Some(pass.to_string()),
        batch: Some(batch),
        ..geometry.clone()
    }
}

/// Beats of the result in a frame.
pub fn result_beats_of_a_frame(layer: &Layer) -> u64 {
    let op = layer.operation();
    op.rows.positions * op.result_columns() * u64::from(op.result_beats_per_pixel())
}

/// Arrays as `bpa verify --frames FRAMES --seed SEED` draws them.
pub fn arrays(layer: &Layer, frames: usize, seed: u64) -> Arrays {
    Arrays {
        moving: random_moving(layer, frames, seed),
        stationary: random_stationary(layer, seed),
        stages: match layer.has_stages() {
            true => random_stage_arrays(&Plan::new(layer), frames, seed),
            false => StageArrays::default(),
        },
    }
}

/// The results of `arrays` in software.
pub fn expected(layer: &Layer, arrays: &Arrays) -> Array4<i64> {
    finished(layer, arrays).result
}

/// All that leaves the engine, in software.
pub fn finished(layer: &Layer, arrays: &Arrays) -> Finished {
    if layer.pass() != Pass::GradInput {
        return reference(layer, arrays);
    }
    // The slow form is the one that says what it does most plainly; it is for small layers.
    let form = match useful_macs(layer) < 1 << 18 {
        true => scatter,
        false => gather,
    };
    let centred = centred(layer, arrays.moving.clone());
    let sums = form(layer, &centred, &arrays.stationary);
    finish(layer, &sums, &arrays.stages)
}

pub fn cache() -> Cache {
    Cache::from_env().unwrap()
}

/// The model of the plan's engine.
pub fn simulator(plan: &Plan) -> Simulator<'_> {
    Simulator::build(plan, &emit::verilog(plan), &cache()).unwrap()
}

/// Runs `arrays`; what is not as it should be, other than cycle counts, is the error.
pub fn exact(
    simulator: &Simulator,
    plan: &Plan,
    arrays: &Arrays,
    expected: &Array4<i64>,
    traffic: &Traffic,
) -> Result<Measured, String> {
    assert_eq!(
        expected.shape()[1..],
        plan.layer().operation().result_shape()
    );
    let measured = match simulator.run(arrays, traffic, &mut |_| ()) {
        Ok(measured) => measured,
        Err(RunError::Broken(broken)) => return Err(broken.to_string()),
        Err(RunError::Simulator(error)) => panic!("{error}"),
    };
    match compare(&measured.result, expected).first {
        None => Ok(measured),
        Some(mismatch) => Err(mismatch.to_string()),
    }
}

/// [`exact`] with random arrays and without stalls, in as many cycles as the plan says.
pub fn exact_and_on_time(
    simulator: &Simulator,
    plan: &Plan,
    arrays: &Arrays,
    expected: &Array4<i64>,
    seed: u64,
) -> Result<Measured, String> {
    let traffic = Traffic {
        seed,
        ..Traffic::default()
    };
    let measured = exact(simulator, plan, arrays, expected, &traffic)?;
    let predicted = plan.cycles(expected.len_of(Axis(0)) as u64);
    if measured.cycles == predicted {
        Ok(measured)
    } else {
        Err(format!(
            "measured {:?}, predicted {predicted:?}",
            measured.cycles
        ))
    }
}

pub fn stalled(stall_input: f64, stall_output: f64, seed: u64) -> Traffic {
    Traffic {
        stall_input,
        stall_output,
        seed,
    }
}

/// Indices of the streams of a [`Rig`].
pub const GRAD_OUTPUT: usize = 0;
pub const WEIGHT: usize = 1;
pub const GRAD_INPUT: usize = 0;

/// A model to be driven beat by beat. The engine sits in a module that shows its handshakes, so that the bridge can
/// look at them: see [`Drive::shown`].
pub struct Rig {
    pub plan: Plan,
    pub streams: Streams,
    model: Model,
}

const SHOWN: [&str; 3] = [
    "s_axis_grad_output_tready",
    "s_axis_weight_tready",
    "m_axis_grad_input_tvalid",
];

impl Rig {
    pub fn new(layer: &Layer) -> Self {
        Self::edited(layer, false, |verilog| verilog)
    }

    /// The rig of an engine whose Verilog was edited and looks at `showcase.mutant`, a pin.
    pub fn with_mutants(layer: &Layer, edit: impl FnOnce(String) -> String) -> Self {
        Self::edited(layer, true, edit)
    }

    fn edited(layer: &Layer, mutants: bool, edit: impl FnOnce(String) -> String) -> Self {
        let plan = Plan::new(layer);
        let streams = Streams::new(&plan);
        let port = |name, format: BeatFormat| StreamPort::new(name, format.beat_bytes());
        let status = interface::status(&plan)
            .into_iter()
            .map(|status| Pin::new(status.name, status.width).watched());
        let shown = SHOWN.map(|name| Pin::new(format!("show_{name}"), 1).watched());
        let spec = ModelSpec {
            top: "showcase".to_owned(),
            verilog: edit(emit::verilog(&plan)) + &showcase(&plan, mutants),
            sources: streams
                .inputs()
                .into_iter()
                .map(|(name, format)| port(name, format))
                .collect(),
            sinks: vec![port(interface::GRAD_INPUT, streams.result)],
            pins_in: interface::settings(&plan)
                .iter()
                .map(|setting| Pin::new(setting.name, setting.width))
                .chain(mutants.then(|| Pin::new("mutant", 8)))
                .collect(),
            pins_out: status.chain(shown).collect(),
            memory: None,
        };
        Self {
            model: Model::build(&spec, &cache()).unwrap(),
            plan,
            streams,
        }
    }

    pub fn layer(&self) -> &Layer {
        self.plan.layer()
    }

    /// A fresh instance, after a reset.
    pub fn start(&self, seed: u64) -> Drive<'_> {
        let mut instance = self.model.instance(seed);
        instance.reset(4);
        Drive {
            rig: self,
            instance,
        }
    }
}

/// The module around the engine.
fn showcase(plan: &Plan, mutants: bool) -> String {
    let ports = interface::ports(plan);
    let mut declared: Vec<String> = ports
        .iter()
        .map(|port| {
            let direction = match port.direction {
                Direction::Input => "input",
                Direction::Output => "output",
            };
            format!("  {direction} wire [{}:0] {}", port.width - 1, port.name)
        })
        .collect();
    declared.extend(mutants.then(|| "  input wire [7:0] mutant".to_owned()));
    declared.extend(SHOWN.map(|name| format!("  output wire show_{name}")));
    let bindings: Vec<String> = ports
        .iter()
        .map(|port| format!("    .{0}({0})", port.name))
        .collect();
    let shown = SHOWN.map(|name| format!("  assign show_{name} = {name};\n"));
    format!(
        "\nmodule showcase (\n{}\n);\n  {} engine (\n{}\n  );\n{}endmodule\n",
        declared.join(",\n"),
        plan.layer().name(),
        bindings.join(",\n"),
        shown.concat()
    )
}

/// A running instance of a [`Rig`].
pub struct Drive<'a> {
    rig: &'a Rig,
    pub instance: Instance,
}

impl Drive<'_> {
    /// Offers a set of weights with its scales, and all frames of all streams; `tlast` is where it belongs.
    pub fn offer_all(&mut self, arrays: &Arrays) {
        self.offer_set(arrays);
        self.offer_batch(arrays);
    }

    /// Offers a set of weights with its scales.
    pub fn offer_set(&mut self, arrays: &Arrays) {
        let beats = stationary_set(&self.rig.plan, arrays);
        let flags = last_flags(self.rig.streams.stationary.beats);
        self.instance.source(WEIGHT).load(&beats, &flags).unwrap();
    }

    /// Offers all frames, on each stream that has them.
    pub fn offer_batch(&mut self, arrays: &Arrays) {
        let inputs = self.rig.streams.inputs();
        for (index, (name, format)) in inputs.into_iter().enumerate() {
            if index == WEIGHT {
                continue;
            }
            let flags = last_flags(format.beats);
            for n in 0..arrays.moving.len_of(Axis(0)) {
                let beats = frame_beats(&self.rig.plan, arrays, name, n);
                self.instance.source(index).load(&beats, &flags).unwrap();
            }
        }
    }

    /// Offers a set of weights, `tlast` on its last beat.
    pub fn offer_weight(&mut self, weight: &Array4<i32>) {
        let flags = last_flags(self.rig.streams.stationary.beats);
        self.offer_weight_with(weight, &flags);
    }

    /// Offers a set of weights with these `tlast`s.
    pub fn offer_weight_with(&mut self, weight: &Array4<i32>, flags: &[u8]) {
        let beats = pack_stationary(self.rig.layer(), weight);
        self.instance.source(WEIGHT).load(&beats, flags).unwrap();
    }

    /// Offers frames, `tlast` on the last beat of each.
    pub fn offer_frames(&mut self, frames: &Array4<i32>) {
        let flags = last_flags(self.rig.streams.moving.beats);
        for n in 0..frames.len_of(Axis(0)) {
            self.offer_frame_with(frames, n, &flags);
        }
    }

    /// Offers frame `n` of `frames` with these `tlast`s.
    pub fn offer_frame_with(&mut self, frames: &Array4<i32>, n: usize, flags: &[u8]) {
        let beats = self.frame_beats(frames, n);
        self.instance
            .source(GRAD_OUTPUT)
            .load(&beats, flags)
            .unwrap();
    }

    /// The bytes of frame `n` of `frames`.
    pub fn frame_beats(&self, frames: &Array4<i32>, n: usize) -> Vec<u8> {
        pack_moving(self.rig.layer(), frames.index_axis(Axis(0), n))
    }

    pub fn stall(&mut self, input: f64, output: f64, seed: u64) {
        let seed = seed.wrapping_mul(4);
        self.instance.source(GRAD_OUTPUT).set_stall(input, seed);
        self.instance.source(WEIGHT).set_stall(input, seed + 1);
        self.instance.sink(GRAD_INPUT).set_stall(output, seed + 2);
    }

    /// Beats of grad_input taken so far.
    pub fn given(&mut self) -> u64 {
        self.instance.sink(GRAD_INPUT).accepted()
    }

    /// Beats of a source taken so far.
    pub fn taken(&mut self, source: usize) -> u64 {
        self.instance.source(source).accepted()
    }

    pub fn run(&mut self, cycles: u64) {
        self.instance.run(cycles, None);
    }

    /// Runs until so many frames of results have come since the reset, and gives them all.
    pub fn frames(&mut self, frames: u64) -> Array4<i64> {
        let beats = frames * self.rig.streams.result.beats;
        let most = self.rig.plan.cycles(frames).total * 40 + 20_000;
        let status = self.instance.run(most, Some(beats));
        assert!(status.done, "stuck at {} of {beats} beats", self.given());
        self.results()
    }

    /// All frames of results since the reset.
    pub fn results(&mut self) -> Array4<i64> {
        let sink = self.instance.sink(GRAD_INPUT);
        unpack_result(self.rig.layer(), sink.data(), out_bits(&self.rig.plan)).unwrap()
    }

    /// The value of a status output.
    pub fn peek(&self, pin: &str) -> u64 {
        self.instance.peek(pin).unwrap()
    }

    /// The level of a handshake of the engine, one of [`SHOWN`].
    pub fn shown(&self, name: &str) -> u64 {
        self.peek(&format!("show_{name}"))
    }

    /// Checks that so many frames were given, each with its `tlast` and `frame_done`, that nothing more comes, and
    /// that no rule was broken. What the error output says is left to the caller.
    pub fn finish(&mut self, frames: u64) {
        self.instance.sink(GRAD_INPUT).set_stall(0.0, 0);
        self.run(300);
        let beats = self.rig.streams.result.beats;
        let sink = self.instance.sink(GRAD_INPUT);
        assert_eq!(sink.violations(), 0, "rules of AXI4-Stream");
        let expected: Vec<u8> = (0..frames).flat_map(|_| last_flags(beats)).collect();
        assert_eq!(sink.last(), expected, "tlast");
        let done = self.instance.watched("frame_done").unwrap().cycles;
        assert_eq!(done, frames, "frame_done");
        assert_eq!(self.peek("busy"), 0, "busy");
    }

    /// [`finish`](Self::finish) of a run without errors.
    pub fn finish_without_error(&mut self, frames: u64) {
        self.finish(frames);
        assert_eq!(self.instance.watched("error").unwrap().cycles, 0, "error");
        assert_eq!(self.peek("error_cause"), 0, "error_cause");
    }
}

/// The `tlast`s of a frame or set of so many beats.
pub fn last_flags(beats: u64) -> Vec<u8> {
    (1..=beats).map(|beat| u8::from(beat == beats)).collect()
}
