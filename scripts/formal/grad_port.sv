// The rules of the stream into the line buffer, of an engine for one layer: a pixel is never written over before it is let
// go of; each beat goes where it belongs, or is dropped; a beat is taken whenever there is space.
//
// No more is let go of than is there.
// `WORDS words a pixel, `PIXELS pixels in the ring; a frame of `ROWS x `COLS pixels, of which rows from `ROW0 to `ROW1 and
// columns from `COL0 to `COL1 are stored.
// Whole pixels in the ring that were not let go of, those of them that were written, where the next goes, and where in
// its frame a beat is.
reg [5:0] used, written, place, word, row, col;
reg closed, stores, arrives, first, was_reset;
reg [5:0] stores_at, freed_before;
reg [`W_tdata-1:0] stores_data;
wire taken = tvalid && tready;
wire word_end = word == `WORDS - 1;
wire col_end = col == `COLS - 1;
wire kept = row >= `ROW0 && row <= `ROW1 && col >= `COL0 && col <= `COL1;
wire beat_taken = taken;
wire beat_due = word_end && col_end && row == `ROWS - 1;
// No more is let go of than is there.
wire [5:0] frees = {{6{free_less_1[`W_free_less_1-1]}}, free_less_1} + 6'd1;
always @* assume (frees <= written);
always @(posedge aclk) begin
  was_reset <= !aresetn;
  closed <= !aresetn;
  stores <= aresetn & taken & kept;
  stores_at <= place * `WORDS + word;
  stores_data <= tdata;
  arrives <= aresetn & taken & kept & word_end;
  first <= aresetn & taken & (word == 0) & (row == 0) & (col == 0);
  freed_before <= frees;
  used <= used + (taken && kept && word_end) - freed_before;
  written <= written + arrives - frees;
  if (taken) begin
    word <= word_end ? 6'd0 : word + 6'd1;
    if (word_end) col <= col_end ? 6'd0 : col + 6'd1;
    if (word_end && col_end) row <= beat_due ? 6'd0 : row + 6'd1;
    if (word_end && kept) place <= place == `PIXELS - 1 ? 6'd0 : place + 6'd1;
  end
  if (!aresetn) begin
    used <= 6'd0; written <= 6'd0; place <= 6'd0; word <= 6'd0; row <= 6'd0; col <= 6'd0; freed_before <= 6'd0;
  end
end
always @* if (began) begin
  if (was_reset) `must (!tready);
  // Never a pixel that is not let go of: the one under way has a place beside those that are whole.
  `must (used <= `PIXELS);
  if (stores && !arrives) `must (used < `PIXELS);
  // And in every cycle in which there is space.
  `must (tready == (!closed && (word != 0 || used < `PIXELS)));
  `must (write == stores);
  if (stores) `must (write_address == stores_at && write_data == stores_data);
  `must (arrived == arrives);
  `must (frame_begin == first);
  `reach (used == `PIXELS && tvalid);
  `reach (stores && stores_at == 0 && used == `PIXELS - 1);
  `reach (taken && beat_due && used == 0);
`ifdef DROPS
  `reach (taken && !kept && used == `PIXELS - 1);
`endif
end
`include "tlast.sv"
