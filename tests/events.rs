//! `bpa_engine::events`: hardware and cycle model agree event by event, and where they do not, the first event is named.

use bpa_engine::arrays::Arrays;
use bpa_engine::emit;
use bpa_engine::events::{compare, watched, Findings, Kind, Latencies, Parting, Replay};
use bpa_engine::layer::Layer;
use bpa_engine::plan::Plan;
use bpa_engine::vectors::{random_moving, random_stage_arrays, random_stationary};
use bpa_sim::Cache;

use named_layers::{example, layer};

#[path = "shared/named_layers.rs"]
mod named_layers;

const FRAMES: usize = 3;

/// Layers of each kind: paced and not, with zeros, drops, groups, stages.
fn layers() -> Vec<Layer> {
    let names = [
        "strided",
        "strided_dilated",
        "dilated",
        "depthwise",
        "grouped",
        "transposed",
        "requantised",
    ];
    let mut layers: Vec<Layer> = names.iter().map(|name| example(name)).collect();
    layers.extend(
        [
            // Fewer pixels with taps than without; a long FIFO.
            "in_channels = 2\nout_channels = 2\nin_size = [17, 18]\nkernel = 2\nstride = 3\n[engine]\nsimd = 2\npe = 2",
            // Beats that are dropped, and the gaps of an unreached border.
            "in_channels = 2\nout_channels = 3\nin_size = [6, 5]\nkernel = [1, 2]\nstride = [2, 1]\npadding = [3, 2, 2, 3]",
            // A pixel a cycle.
            "in_channels = 1\nout_channels = 1\nin_size = [7, 9]\nkernel = 1",
            "in_channels = 3\nout_channels = 2\nin_size = [5, 6]\nkernel = 3\npadding = 1\n[engine]\npe = 2",
            // The other passes.
            "pass = \"forward\"\nin_channels = 2\nout_channels = 3\nin_size = [9, 8]\nkernel = [3, 2]\nstride = [2, 3]\npadding = 1",
            "pass = \"forward\"\nin_channels = 4\nout_channels = 4\nin_size = [7, 10]\nkernel = 2\ndilation = 2\ngroups = 2\n[engine]\nsimd = 2\npe = 2",
            "pass = \"grad_weight\"\nbatch = 2\nin_channels = 3\nout_channels = 2\nin_size = [9, 8]\nkernel = 3\nstride = [2, 1]\npadding = 1",
            "pass = \"grad_weight\"\nbatch = 4\nin_channels = 3\nout_channels = 4\nin_size = [8, 11]\nkernel = [2, 3]\ndilation = [3, 2]\n[engine]\nsimd = 2\npe = 4",
        ]
        .iter()
        .map(|text| layer(&format!("name = \"little\"\n[layer]\n{text}"))),
    );
    layers
}

fn found(plan: &Plan, verilog: &str, model: Replay) -> Findings {
    let layer = plan.layer();
    let arrays = Arrays {
        moving: random_moving(layer, FRAMES, 3),
        stationary: random_stationary(layer, 3),
        stages: random_stage_arrays(plan, FRAMES, 3),
    };
    let hardware = watched(plan, verilog, &Cache::from_env().unwrap()).unwrap();
    compare(plan, &hardware, model, &arrays, &mut |_| ()).unwrap()
}

#[test]
fn the_events_add_up_to_the_cycles_of_the_model() {
    for layer in layers() {
        let plan = Plan::new(&layer);
        let mut replay = Replay::new(&plan);
        let operation = layer.operation();
        let [_, height, width] = operation.result_shape();
        let beats = u64::from(operation.result_beats_per_pixel()) * (height * width) as u64;
        let mut ends = Vec::new();
        for _ in 0..6 {
            let last = (0..beats).map(|_| replay.next(Kind::Result)).last();
            ends.push(last.unwrap() + 1);
        }
        let cycles = plan.cycles(6);
        let what = layer.to_file().to_toml();
        assert_eq!(ends[0] as u64, cycles.first_frame, "{what}");
        assert_eq!(ends[5] as u64, cycles.total, "{what}");
    }
}

#[test]
fn hardware_and_model_agree_in_every_event() {
    for layer in layers() {
        let plan = Plan::new(&layer);
        let found = found(&plan, &emit::verilog(&plan), Replay::new(&plan));
        assert_eq!(found.parting, None, "{}", layer.to_file().to_toml());
        let pixels = u64::from(layer.operation().result_beats_per_pixel()) * FRAMES as u64;
        assert!(found.tokens > 0 && found.results >= pixels);
    }
}

/// The example's plan, and where it parts from a model with other latencies or from other Verilog.
fn parting(change: impl FnOnce(&mut Latencies), edit: impl FnOnce(String) -> String) -> Parting {
    let plan = Plan::new(&example("strided_dilated"));
    let mut latencies = Latencies::of(&plan);
    change(&mut latencies);
    let verilog = edit(emit::verilog(&plan));
    let found = found(&plan, &verilog, Replay::with(&plan, latencies));
    found.parting.expect("they part")
}

/// Which event it is, of its kind, and how much later the hardware has it than the model.
fn told(parting: &Parting) -> (Kind, u64, Option<i64>) {
    let later = parting.hardware.zip(parting.model);
    let text = parting.to_string();
    let place = parting.place;
    let named = format!(
        "{} {} (frame {}, ",
        parting.event, parting.index, place.frame
    );
    assert!(text.contains(&named), "{text}");
    (
        parting.event,
        parting.index,
        later.map(|(hardware, model)| hardware - model),
    )
}

#[test]
fn a_wrong_model_is_told_by_the_event() {
    let told = |change: fn(&mut Latencies)| told(&parting(change, |verilog| verilog));
    assert_eq!(told(|at| at.data += 1), (Kind::Token, 0, Some(-1)));
    assert_eq!(told(|at| at.issue -= 1), (Kind::Issue, 0, Some(1)));
    assert_eq!(told(|at| at.stages += 1), (Kind::Result, 0, Some(-1)));
    let (event, _, later) = told(|at| at.run += 200);
    assert_eq!(event, Kind::Result);
    assert!(later.is_some_and(|later| later < 0));
}

#[test]
fn wrong_hardware_is_told_by_the_event() {
    let told = |from: &str, to: &str| {
        let edit = |verilog: String| {
            assert_eq!(verilog.matches(from).count(), 1, "`{from}`");
            format!(
                "/* verilator lint_off WIDTH */\n{}",
                verilog.replace(from, to)
            )
        };
        told(&parting(|_| (), edit))
    };
    // A token that waits for a pixel more than it needs.
    let (event, _, later) = told("may_go_q <= may_go_d;", "may_go_q <= may_go_d & |credit_q;");
    assert_eq!(event, Kind::Token);
    assert!(later.is_some_and(|later| later > 0));
    // An output FIFO of one place: the next pixel waits for the result of this one.
    let (event, index, later) = told(
        "places_q <= cfg_fifo_results;",
        "places_q <= {5'd0, |cfg_fifo_results};",
    );
    assert_eq!((event, index), (Kind::Token, 1));
    assert!(later.is_some_and(|later| later > 0));
    // Results that never come.
    let (event, index, later) = told("assign tvalid = out_valid_q;", "assign tvalid = 1'b0;");
    assert_eq!((event, index, later), (Kind::Result, 0, None));
}
