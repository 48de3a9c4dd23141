//! Promise: no accumulation starts without a place in the output FIFO, whatever tokens come, so that it never overflows;
//! and pixels are let go with their last read, not before.

use bpa_hdl::config::capacity::Capacity;
use bpa_hdl::config::inputs::Config;
use bpa_hdl::issue::issue_loop;
use bpa_hdl::primitives::target::Target;
use bpa_hdl::walk::TokenWidths;

use crate::prover::{plan, tied, Broken, Design, Proof};

/// Results that the FIFO holds.
const PLACES: u64 = 4;
/// With a token and a place there is a result after fewer cycles than these.
const SOON: u64 = 14;

const BROKEN: &[Broken] = &[
    (
        "a start without a place",
        "blocked_q <= blocked_d;",
        "blocked_q <= 1'd0;",
    ),
    (
        "a place counted twice",
        "places_q <= places_d;",
        "places_q <= (start & taken) ? places_q + 1'd1 : places_d;",
    ),
    (
        "pixels let go with the last but one",
        "out_free_q <= out_free_d;",
        "out_free_q <= advance ? next_free_q : out_free_d;",
    ),
];

#[test]
fn of_a_fixed_engine() {
    let plan = plan(
        "name = \"issue\"
        [layer]
        in_channels = 2
        out_channels = 1
        in_size = [2, 3]
        kernel = 2",
    );
    let d = plan.descriptor();
    let capacity = Capacity {
        fifo_results: PLACES,
        ..Capacity::exactly(d)
    };
    let t = TokenWidths::of(&capacity);
    let mut config = Config::default();
    let module = issue_loop("issue", &capacity, &t, 3, Target::Generic, &mut config);
    let fields = t.fields();
    let before = fields.iter().take_while(|(name, _)| *name != "free");
    let free_low: usize = before.map(|(_, width)| width).sum();
    Proof {
        block: "issue loop",
        promise: "no start without a place; pixels let go with their last read",
        design: &Design::from(&module),
        constants: tied(config, d),
        given: &[],
        rules: "`include \"issue_loop.sv\"",
        defines: vec![
            ("PLACES", PLACES.to_string()),
            ("BLOCKS", (d.c_blocks * d.group_blocks).to_string()),
            ("FREE_LOW", free_low.to_string()),
            ("SOON", SOON.to_string()),
        ],
        broken: BROKEN,
    }
    .check();
}
