//! Layers measured: each is run in Verilator, checked against the reference, and set beside the bound, zero insertion
//! and the cost model.

mod chart;
mod measure;
mod on_engine;
mod table;

pub use chart::chart;
pub use measure::{expected_cycles, measure, Options};
pub use on_engine::{Counted, EngineBench, EngineError, EngineRow};
pub use table::{engine_table, tables, Style};

use serde::Serialize;

use crate::report::Figures;

/// The layers of the project's own figures.
pub const LAYERS: &str = include_str!("../examples/benchmark_layers.toml");

/// What was measured on one layer; as JSON, with these names.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The layer's name.
    pub name: String,
    /// SIMD lanes.
    pub simd: u32,
    /// PE lanes.
    pub pe: u32,
    /// Lanes over pixels.
    pub pixels: u32,
    /// What was measured of it.
    #[serde(flatten)]
    pub figures: Figures,
    /// Cycles of a frame in steady state for one of the bound.
    pub ratio: f64,
    /// What the first frame may take ([`first_frame_limit`](crate::first_frame::first_frame_limit)).
    pub first_frame_limit: u64,
    /// Whether the cost model predicted every count of cycles.
    pub model_agrees: bool,
    /// FINN's formula, where it has one.
    pub finn_cycles: Option<u64>,
    /// `None` where there is no zero to insert, or it was not asked for.
    pub zero_insertion_measured: Option<ZeroInsertion>,
    /// Cycles of zero insertion, by its formula, for one that was measured.
    pub speed_up: f64,
    /// Words of the line buffer, each of what moves in a beat.
    pub line_buffer_words: u64,
    /// Results that the output FIFO holds.
    pub output_fifo_results: u64,
    /// Time for Verilator and the C++ compiler; `None` if the model was in the cache.
    pub compile_seconds: Option<f64>,
    /// Time for the rest: random arrays, the simulation, and the reference beside it.
    pub check_seconds: f64,
    /// The part of it that the model's own evaluation took.
    pub eval_share: f64,
}

/// The layer's gradient on the same core as a layer of stride 1 with inserted zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ZeroInsertion {
    /// Cycles of a frame in steady state, with zeros around the gradient as well.
    pub cycles: u64,
    /// The same where taps beyond the borders are skipped.
    pub cycles_borders_skipped: u64,
    /// Elements, of both runs, that are not those of the layer's own gradient.
    pub mismatches: u64,
}

impl Row {
    /// Cycles of a frame in steady state.
    pub fn steady(&self) -> u64 {
        let steady = self.figures.cycles_per_frame_steady;
        steady.expect("a row is made of three frames at least")
    }

    /// The most that a frame in steady state should take: the bound, and half a percent and 4 cycles on top.
    pub fn steady_limit(&self) -> u64 {
        let bound = self.figures.bound_cycles;
        bound + bound / 200 + 4
    }

    /// Everything that is not as it should be, for people.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |holds: bool, fault: String| {
            if !holds {
                faults.push(fault);
            }
        };
        let wrong = self.figures.mismatches.unwrap_or(0);
        check(wrong == 0, format!("{wrong} values are wrong"));
        let (steady, limit) = (self.steady(), self.steady_limit());
        check(
            steady <= limit,
            format!("a frame takes {steady} cycles, and {limit} are allowed"),
        );
        let (first, limit) = (self.figures.cycles_first_frame, self.first_frame_limit);
        check(
            first <= limit,
            format!("the first frame takes {first} cycles, and {limit} are allowed"),
        );
        check(
            self.model_agrees,
            "the cost model predicts other cycles".to_owned(),
        );
        let wrong = self.zero_insertion_measured.map_or(0, |run| run.mismatches);
        check(
            wrong == 0,
            format!("{wrong} values differ between zero insertion and this engine"),
        );
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faultless() -> Row {
        Row {
            name: "layer".to_owned(),
            simd: 1,
            pe: 1,
            pixels: 1,
            figures: Figures {
                frames: 3,
                saturations: None,
                mismatches: Some(0),
                cycles_total: 3100,
                cycles_first_frame: 1100,
                cycles_per_frame_steady: Some(1009),
                bound_cycles: 1000,
                useful_macs: 1000,
                zero_insertion_cycles: 4000,
                line_buffer_pixels: 3,
                live_span_pixels: 1,
                events: None,
                area: None,
            },
            ratio: 1.009,
            first_frame_limit: 1100,
            model_agrees: true,
            finn_cycles: Some(4000),
            zero_insertion_measured: Some(ZeroInsertion {
                cycles: 4000,
                cycles_borders_skipped: 3900,
                mismatches: 0,
            }),
            speed_up: 3.96,
            line_buffer_words: 3,
            output_fifo_results: 16,
            compile_seconds: None,
            check_seconds: 1.0,
            eval_share: 0.9,
        }
    }

    #[test]
    fn each_limit_is_kept_or_told() {
        assert_eq!(faultless().faults(), [""; 0]);
        let fault = |spoil: fn(&mut Row)| {
            let mut row = faultless();
            spoil(&mut row);
            row.faults().join("; ")
        };
        let wrong = fault(|row| row.figures.mismatches = Some(2));
        assert_eq!(wrong, "2 values are wrong");
        let slow = fault(|row| row.figures.cycles_per_frame_steady = Some(1010));
        assert_eq!(slow, "a frame takes 1010 cycles, and 1009 are allowed");
        let late = fault(|row| row.figures.cycles_first_frame = 1101);
        assert_eq!(
            late,
            "the first frame takes 1101 cycles, and 1100 are allowed"
        );
        let model = fault(|row| row.model_agrees = false);
        assert_eq!(model, "the cost model predicts other cycles");
        let zeros = fault(|row| {
            if let Some(run) = &mut row.zero_insertion_measured {
                run.mismatches = 1;
            }
        });
        assert_eq!(
            zeros,
            "1 values differ between zero insertion and this engine"
        );
    }

    #[test]
    fn a_fault_is_plain_in_the_tables_and_one_row_makes_a_chart() {
        let mut row = faultless();
        row.model_agrees = false;
        let text = tables(&[row.clone()], Style::Terminal);
        assert_eq!(text.matches("NO").count(), 1, "{text}");
        assert!(chart(&[row]).contains("1,009 (1.01)"));
    }
}
