// The rules of the stream into the line buffer, of a programmable engine: a word is never written over before it is let
// go of; each beat goes where it belongs, or is dropped; a beat is taken whenever there is space. It takes the frames of
// one job after another, each by its own sizes, and none between two.
//
// `RING words. A job begins when all frames of the one before are taken. No more is let go of than is there.
localparam B = `W_write_address + 1;
// Frames of the job that are still to be taken, and where in its frame a beat is.
reg [2:0] left;
reg [`W_cfg_pixel_words_less_1-1:0] word;
reg [`W_cfg_grad_rows_less_1-1:0] row;
reg [`W_cfg_grad_cols_less_1-1:0] col;
// Words in the ring that were not let go of, those of them that were written, and where the next goes.
reg [B-1:0] used, written, place, freed_before;
reg was_reset, closed, stores, first;
reg [`W_tdata-1:0] stores_data;
wire taken = tvalid && tready;
wire word_end = word == cfg_pixel_words_less_1;
wire col_end = col == cfg_grad_cols_less_1;
wire row_end = row == cfg_grad_rows_less_1;
wire kept = row >= cfg_first_kept_row && row <= cfg_last_kept_row
  && col >= cfg_first_kept_col && col <= cfg_last_kept_col;
wire beat_taken = taken;
wire beat_due = word_end && col_end && row_end;
wire [B-1:0] frees = {{B{free_less_1[`W_free_less_1-1]}}, free_less_1} + 1'd1;
// What is told changes only where a job begins.
localparam C = `W_cfg_pixel_words_less_1 + 3 * (`W_cfg_grad_rows_less_1 + `W_cfg_grad_cols_less_1);
wire [C-1:0] told = {cfg_pixel_words_less_1, cfg_grad_rows_less_1, cfg_grad_cols_less_1,
  cfg_first_kept_row, cfg_last_kept_row, cfg_first_kept_col, cfg_last_kept_col};
reg [C-1:0] told_before;
always @* begin
  assume (cfg_first_kept_row <= cfg_last_kept_row && cfg_last_kept_row <= cfg_grad_rows_less_1);
  assume (cfg_first_kept_col <= cfg_last_kept_col && cfg_last_kept_col <= cfg_grad_cols_less_1);
  assume (cfg_keeps_row_0 == (cfg_first_kept_row == 0) && cfg_keeps_col_0 == (cfg_first_kept_col == 0));
  assume (frees <= written);
  if (frames_begin) assume (all_taken);
  else assume (told == told_before);
end
always @(posedge aclk) begin
  was_reset <= !aresetn;
  told_before <= told;
  closed <= !aresetn || frames_begin;
  stores <= aresetn & taken & kept;
  stores_data <= tdata;
  first <= aresetn & taken & (word == 0) & (row == 0) & (col == 0);
  freed_before <= frees;
  used <= used + (taken && kept) - freed_before;
  written <= written + stores - frees;
  if (stores) place <= place == `RING - 1 ? 0 : place + 1'd1;
  if (taken) begin
    word <= word_end ? 0 : word + 1'd1;
    if (word_end) col <= col_end ? 0 : col + 1'd1;
    if (word_end && col_end) row <= row_end ? 0 : row + 1'd1;
    if (beat_due) left <= left - 3'd1;
  end
  if (frames_begin) begin
    left <= frames_less_1 + 3'd1;
    {word, row, col} <= 0;
  end
  if (!aresetn) {left, word, row, col, used, written, place, freed_before} <= 0;
end
always @* if (began) begin
  if (was_reset) `must (!tready);
  // Never a word that is not let go of.
  `must (used <= `RING);
  `must (write == stores);
  if (stores) `must (write_address == place && write_data == stores_data);
  // In every cycle in which there is space, and in no other; no frame is one of no job.
  `must (tready == (left != 0 && !closed && used < `RING));
  if (!was_reset && !closed && left == 0) `must (all_taken);
  if (left != 0) `must (!all_taken || closed);
  `must (frame_begin == first);
  `reach (used == `RING && left != 0);
  `reach (stores && place == 0 && frame_begin);
  `reach (taken && !kept && used == `RING - 1);
  `reach (frames_begin && used != 0);
  `reach (left == 1 && taken && beat_due && frames_less_1 == 2);
end
`include "tlast.sv"
