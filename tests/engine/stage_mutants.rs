//! Promise: the vectors notice stages behind the accumulators that are a little wrong. A pin chooses the mutant, so that
//! one model serves all: each edit stands beside what it replaces.

use std::fmt::Write as _;
use std::panic::{catch_unwind, AssertUnwindSafe};

use bpa_engine::layer::Layer;

use crate::common::Rig;
use crate::output_stages::{everything, everything_quantised, Bench};

/// In the module with this name behind the layer's and behind `_`, or the layer's own: in the text, which is there once, the expression
/// between `<` and `>` becomes the other one.
pub type Edit = (&'static str, &'static str, &'static str);

const STAGES: &[(&str, &[Edit])] = &[
    (
        "a result added without its sign",
        &[(
            "stages_accumulate",
            "<{{6{result[17]}}, result}> +",
            "{6'd0, result}",
        )],
    ),
    (
        "a value subtracted",
        &[(
            "stages_accumulate",
            "<{{1{value[22]}}, value}>;",
            "~{{1{value[22]}}, value}",
        )],
    ),
    (
        "the mask inverted",
        &[("stages_mask", "if (<~keep>)", "keep")],
    ),
    (
        "the mask a beat late",
        &[("stages", "keep_d = <mask>;", "keep_q")],
    ),
    (
        "one lane's mask for another",
        &[("stages", "(<keep_q[1]>)", "keep_q[0]")],
    ),
    (
        "a stream ready without room",
        &[("stages_accumulate_in", "ready_d = <~tail_valid_d>;", "1'd1")],
    ),
    (
        "a beat in reserve forgotten",
        &[(
            "stages_mask_in",
            "head_valid_d = <tail_valid_q | accept>;",
            "accept",
        )],
    ),
    (
        "an early tlast taken as right",
        &[(
            "stages_mask_in",
            "tlast_early = <tlast_came_q & ~tlast_was_due_q & ~overdue_q>;",
            "1'd0",
        )],
    ),
    (
        "a late tlast taken as early",
        &[(
            "stages_accumulate_in",
            "tlast_late = <tlast_came_q & ~tlast_was_due_q & overdue_q>;",
            "1'd0",
        )],
    ),
    (
        "a result that does not wait for its mask",
        &[(
            "stages",
            "ready_d = <has_place & accumulate_next & mask_next>;",
            "has_place & accumulate_next",
        )],
    ),
    (
        "a start without a place in the queue",
        &[("stages", "has_place = <place_free_d>;", "1'd1")],
    ),
    (
        "a pause after each start",
        &[(
            "stages",
            "has_place = <place_free_d>;",
            "place_free_d & ~start",
        )],
    ),
    (
        "scales written while a frame needs them",
        &[("weight", "if (<scales_next_d & ~scales_free>)", "1'd0")],
    ),
    (
        "the scales of the multipliers' set",
        &[(
            "stages_scales",
            "read_address[0] = <reading_q>;",
            "weight_set",
        )],
    ),
    (
        "scales that change in mid frame",
        &[(
            "stages_scales",
            "else if (<(frames0_d == 5'd0) & (frames1_q != 5'd0)>)",
            "frames1_q != 5'd0",
        )],
    ),
    (
        "frames that are not counted",
        &[("stages_scales", "up[1] = <entered_q & weight_set>;", "1'd0")],
    ),
    (
        "scales of the wrong block",
        &[("stages_scales", "index_d = <2'd0>;", "2'd1")],
    ),
    (
        "one lane's scale for another",
        &[("stages", "(<scale[21:11]>)", "scale[10:0]")],
    ),
    (
        "a carry between pieces lost",
        &[(
            "stages_multiply",
            "part1 + <{{6{part0[28]}}, part0[28:17]}>;",
            "18'd0",
        )],
    ),
    (
        "a piece taken as signed",
        &[(
            "stages_multiply",
            "(<{1'd0, value[16:0]}>)",
            "{value[16], value[16:0]}",
        )],
    ),
    (
        "draws in every cycle",
        &[("stages_draws", "if (<step>)", "1'd1")],
    ),
    (
        "another generator",
        &[(
            "stages_draws",
            "right[14:0] = <left[14:0] ^ left[31:17]>;",
            "left[14:0]",
        )],
    ),
    (
        "lanes that draw alike",
        &[("stages_draws", "mixed = <seed ^ key>;", "seed")],
    ),
    ("no draw", &[("stages_round", "addend = <draw>;", "12'd0")]),
    (
        "saturation at the wrong end",
        &[(
            "stages_saturate",
            "narrow_d[5] = <negative_q>;",
            "~negative_q",
        )],
    ),
    (
        "negative values counted",
        &[(
            "stages_saturate",
            "misfit_d = <some_set_q & some_clear_q>;",
            "some_set_q",
        )],
    ),
    (
        "empty beats counted",
        &[(
            "stages_count",
            "seen_d = <saturated & {2{valid}}>;",
            "saturated",
        )],
    ),
    (
        "a place given back twice",
        &[("stages_queue", "gave_d = <read>;", "read | write")],
    ),
    (
        "a beat that does not wait",
        &[("stages_queue", "open = <tready | ~out_valid_q>;", "1'd1")],
    ),
    (
        "frame_done with every beat",
        &[(
            "stages_queue",
            "done_d = <out_valid_q & tready & out_last_q>;",
            "out_valid_q & tready",
        )],
    ),
    (
        "tlast a beat late",
        &[("stages", "(<last_line_q[8]>)", "last_line_q[7]")],
    ),
];

const NEAREST: &[(&str, &[Edit])] = &[
    (
        "halves go up",
        &[
            ("stages_round", "addend[1:0] = <{2{~product[3]}}>;", "2'd0"),
            ("stages_round", "addend[2] = <product[3]>;", "1'd1"),
        ],
    ),
    (
        "halves go down",
        &[
            ("stages_round", "addend[1:0] = <{2{~product[3]}}>;", "2'd3"),
            ("stages_round", "addend[2] = <product[3]>;", "1'd0"),
        ],
    ),
    (
        "scales written while a frame needs them",
        &[("weight", "if (<scales_next_d & ~scales_free>)", "1'd0")],
    ),
];

const QUANTISED: &[(&str, &[Edit])] = &[
    (
        "a value without its sign",
        &[(
            "zero_point",
            "differences[8:0] = <{{1{values[7]}}, values[7:0]} - {{1{cfg_zero_point[7]}}, cfg_zero_point}>;",
            "{1'd0, values[7:0]} - {cfg_zero_point[7], cfg_zero_point}",
        )],
    ),
    (
        "a zero point added",
        &[(
            "zero_point",
            "differences[8:0] = <{{1{values[7]}}, values[7:0]} - {{1{cfg_zero_point[7]}}, cfg_zero_point}>;",
            "{values[7], values[7:0]} + {cfg_zero_point[7], cfg_zero_point}",
        )],
    ),
    (
        "one value's zero point forgotten",
        &[(
            "zero_point",
            "values[15:8]} - <{{1{cfg_zero_point[7]}}, cfg_zero_point}>;",
            "9'd0",
        )],
    ),
    (
        "a bias without its sign",
        &[("stages_bias", "<{{4{bias[19]}}, bias}>;", "{4'd0, bias}")],
    ),
    (
        "one lane's bias for another",
        &[("stages", "(<channel_word[39:20]>)", "channel_word[19:0]")],
    ),
    (
        "biases a beat late",
        &[(
            "stages",
            ".passes                 (<start>)",
            "valid_line_q[0]",
        )],
    ),
    (
        "scales a beat early",
        &[("stages", "scale_late2_d = <scale_late1_q>;", "scale")],
    ),
    (
        "scales and biases free while the last frame is on its way",
        &[("stages", "frame_passes = <start & result_last>;", "start")],
    ),
    (
        "the mask a cycle early",
        &[("stages", "keep_late1_d = <keep_q>;", "mask")],
    ),
    (
        "biases of the multipliers' set",
        &[(
            "stages_scales",
            "read_address[0] = <reading_q>;",
            "weight_set",
        )],
    ),
    (
        "a result's zero point without its sign",
        &[(
            "stages_clamp",
            "+ <{{2{zero_point[5]}}, zero_point}>;",
            "{2'd0, zero_point}",
        )],
    ),
    (
        "no zero point",
        &[(
            "stages_clamp",
            "+ <{{2{zero_point[5]}}, zero_point}>;",
            "8'd0",
        )],
    ),
    (
        "the bounds compared without their signs",
        &[
            ("stages_clamp", "sum_order = <sum_q ^ 8'd128>;", "sum_q"),
            (
                "stages_clamp",
                "least_order = <{{2{least[5]}}, least} ^ 8'd128>;",
                "{{2{least[5]}}, least}",
            ),
        ],
    ),
    (
        "values above the least bound taken as below",
        &[(
            "stages_clamp",
            "below_d = ~(<sum_order >= least_order>);",
            "sum_order >= least_order + 8'd2",
        )],
    ),
    (
        "values above the greatest bound",
        &[(
            "stages_clamp",
            "above_d = ~(<greatest_order >= sum_order>);",
            "greatest_order + 8'd1 >= sum_order",
        )],
    ),
    (
        "the bounds exchanged",
        &[
            ("stages_clamp", "chosen_d = <least>;", "greatest"),
            ("stages_clamp", "chosen_d = <greatest>;", "least"),
        ],
    ),
    (
        "bounded values counted",
        &[(
            "stages_clamp",
            "counted_d = <misfit_q>;",
            "misfit_q | below_q | above_q",
        )],
    ),
    (
        "values that were cut before not counted",
        &[("stages_clamp", "misfit_d = <was_cut_q> |", "1'd0")],
    ),
    (
        "values cut by the zero point not counted",
        &[("stages_clamp", "<|signs & ~(signs == 3'd7)>);", "1'd0")],
    ),
    (
        "a result a beat late",
        &[("stages_clamp", "late_d = <sum_q[5:0]>;", "late_q")],
    ),
];

/// A place in the text, and what stands there for the mutants of these numbers.
struct Choice<'a> {
    module: &'a str,
    text: &'a str,
    others: Vec<(usize, &'a str)>,
}

/// The Verilog of the engine `name` with all mutants in it; where the net `choice` is 0 it is the engine itself.
pub fn mutated(
    name: &str,
    choice: &str,
    mut verilog: String,
    mutants: &[(&str, &[Edit])],
) -> String {
    let mut edits: Vec<Choice> = Vec::new();
    for (index, (_, of_mutant)) in mutants.iter().enumerate() {
        for (module, text, other) in *of_mutant {
            // Several mutants may replace the same expression.
            match edits
                .iter_mut()
                .find(|edit| (edit.module, edit.text) == (*module, *text))
            {
                Some(edit) => edit.others.push((index + 1, other)),
                None => edits.push(Choice {
                    module,
                    text,
                    others: vec![(index + 1, other)],
                }),
            }
        }
    }
    for Choice {
        module,
        text,
        others,
    } in edits
    {
        let head = match module {
            "" => format!("module {name} ("),
            _ => format!("module {name}_{module} ("),
        };
        let start = verilog.find(&head).unwrap_or_else(|| panic!("no {head}"));
        let end = start + verilog[start..].find("endmodule").unwrap();
        let (before, rest) = text.split_once('<').unwrap();
        let (expression, after) = rest.rsplit_once('>').unwrap();
        let mut chosen = format!("({expression})");
        for (number, other) in others {
            chosen = format!("({choice} == {number} ? ({other}) : {chosen})");
        }
        let original = format!("{before}{expression}{after}");
        let body = &verilog[start..end];
        assert_eq!(
            body.matches(&original).count(),
            1,
            "`{original}` in {module}:\n{body}"
        );
        let body = body.replace(&original, &format!("{before}{chosen}{after}"));
        verilog.replace_range(start..end, &body);
    }
    let mut waivers = String::new();
    // What is edited need not be tidy.
    for what in ["WIDTH", "UNUSED", "UNOPTFLAT"] {
        let _ = writeln!(waivers, "/* verilator lint_off {what} */");
    }
    waivers + &verilog
}

fn check(layer: &Layer, mutants: &[(&str, &[Edit])], check: impl Fn(&Bench)) {
    let rig = Rig::with_mutants(layer, |verilog| {
        mutated(layer.name(), "showcase.mutant", verilog, mutants)
    });
    let mut bench = Bench::of(rig);
    check(&bench);
    let mut alive = Vec::new();
    for (index, (what, _)) in mutants.iter().enumerate() {
        bench.mutant = Some(index as u64 + 1);
        let verdict = catch_unwind(AssertUnwindSafe(|| check(&bench)));
        if verdict.is_ok() {
            alive.push(what);
        }
    }
    assert!(alive.is_empty(), "not noticed: {alive:#?}");
}

#[test]
fn every_edit_of_the_stages_is_noticed() {
    check(&everything(2, "stochastic"), STAGES, Bench::check_all);
}

#[test]
fn every_edit_of_zero_points_biases_and_bounds_is_noticed() {
    check(&everything_quantised(2), QUANTISED, Bench::check_all);
}

#[test]
fn every_edit_of_other_rounding_is_noticed() {
    check(&everything(1, "nearest_even"), NEAREST, |bench| {
        bench.check_stalls(12);
        bench.check_sets(80);
    });
}
