// The rules of two sets that swap: the one in use, or read still, is never written, nor is one that waits.
// A word of the set that is taken; whether a whole one waits, and whether one is in use.
reg [5:0] word;
reg set, uses, waits_next, was_reset;
reg [3:0] waits;
reg [1:0] left;
wire taken = tvalid && tready;
wire beat_taken = taken;
wire beat_due = word == cfg_weight_words_less_1;
// A set that is left is read for two cycles more.
always @* if (frame_start) assume (weights_ready);
always @(posedge aclk) begin
  was_reset <= !aresetn;
  waits <= (tvalid && !tready && !waits_next) ? waits + 4'd1 : 4'd0;
  left <= {left[0], frame_start & waits_next};
  if (taken) word <= beat_due ? 6'd0 : word + 6'd1;
  if (frame_start && waits_next) begin set <= !set; uses <= 1'b1; waits_next <= 1'b0; end
  if (taken && beat_due) waits_next <= 1'b1;
  if (!aresetn) begin
    word <= 6'd0; set <= 1'b0; uses <= 1'b0; waits_next <= 1'b0; waits <= 4'd0; left <= 2'd0;
  end
end
always @* if (began) begin
  if (was_reset) `must (!tready);
  `must (write == taken);
  // Into the set that is not in use, when it is not read any more, and not over one that waits.
  if (taken) `must (write_address == {word, !in_use} && left == 0 && !waits_next);
  `must (in_use == set);
  `must (weights_ready == (uses || waits_next));
  `must (waits < 5);
  `reach (uses && waits_next && tvalid);
  `reach (frame_start && waits_next && uses);
  `reach (frame_start && !waits_next && taken);
  `reach (frame_start && taken && beat_due);
end
`include "tlast.sv"
