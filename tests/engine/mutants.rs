//! Promise: the vectors notice an engine that is a little wrong. Each mutant is the emitted Verilog with one edit; run
//! as any engine is run, it has to give a wrong value, break its contract, hang, or miss the model's cycles.
//!
//! Two kinds: edits of the text, each of which costs a model and is therefore chosen with care; and wrong constants, of
//! which there are hundreds: the core takes them on its `cfg_` inputs, so that one model serves them all.
//!
//! An edit that no longer applies fails its test: somebody has to say what the mutant is now.

use std::collections::BTreeMap;
use std::ops::Range;

use bpa_engine::emit;
use bpa_engine::interface::{out_bits, Streams};
use bpa_engine::layer::Layer;
use bpa_engine::plan::Plan;
use bpa_engine::run::{model_spec, Arrays, Simulator};
use bpa_engine::vectors::{pack_moving, pack_stationary, unpack_result};
use bpa_sim::{Model, Pin};
use ndarray::Array4;

use crate::common::{
    arrays, cache, exact, exact_and_on_time, example, expected, last_flags, layer, stalled,
    GRAD_INPUT, GRAD_OUTPUT, WEIGHT,
};

/// Enough for a leak of a pixel a frame to fill the line buffer.
const FRAMES: usize = 5;
const SEED: u64 = 7;
/// Probabilities of stalls of input and output: a bit of both, an output that is nearly blocked, an input that starves.
const TRAFFIC: [(f64, f64); 3] = [(0.3, 0.3), (0.0, 0.8), (0.9, 0.0)];

/// The verdict of the ordinary vectors: what is wrong, if anything.
pub fn verdict(plan: &Plan, verilog: &str) -> Option<String> {
    let layer = plan.layer();
    // What is edited need not be tidy.
    let untidy = [
        "WIDTH",
        "UNUSED",
        "UNDRIVEN",
        "CMPCONST",
        "UNSIGNED",
        "CASEINCOMPLETE",
    ];
    let waivers: String = untidy
        .iter()
        .map(|what| format!("/* verilator lint_off {what} */\n"))
        .collect();
    let simulator = Simulator::build(plan, &(waivers + verilog), &cache()).unwrap();
    let arrays = arrays(layer, FRAMES, SEED);
    let expected = expected(layer, &arrays);
    let first = exact_and_on_time(&simulator, plan, &arrays, &expected, SEED).err();
    first.or_else(|| {
        TRAFFIC.iter().find_map(|&(input, output)| {
            exact(
                &simulator,
                plan,
                &arrays,
                &expected,
                &stalled(input, output, SEED),
            )
            .err()
        })
    })
}

/// What is done to the text.
pub enum Edit {
    /// In the module with this name behind the layer's: this text, which is there once, becomes that.
    Text(&'static str, &'static str, &'static str),
    /// Two constants of the shell get one another's values.
    Swap(&'static str, &'static str),
    /// The memory in the module loses so many words.
    Shorten(&'static str, u64),
}

impl Edit {
    pub fn apply(&self, layer: &Layer, verilog: &str) -> String {
        let module = |name: &str| -> Range<usize> {
            let head = format!("module {}{name} (", layer.name());
            let start = verilog.find(&head).unwrap_or_else(|| panic!("no {head}"));
            start..start + verilog[start..].find("endmodule").unwrap()
        };
        let with = |range: Range<usize>, text: &str| {
            verilog[..range.start].to_owned() + text + &verilog[range.end..]
        };
        match self {
            Edit::Text(name, from, to) => {
                let range = module(name);
                let body = &verilog[range.clone()];
                assert_eq!(body.matches(from).count(), 1, "`{from}` in {name}:\n{body}");
                with(range, &body.replace(from, to))
            }
            Edit::Swap(one, other) => {
                let range = module("");
                let shell = &verilog[range.clone()];
                // " = 4'd7;"
                let value = |constant: &str| {
                    let name = format!(" {constant} = ");
                    let start = shell.find(&name).unwrap_or_else(|| panic!("no {constant}"));
                    let end = start + shell[start..].find(';').unwrap();
                    start + name.len()..end
                };
                let (one, other) = (value(one), value(other));
                assert!(one.end < other.start, "in the order of the text");
                let values = [&shell[one.clone()], &shell[other.clone()]];
                assert_ne!(values[0], values[1]);
                let between = &shell[one.end..other.start];
                let (head, tail) = (&shell[..one.start], &shell[other.end..]);
                let swapped = [head, values[1], between, values[0], tail].concat();
                with(range, &swapped)
            }
            Edit::Shorten(name, words) => {
                let range = module(name);
                let body = &verilog[range.clone()];
                let (head, tail) = body.split_once(" words [0:").unwrap();
                let (last, tail) = tail.split_once(']').unwrap();
                let last: u64 = last.parse().unwrap();
                with(range, &format!("{head} words [0:{}]{tail}", last - words))
            }
        }
    }
}

/// The layer of the mutants: strides, dilations, paddings all differ, pixels without a tap before, between and behind
/// the others, several blocks of K and C, an adder tree.
const LAYER: &str = "strided_dilated";

use Edit::{Shorten, Swap, Text};

const MUTANTS: &[(&str, &[Edit])] = &[
    (
        "a sign flipped in the multiplier",
        &[Text(
            "_multiplier",
            "grad_q * weight_q",
            "-(grad_q * weight_q)",
        )],
    ),
    (
        "gradients taken as unsigned",
        &[Text(
            "_multiplier",
            "reg signed [7:0] grad_q",
            "reg [7:0] grad_q",
        )],
    ),
    (
        "a sign flipped in the adder tree",
        &[Text(
            "_lane",
            "{{1{sum1_0_q[16]}}, sum1_0_q} +",
            "{{1{sum1_0_q[16]}}, sum1_0_q} -",
        )],
    ),
    (
        "a sign not extended in the adder tree",
        &[Text(
            "_lane",
            "{{1{product3[15]}}, product3}",
            "{1'd0, product3}",
        )],
    ),
    (
        "a sign not extended on the stream",
        &[Text(
            "_core",
            "{{4{out_data[59]}}, out_data[59:40]}",
            "{4'd0, out_data[59:40]}",
        )],
    ),
    (
        "two lanes' weights swapped",
        &[Text(
            "_lanes",
            "weight1[15:8] = weight[39:32]",
            "weight1[15:8] = weight[31:24]",
        )],
    ),
    (
        "an accumulation that never starts anew",
        &[Text("_accumulator", "{20{~first}}", "{20{1'b1}}")],
    ),
    (
        "an accumulation that always starts anew",
        &[Text("_accumulator", "{20{~first}}", "{20{1'b0}}")],
    ),
    (
        "an accumulation that starts a cycle late",
        &[Text(
            "_core",
            "first_line_d[0] = acc_first;",
            "first_line_d[0] = first_line_q[1];",
        )],
    ),
    (
        "a line buffer with a pixel less",
        &[Shorten("_line_buffer", 2)],
    ),
    (
        "a line buffer with a word less",
        &[Shorten("_line_buffer", 1)],
    ),
    (
        "a weight memory with a word less",
        &[Shorten("_weights", 1)],
    ),
    (
        "an output FIFO of half the size",
        &[Shorten("_result_memory", 16)],
    ),
    (
        "a tap row dropped",
        &[
            Text(
                "_issue",
                "rows_held_d = token_tap_rows;",
                "rows_held_d = 1'd0;",
            ),
            Text(
                "_issue",
                "rows_left_d = token_tap_rows;\n      rows_last_d = ~token_tap_rows;",
                "rows_left_d = 1'd0;\n      rows_last_d = 1'd1;",
            ),
        ],
    ),
    (
        "a tap that never enters",
        &[Text(
            "_walk",
            "tap_rows_d = tap_rows_q + row_taps;",
            "tap_rows_d = tap_rows_q;",
        )],
    ),
    (
        "a loop that ends a turn early",
        &[Text("_walk_rows", "more_d = 2'd0;", "more_d = 2'd3;")],
    ),
    (
        "a loop that is under way for good",
        &[Text(
            "_walk_rows",
            "idle_d = ~idle_q & more_q[1];",
            "idle_d = 1'd0;",
        )],
    ),
    (
        "a program that begins again with its first line",
        &[Text(
            "_walk_rows",
            "place_d = told_start;",
            "place_d = 4'd0;",
        )],
    ),
    (
        "a step that is fetched twice",
        &[Text(
            "_walk_cols",
            "fetch = advance | ~filled_q;",
            "fetch = advance;",
        )],
    ),
    (
        "a column's step where a row begins",
        &[Text(
            "_walk",
            "next_address_added = {1'd0, row_address};",
            "next_address_added = {1'd0, col_address};",
        )],
    ),
    (
        "what a row lets go forgotten",
        &[Text("_walk", "free_d = row_free;", "free_d = 1'd1;")],
    ),
    (
        "an address that does not wrap",
        &[Text(
            "_issue",
            "grad_out = now_grad_q + (cfg_issue_ring & {6{now_grad_q[5]}});",
            "grad_out = now_grad_q;",
        )],
    ),
    (
        "no wait for the data",
        &[Text(
            "_tokens",
            "(weights_ready | ~head_q[15]) & ~credit_q[5];",
            "(weights_ready | ~head_q[15]);",
        )],
    ),
    (
        "no wait for a place in the output FIFO",
        &[Text("_issue", "& ~place_free_d;", "& 1'd0;")],
    ),
    (
        "no wait for space in the line buffer",
        &[Text(
            "_grad",
            "ready_d = some_free | mid_pixel_d;",
            "ready_d = 1'd1;",
        )],
    ),
    (
        "a place given back that was not taken",
        &[Text(
            "_result_results",
            "fetched_d = fetch;",
            "fetched_d = fetch | write;",
        )],
    ),
    (
        "a beat that does not wait",
        &[Text(
            "_result",
            "open = tready | ~out_valid_q;",
            "open = 1'd1;",
        )],
    ),
    (
        "a zero too few",
        &[Text(
            "_result",
            "left_d = left_next;",
            "left_d = left_next - 7'd1;",
        )],
    ),
    (
        "a result in the place of a zero",
        &[Text(
            "_result",
            "turn_moved = left_q == 7'd0;",
            "turn_moved = left_q == 7'd1;",
        )],
    ),
    (
        "zeros that hold the last result's value",
        &[Text(
            "_result",
            "out_data_d = 60'h0;",
            "out_data_d = out_data_q;",
        )],
    ),
    (
        "zeros of empty rows forgotten",
        &[Text("_walk", "skip_d = row_skip;", "skip_d = 6'd2;")],
    ),
    (
        "tlast a beat early",
        &[Text(
            "_result",
            "(tail_due_q & tail_at_last_q)",
            "tail_due_q",
        )],
    ),
    (
        "frame_done with every beat",
        &[Text(
            "_result",
            "done_d = tvalid & tready & out_last_q;",
            "done_d = tvalid & tready;",
        )],
    ),
    (
        "an error where there is none",
        &[Text(
            "_grad",
            "tlast_early = seen & late_tlast_q & ~due & ~overdue_q",
            "tlast_early = seen & late_tlast_q & due",
        )],
    ),
    (
        "a frame that does not end",
        &[Text("_core", "frames_step = 3'd7;", "frames_step = 3'd0;")],
    ),
    (
        "row steps forth and back swapped",
        &[Swap("CFG_GRAD_ROWS", "CFG_GRAD_ROWS_BACK")],
    ),
    (
        "steps of weights swapped",
        &[Swap("CFG_WEIGHT_ROWS", "CFG_WEIGHT_BLOCK")],
    ),
    (
        "a bubble after each pixel",
        &[
            Text(
                "_issue",
                "load = vacant & token_valid;",
                "load = ~active_q & token_valid;",
            ),
            Text(
                "_issue",
                "active_d = token_valid;",
                "active_d = token_valid & ~active_q;",
            ),
        ],
    ),
];

/// The mutants with these indices, and first of all the engine itself.
fn check_text_mutants(part: usize, parts: usize) {
    let layer = example(LAYER);
    let plan = Plan::new(&layer);
    let verilog = emit::verilog(&plan);
    if part == 0 {
        assert_eq!(verdict(&plan, &verilog), None, "the engine itself");
    }
    let mut alive = Vec::new();
    for (what, edits) in MUTANTS.iter().skip(part).step_by(parts) {
        let apply = |verilog: String, edit: &Edit| edit.apply(&layer, &verilog);
        let mutant = edits.iter().fold(verilog.clone(), apply);
        assert_ne!(mutant, verilog, "{what}");
        match verdict(&plan, &mutant) {
            Some(fault) => println!("{what}: {}", fault.replace('\n', " ")),
            None => alive.push(what),
        }
    }
    assert!(alive.is_empty(), "not noticed: {alive:#?}");
}

#[test]
fn every_edit_of_the_text_is_noticed_even() {
    check_text_mutants(0, 2);
}

#[test]
fn every_edit_of_the_text_is_noticed_odd() {
    check_text_mutants(1, 2);
}

/// The core of an engine, compiled once, whose constants can be set.
struct Core {
    plan: Plan,
    model: Model,
    constants: Vec<Constant>,
    arrays: Arrays,
    expected: Array4<i64>,
}

#[derive(Clone, Debug)]
struct Constant {
    pin: String,
    width: usize,
    value: u64,
}

impl Core {
    fn new(layer: &Layer) -> Self {
        let plan = Plan::new(layer);
        let verilog = emit::verilog(&plan);
        let constants = constants(&verilog);
        let mut spec = model_spec(&plan, &verilog);
        spec.top += "_core";
        // The shell is a second top now; nothing is known of its core's constants.
        let shell = verilog.find("endmodule").unwrap() + "endmodule".len();
        spec.verilog = verilog[shell..].to_owned();
        spec.pins_in = constants
            .iter()
            .map(|c| Pin::new(&c.pin, c.width))
            .collect();
        let arrays = arrays(layer, FRAMES, SEED);
        Self {
            model: Model::build(&spec, &cache()).unwrap(),
            constants,
            expected: expected(layer, &arrays),
            arrays,
            plan,
        }
    }

    /// What is wrong if one constant has another value.
    fn verdict(&self, changed: Option<(&str, u64)>) -> Option<String> {
        let all = [(0.0, 0.0)].iter().chain(&TRAFFIC);
        all.clone()
            .find_map(|&stalls| self.verdict_of(changed, stalls).err())
    }

    fn verdict_of(&self, changed: Option<(&str, u64)>, stalls: (f64, f64)) -> Result<(), String> {
        let layer = self.plan.layer();
        let streams = Streams::new(&self.plan);
        let mut instance = self.model.instance(SEED);
        for constant in &self.constants {
            let value = match changed {
                Some((pin, value)) if pin == constant.pin => value,
                _ => constant.value,
            };
            instance.poke(&constant.pin, value).unwrap();
        }
        instance.source(GRAD_OUTPUT).set_stall(stalls.0, 1);
        instance.sink(GRAD_INPUT).set_stall(stalls.1, 2);
        instance.reset(4);

        let weights = pack_stationary(layer, &self.arrays.stationary);
        let flags = last_flags(streams.stationary.beats);
        instance.source(WEIGHT).load(&weights, &flags).unwrap();
        instance.run(2 * streams.stationary.beats + 40, None);
        if instance.source(WEIGHT).accepted() != streams.stationary.beats {
            return Err("weights are stuck".to_owned());
        }
        let flags = last_flags(streams.moving.beats);
        for frame in self.arrays.moving.outer_iter() {
            let beats = pack_moving(layer, frame);
            instance.source(GRAD_OUTPUT).load(&beats, &flags).unwrap();
        }
        let frames = FRAMES as u64;
        let predicted = self.plan.cycles(frames);
        let beats = frames * streams.result.beats;
        let slowdown = 1.0 / ((1.0 - stalls.0) * (1.0 - stalls.1));
        let most = (predicted.total as f64 * 3.0 * slowdown) as u64 + 1000;
        if !instance.run(most, Some(beats)).done {
            return Err("results are stuck".to_owned());
        }
        instance.sink(GRAD_INPUT).set_stall(0.0, 0);
        instance.run(400, None);
        let fault = |what: &str| Err(what.to_owned());
        let sink = instance.sink(GRAD_INPUT);
        if sink.accepted() != beats || sink.violations() > 0 {
            return fault("too many results, or a rule broken");
        }
        let last: Vec<u8> = (0..frames)
            .flat_map(|_| last_flags(streams.result.beats))
            .collect();
        if sink.last() != last {
            return fault("tlast");
        }
        let found = unpack_result(layer, sink.data(), out_bits(&self.plan)).unwrap();
        if found != self.expected {
            return fault("values");
        }
        let end = *sink.last_cycles().last().unwrap();
        let first = instance.source(GRAD_OUTPUT).first_cycle().unwrap();
        if stalls == (0.0, 0.0) && end - first + 1 != predicted.total {
            return fault("cycles");
        }
        let watched = |pin: &str| instance.watched(pin).unwrap().cycles;
        if watched("error") > 0
            || watched("frame_done") != frames
            || instance.peek("busy").unwrap() != 0
        {
            return fault("status");
        }
        if instance.source(GRAD_OUTPUT).accepted() != frames * streams.moving.beats {
            return fault("input is stuck");
        }
        Ok(())
    }
}

/// The constants of the shell, by the core's inputs.
fn constants(verilog: &str) -> Vec<Constant> {
    let shell = &verilog[..verilog.find("endmodule").unwrap()];
    let constants = shell.lines().filter_map(|line| {
        let (declared, value) = line.trim().strip_prefix("localparam ")?.split_once(" = ")?;
        let name = declared.split_whitespace().last()?;
        let (width, value) = value.split_once(';')?.0.split_once('\'')?;
        let radix = match &value[..1] {
            "d" => 10,
            _ => 16,
        };
        Some(Constant {
            pin: name.to_lowercase(),
            width: width.parse().unwrap(),
            value: u64::from_str_radix(&value[1..], radix).unwrap(),
        })
    });
    constants.collect()
}

/// Other values near by and far away.
fn wrong_values(constant: &Constant) -> Vec<u64> {
    let mask = u64::MAX >> (64 - constant.width);
    let value = constant.value;
    let mut values = vec![
        value.wrapping_add(1) & mask,
        value.wrapping_sub(1) & mask,
        value ^ (1 << (constant.width - 1)),
    ];
    values.sort_unstable();
    values.dedup();
    values
}

/// Kernels of many taps, which enter and leave one after the other on both axes and in each phase.
fn many_taps() -> Layer {
    layer(
        "name = \"many_taps\"
        [layer]
        in_channels = 4
        out_channels = 3
        in_size = [24, 30]
        kernel = [5, 7]
        stride = [2, 3]
        dilation = [3, 2]
        padding = [0, 1, 1, 0]
        [engine]
        pe = 2",
    )
}

/// Some constants have a neighbour that means the same. But each kind matters to one of these layers, and nearly every
/// wrong value is noticed. The programs of the walk are no such constants: those of a programmable engine are changed in
/// `programmable::a_wrong_step_is_noticed`.
#[test]
fn wrong_constants_are_noticed() {
    let mut noticed: BTreeMap<String, u32> = BTreeMap::new();
    let (mut all, mut alive) = (0, Vec::new());
    for layer in [
        example(LAYER),
        many_taps(),
        example("grouped"),
        example("depthwise"),
    ] {
        let core = Core::new(&layer);
        assert_eq!(core.verdict(None), None, "the right constants");
        for constant in &core.constants {
            let (pin, right) = (&constant.pin, constant.value);
            let count = noticed.entry(pin.clone()).or_default();
            for value in wrong_values(constant) {
                all += 1;
                match core.verdict(Some((pin, value))) {
                    Some(_) => *count += 1,
                    None => alive.push(format!("{}: {pin} {value} for {right}", layer.name())),
                }
            }
        }
    }
    println!("{} of {all} not noticed: {alive:#?}", alive.len());
    let never: Vec<_> = noticed.iter().filter(|(_, &count)| count == 0).collect();
    assert!(never.is_empty(), "never noticed: {never:?}");
    assert!(
        all > 200 && 10 * alive.len() < all,
        "{} of {all} not noticed",
        alive.len()
    );
}
