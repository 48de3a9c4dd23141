// The rules of a FIFO of beats: none is lost, doubled or overtaken, none is written where there is no place, and each is
// there in time. `PLACES beats, each the word `THERE cycles after there was none at the latest.
//
// Ahead of a stream's registers (`STREAM), the beat in those counts as well, and they are what is looked at.
//
// Who writes knows how many places were given back, and takes only what is there.
`ifdef STREAM
`define AHEAD 6'd2
reg [`W_beat-1:0] oldest;
always @(posedge aclk) if (open) oldest <= word;
wire valid = tvalid;
wire take = tvalid && tready;
`else
`define AHEAD 6'd1
wire [`W_beat-1:0] oldest = word;
`endif
// Beats inside, and places that were not given back.
reg [5:0] inside, owed;
// Any one beat: how many are ahead of it, and what it is.
reg marked; reg [5:0] ahead; reg [`W_beat-1:0] saved;
reg [1:0] waits;
always @(posedge aclk) begin
  inside <= inside + write - take;
  owed <= owed + write - gave;
  waits <= (inside != 0 && !valid) ? waits + 2'd1 : 2'd0;
  if (marked && take) begin
    ahead <= ahead - 6'd1;
    if (ahead == 0) marked <= 1'b0;
  end
  if (!marked && mark && write) begin
    marked <= 1'b1;
    ahead <= inside - take;
    saved <= beat;
  end
  if (!aresetn) begin
    inside <= 6'd0; owed <= 6'd0; marked <= 1'b0; waits <= 2'd0;
  end
end
(* anyseq *) reg mark;
always @* begin
  assume (!(write && owed == `PLACES));
  assume (!(take && !valid));
end
always @* if (began) begin
  `must (owed <= `PLACES && inside <= owed + `AHEAD && owed <= inside);
  if (valid) `must (inside != 0);
  if (gave) `must (owed != 0);
  if (valid) `must (owed - gave < inside);
  if (marked && valid && ahead == 0) `must (oldest == saved);
  `must (waits <= `THERE);
  `reach (owed == `PLACES);
  `reach (marked && valid && take && ahead == 0 && saved == 1);
  `reach (marked && ahead == `PLACES);
  `reach (inside == `AHEAD && gave && write && take);
end
