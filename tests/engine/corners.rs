//! Promise: an engine in which some count is one is exact and on time as any other: blocks of K or C, groups, taps, rows,
//! columns, pixels, phases, or all of them at once. There a net may come to have no bits, and a choice to have one side.
//!
//! That such engines can be emitted at all, of every kind, is for `tests/any_input`; here some are run.

use bpa_engine::layer::Layer;
use bpa_engine::plan::Plan;

use crate::common::{arrays, exact, exact_and_on_time, expected, layer, simulator, stalled};
use crate::three_tools::clean_for_three_tools;

/// The keys of `[layer]` and `[engine]`.
const CORNERS: [(&str, &str, &str); 10] = [
    // All counts.
    (
        "one",
        "in_channels = 1\nout_channels = 1\nin_size = 1\nkernel = 1",
        "",
    ),
    // A block of K is a weight's whole address: the smallest of a kind,
    (
        "blocks_of_k",
        "in_channels = 1\nout_channels = 2\nin_size = 4\nkernel = 1",
        "",
    ),
    // a projection of MobileNet,
    (
        "projection",
        "in_channels = 8\nout_channels = 64\nin_size = 5\nkernel = 1",
        "simd = 8\npe = 8",
    ),
    // one for each group of a single block of them, on packed multipliers, with the gradient of another path,
    (
        "multiplier",
        "in_channels = 3\nout_channels = 12\ngroups = 3\nin_size = [1, 4]\nkernel = 1\nstride = [1, 2]",
        "pe = 3\naccumulate = true",
    ),
    (
        "packed_words",
        "in_channels = 2\nout_channels = 4\nin_size = [4, 1]\nkernel = 1",
        "pe = 2\npacked_multipliers = true\nmask = true",
    ),
    // and in a memory of two sets.
    (
        "two_sets",
        "in_channels = 2\nout_channels = 8\nin_size = 2\nkernel = 1",
        "simd = 2\npe = 2\nweight_sets = 2",
    ),
    // One set of two is one word, and there is one beat of scales.
    (
        "one_word",
        "in_channels = 2\nout_channels = 2\nin_size = 2\nkernel = 1",
        "simd = 2\npe = 2\nweight_sets = 2\nout_type = \"int2\"\nscale_per = \"channel\"\nscale_bits = 2\nshift = 0",
    ),
    // A pixel closed, and the rests of a row and of the frame, would together be more than the line buffer holds.
    (
        "many_at_once",
        "in_channels = 1\nout_channels = 2\nin_size = [3, 7]\nkernel = [2, 4]\nstride = 2\npadding = [0, 1, 2, 3]",
        "",
    ),
    // Nothing but pixels that no tap reaches.
    (
        "no_tap",
        "in_channels = 1\nout_channels = 1\nin_size = 1\nkernel = 1\nstride = 2\npadding = [1, 0, 1, 0]",
        "",
    ),
    // Likewise, with several blocks of K, of which none is needed.
    (
        "no_tap_blocks",
        "in_channels = 1\nout_channels = 4\nin_size = 1\nkernel = 1\nstride = [1, 63]\npadding = [0, 0, 1, 0]\nout_size = 1",
        "",
    ),
];

fn corners() -> impl Iterator<Item = Layer> {
    CORNERS.iter().map(|(name, geometry, engine)| {
        layer(&format!(
            "name = \"{name}\"\n[layer]\n{geometry}\n[engine]\n{engine}"
        ))
    })
}

#[test]
fn corners_are_exact_and_on_time() {
    for layer in corners() {
        let plan = Plan::new(&layer);
        let simulator = simulator(&plan);
        let arrays = arrays(&layer, 4, 1);
        let expected = expected(&layer, &arrays);
        let told = |fault: String| panic!("{}: {fault}", layer.name());
        exact_and_on_time(&simulator, &plan, &arrays, &expected, 1).unwrap_or_else(told);
        for (input, output) in [(0.6, 0.0), (0.0, 0.6), (0.3, 0.3)] {
            let traffic = stalled(input, output, 2);
            exact(&simulator, &plan, &arrays, &expected, &traffic).unwrap_or_else(told);
        }
    }
}

#[test]
fn corners_are_clean() {
    for layer in corners() {
        let verilog = bpa_engine::emit::verilog(&Plan::new(&layer));
        clean_for_three_tools(layer.name(), &verilog);
    }
}
