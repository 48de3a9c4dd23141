//! What is recorded of the hardware is what the schedule says, and what is not is noticed.

use bpa_engine::arrays::Arrays;
use bpa_engine::emit;
use bpa_engine::events::{record, recorded, Kind, Recording, Replay};
use bpa_engine::layer::Layer;
use bpa_engine::plan::Plan;
use bpa_engine::reference::reference;
use bpa_engine::report_page::Steps;
use bpa_engine::vectors::{random_moving, random_stage_arrays, random_stationary};
use bpa_sim::Cache;

use crate::named_layers::{example, layer};

const FRAMES: usize = 3;

/// A frame and a part of the next.
fn recording(plan: &Plan) -> Recording {
    let layer = plan.layer();
    let arrays = Arrays {
        moving: random_moving(layer, FRAMES, 5),
        stationary: random_stationary(layer, 5),
        stages: random_stage_arrays(plan, FRAMES, 5),
    };
    let cache = Cache::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/models"));
    let model = recorded(plan, &emit::verilog(plan), &cache).unwrap();
    let cycles = plan.cycles(1).first_frame + 20;
    let recording = record(plan, &model, &arrays, cycles, &mut |_| ()).unwrap();
    assert_eq!(recording.cycles, cycles);
    assert_eq!(recording.measured, plan.cycles(FRAMES as u64));
    assert_eq!(recording.result, reference(layer, &arrays).result);
    recording
}

/// Two sets of weights, so that an address tells the set too; groups, lanes that do not divide them, results requantised, and
/// pixels of grad_output that are dropped.
fn grouped() -> Layer {
    layer(
        "name = \"grouped_pairs\"
        [layer]
        in_channels = 6
        out_channels = 10
        in_size = [7, 6]
        kernel = [2, 3]
        stride = [3, 1]
        dilation = [1, 2]
        padding = [9, 0, 0, 1]
        groups = 2
        [engine]
        simd = 2
        pe = 2
        weight_sets = 2
        out_type = \"int8\"
        shift = 6",
    )
}

#[test]
fn each_issue_is_where_the_schedule_has_it() {
    for layer in [example("strided_dilated"), grouped()] {
        let plan = Plan::new(&layer);
        let recording = recording(&plan);
        let steps = Steps::new(&plan, &recording).unwrap().steps;
        assert_eq!(steps.len(), recording.issues.len());
        let mut model = Replay::new(&plan);
        let lasts: Vec<_> = steps.iter().filter(|step| step.last).collect();
        assert!(lasts.iter().any(|step| step.frame == 1));
        for last in &lasts {
            assert_eq!(last.cycle as i64, model.next(Kind::Issue));
        }
        // The result's beats, as the stream had them.
        let (name, result) = recording.streams.last().unwrap();
        assert_eq!(*name, "m_axis_grad_input");
        let moves = result.iter().enumerate();
        let moves = moves.filter(|(_, stream)| stream.valid && stream.ready);
        let moves: Vec<i64> = moves.map(|(cycle, _)| cycle as i64).collect();
        assert!(!moves.is_empty());
        for cycle in &moves {
            assert_eq!(*cycle, model.next(Kind::Result));
        }
        // What an issue reads came before it and is not dead; the line buffer holds no more than it can.
        let (words, line) = (plan.descriptor().pixel_words(), plan.line_buffer_pixels());
        let dead = |cycle: u64| {
            let freed = recording.freed.iter();
            let freed = freed.filter(|(from, _)| *from <= cycle);
            freed.map(|(_, count)| count).sum::<u64>()
        };
        for issue in &recording.issues {
            let pixel = issue.moving_word / words;
            assert!(recording.stored[issue.moving_word as usize] < issue.cycle);
            assert!(pixel >= dead(issue.cycle));
        }
        for (word, cycle) in recording.stored.iter().enumerate() {
            assert!(word as u64 / words - dead(*cycle) < line);
        }
    }
}

#[test]
fn an_issue_that_is_another_s_is_noticed() {
    let plan = Plan::new(&example("strided_dilated"));
    let recording = recording(&plan);
    assert!(Steps::new(&plan, &recording).is_ok());
    // Neither the first of its accumulation nor the last.
    let inner = (100..).find(|&index| {
        [index - 1, index]
            .iter()
            .all(|&it| !recording.issues[it].last)
    });
    let inner = inner.unwrap();
    let found = |change: &dyn Fn(&mut Recording)| {
        let mut recording = recording.clone();
        change(&mut recording);
        let parting = Steps::new(&plan, &recording).unwrap_err();
        assert_eq!(parting.issue, inner, "{parting}");
        parting.what
    };
    let words = plan.descriptor().pixel_words();
    let kept = plan.descriptor().input_pixels();
    let next = found(&|it| it.issues[inner].moving_word += words);
    assert!(next.contains("do not meet"), "{next}");
    let tap = found(&|it| it.issues[inner].stationary_word ^= 2);
    assert!(tap.contains("do not meet"), "{tap}");
    let block = found(&|it| it.issues[inner].stationary_word ^= 1);
    assert!(block.contains("meets the weights of block"), "{block}");
    let frame = found(&|it| it.issues[inner].moving_word += kept * words);
    assert!(frame.contains("it reads frame 1"), "{frame}");
    let again = found(&|it| {
        let cycle = it.issues[inner].cycle;
        it.issues[inner] = it.issues[inner - 1];
        it.issues[inner].cycle = cycle;
    });
    assert!(again.contains("multiplies what was multiplied"), "{again}");
    let ends = found(&|it| it.issues[inner].last = !it.issues[inner].last);
    assert!(ends.contains("issues here, and its result"), "{ends}");
}
