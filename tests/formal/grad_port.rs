//! Promise: a pixel in the line buffer is never written over before it is let go of, a beat goes where it belongs, and is
//! taken whenever there is space for it.

use bpa_hdl::config::capacity::Capacity;
use bpa_hdl::config::descriptor::Kept;
use bpa_hdl::config::inputs::Config;
use bpa_hdl::config::limits::{AxisLimits, Limits};
use bpa_hdl::primitives::target::Target;
use bpa_hdl::streams::grad_port::grad_port;
use bpa_hdl::walk::TokenWidths;

use crate::prover::{plan, tied, Broken, Design, Proof};

const PROMISE: &str = "nothing alive written over; each beat in its place, or dropped";

const FIXED: &[Broken] = &[
    (
        "a beat taken without space",
        "ready_q <= ready_d;",
        "ready_q <= 1'd1;",
    ),
    (
        "a place passed over",
        "place_q <= place_d;",
        "place_q <= (place_q == 2 & stored_q) ? place_d + 1'd1 : place_d;",
    ),
    (
        "a pixel that arrives with its first word",
        "stored_q <= stored_d;",
        "stored_q <= store;",
    ),
];

const DROPS: &[Broken] = &[
    (
        "a column too many stored",
        "inside_row_q <= inside_row_d;",
        "inside_row_q <= inside_row_d | inside_row_q;",
    ),
    (
        "space taken by what is dropped",
        "fills = pixel_end &",
        "fills = pixel_end | ",
    ),
];

const TOLD: &[Broken] = &[
    (
        "a frame too few",
        "all_taken_q <= all_taken_d;",
        "all_taken_q <= all_taken_d | (accept & due & (frames_left_q == 2'd1));",
    ),
    (
        "a word taken without space",
        "ready_q <= ready_d;",
        "ready_q <= ~all_taken_q;",
    ),
];

/// The port of an engine for a layer.
fn fixed(name: &str, block: &str, geometry: &str, broken: &[Broken]) {
    let plan = plan(&format!("name = \"{name}\"\n[layer]\n{geometry}"));
    let d = plan.descriptor();
    let capacity = Capacity::exactly(d);
    let t = TokenWidths::of(&capacity);
    let mut config = Config::default();
    let module = grad_port(name, &capacity, &t, 2, Target::Generic, &mut config);
    let Kept { size, first, last } = d.kept_rows;
    let mut defines = vec![
        ("WORDS", d.pixel_words().to_string()),
        ("PIXELS", d.line_pixels().to_string()),
        ("ROWS", size.to_string()),
        ("ROW0", first.to_string()),
        ("ROW1", last.to_string()),
    ];
    let Kept { size, first, last } = d.kept_cols;
    defines.extend([
        ("COLS", size.to_string()),
        ("COL0", first.to_string()),
        ("COL1", last.to_string()),
    ]);
    if d.drops() {
        defines.push(("DROPS", String::new()));
    }
    Proof {
        block,
        promise: PROMISE,
        design: &Design::from(&module),
        constants: tied(config, d),
        given: &[],
        rules: "`include \"grad_port.sv\"",
        defines,
        broken,
    }
    .check();
}

#[test]
fn all_stored() {
    let geometry = "in_channels = 1\nout_channels = 2\nin_size = [3, 3]\nkernel = 2";
    fixed("grad", "grad port, two words a pixel", geometry, FIXED);
}

#[test]
fn uneven_words() {
    let geometry = "in_channels = 2\nout_channels = 3\nin_size = [3, 4]\nkernel = 2\nstride = 2";
    fixed(
        "grad_uneven",
        "grad port, three words a pixel",
        geometry,
        &[],
    );
}

#[test]
fn with_drops() {
    let geometry = "in_channels = 1\nout_channels = 2\nin_size = [2, 2]\nkernel = [1, 2]\nstride = [2, 1]\npadding = 1";
    fixed("grad_drops", "grad port, pixels dropped", geometry, DROPS);
}

#[test]
fn of_jobs() {
    let axis = AxisLimits {
        size: 2,
        kernel: 2,
        steps: 8,
    };
    let limits = Limits {
        axes: [axis; 2],
        weight_words: 4,
        line_words: 5,
        fifo_results: 4,
        zero_run: 3,
        scale_words: 0,
        pixels: None,
        bus_bits: None,
    };
    let capacity = Capacity {
        frames: Some(4),
        ..Capacity::within(&limits)
    };
    let t = TokenWidths::of(&capacity);
    let module = grad_port(
        "grad_told",
        &capacity,
        &t,
        2,
        Target::Generic,
        &mut Config::default(),
    );
    Proof {
        block: "grad port, of jobs",
        promise: PROMISE,
        design: &Design::from(&module),
        constants: vec![],
        given: &[],
        rules: "`include \"grad_port_told.sv\"",
        defines: vec![("RING", capacity.line_words.to_string())],
        broken: TOLD,
    }
    .check();
}
