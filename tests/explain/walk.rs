//! The walk is the one of the emitted Verilog.

use bpa_engine::emit;
use bpa_engine::explain::walk;
use bpa_engine::plan::Plan;

use crate::layers::{example, layer_of};

/// What the Verilog says of its programs' lines is what the walk says, line by line.
#[test]
fn lines_are_told_as_in_the_verilog() {
    for name in ["strided", "dilated", "strided_dilated", "transposed"] {
        let layer = example(name);
        let verilog = emit::verilog(&Plan::new(&layer));
        let told: Vec<&str> = verilog
            .lines()
            .filter_map(|line| line.split_once("};  // "))
            .map(|(_, comment)| comment)
            .collect();
        let walk = walk(&layer);
        let is_row = |line: &&str| {
            line.trim_start()
                .starts_with(|it: char| it.is_ascii_digit())
        };
        let lines: Vec<&str> = walk.lines().filter(is_row).collect();
        assert_eq!(lines.len(), told.len(), "{walk}");
        for comment in told {
            assert!(
                lines.iter().any(|line| line.contains(comment)),
                "{comment}: {walk}"
            );
        }
    }
}

#[test]
fn a_walk_that_reaches_nothing_says_so() {
    let layer = layer_of([3, 1, 7, 1, 4, 4], [3, 1, 1, 1, 0, 0]).unwrap();
    assert!(walk(&layer).contains("No tap reaches any pixel"));
}

#[test]
fn extremes_are_walked() {
    for (rows, cols) in [
        ([1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 0, 0]),
        ([1, 1, 4095, 4095, 4095, 4095], [65_535, 1, 1, 1, 0, 0]),
        (
            [32_000, 4095, 4095, 7, 4095, 4095],
            [32_000, 4095, 4094, 1, 0, 0],
        ),
    ] {
        assert!(walk(&layer_of(rows, cols).unwrap()).contains("Program of the columns"));
    }
}
