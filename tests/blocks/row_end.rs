//! Promise: in the last beats of a row, one for each block of channels, the lanes beyond its end are zero, in the cycle of the
//! beat; every other lane is as it came, whatever moves when.

use bpa_hdl::config::inputs::Config;
use bpa_hdl::config::pixels::RowOrder;
use bpa_hdl::pixels::inside_row;
use bpa_hdl::rtl::Module;

use crate::must;
use crate::rig::{mutant, Block, Mutant, Run, Verdict};

const LANES: u64 = 4;
/// Of a lane.
const BITS: usize = 8;
const BEATS: u64 = 200;

/// Columns of a row, and its blocks of channels: rows of several beats, of one, and of whole beats.
const ROWS: [(u64, u64); 4] = [(18, 3), (7, 1), (3, 2), (8, 2)];

const MUTANTS: &[Mutant] = &[
    mutant(
        "zeros in the first block alone",
        "masked[31:16] = 16'd0;",
        "16'd0",
        "block_q == 2'd0 ? 16'd0 : beat[31:16]",
    ),
    mutant(
        "a row that is a beat too short",
        "column_at_last_d = (column_q == (column_last - 3'd1)) | (column_last == 3'd0);",
        "3'd1",
        "3'd2",
    ),
    mutant(
        "beats that count whether they move or not",
        "if (moves) begin\n      column_d = column_q + 1'd1;",
        "moves",
        "1'd1",
    ),
    mutant(
        "a lane that stays",
        "masked[31:24] = 8'd0;",
        "8'd0",
        "beat[31:24]",
    ),
    mutant(
        "a lane that stays in a row of one beat",
        "assign row2_inside[31:24] = 8'd0;",
        "8'd0",
        "row2_values[31:24]",
    ),
    mutant(
        "a zero in a row of whole beats",
        "assign in_row3 = beat3;",
        "beat3",
        "{8'd0, beat3[23:0]}",
    ),
];

/// All in one module, each with its own ports.
#[test]
fn of_rows() {
    let mut m = Module::new("row_ends", "Ends of rows.");
    m.clocked();
    for (index, &(columns, blocks)) in ROWS.iter().enumerate() {
        let moves = m.input(&format!("moves{index}"), 1, "");
        let beat = m.input(&format!("beat{index}"), LANES as usize * BITS, "");
        let in_row = m.output(&format!("in_row{index}"), LANES as usize * BITS, "");
        let order = RowOrder::neighbours(LANES, columns);
        let short = format!("row{index}");
        let inside = inside_row(&mut m, ("ends", &short), (&beat, &moves), &order, blocks);
        m.assign(&in_row, &inside);
    }
    Block::new(&m, Config::default(), MUTANTS).check(vector);
}

fn vector(run: &mut Run) -> Verdict {
    let mut gates = ROWS.map(|_| run.idle());
    let mut moved = [0; ROWS.len()];
    run.reset();
    while moved.iter().any(|&beats| beats < BEATS) {
        let moves = [0, 1, 2, 3].map(|index: usize| gates[index].opens());
        let values = ROWS.map(|_| run.choices.below(1 << (BITS as u64 * LANES)));
        for index in 0..ROWS.len() {
            run.set(&format!("moves{index}"), moves[index].into());
            run.set(&format!("beat{index}"), values[index]);
        }
        run.step()?;
        for (index, &(columns, blocks)) in ROWS.iter().enumerate() {
            // The beat's first column, whether it moves in this cycle or not.
            let first = moved[index] / blocks * LANES % columns.next_multiple_of(LANES);
            let inside = (columns - first).min(LANES);
            let kept = u64::MAX >> (64 - BITS as u64 * inside);
            let found = run.was(&format!("in_row{index}"));
            let wanted = values[index] & kept;
            must!(
                run,
                found == wanted,
                "rows of {columns}: {found:#x}, not {wanted:#x}"
            );
            moved[index] += u64::from(moves[index]);
        }
    }
    Ok(())
}
