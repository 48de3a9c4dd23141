// The rules of the result port, and of the queue behind the stages: results leave in the order in which they came, each behind as many zeros as its run has and
// none else, and the zeros of a frame's end behind its last; `tlast` is with a frame's last beat alone.
//
// There are `PLACES accumulations at the most that started and whose place was not given back. What a result is stands in
// itself, so that a beat tells: its lowest bit is set, which no zero has, the next one says that it is a frame's last, and
// the others are free. What comes is called `RESULT and `LAST. `END_BEATS of zeros end a frame. `TAKES_RUNS where there are any ahead of results.
reg [4:0] owed, started, inside;
// Any one accumulation: how many start ahead of it and were not written, or did not leave; its run, and its value.
reg marked, valued; reg [4:0] to_write, to_leave; reg [`W_tdata-1:0] value;
(* anyseq *) reg mark;
reg [3:0] tail_left;
reg last_moved;
reg [2:0] waits;
`ifdef TAKES_RUNS
reg [`W_skip_beats-1:0] run;
reg [`W_skip_beats:0] seen;
wire start = skip_write;
`else
wire start = write;
`endif
wire moves = tvalid && tready;
wire result = moves && tdata[0];
wire is_end = tail_left != 0;
wire ends = result && tdata[1];
always @* begin
  assume (!(start && owed == `PLACES));
  assume (!write || `RESULT[0] && `RESULT[1] == `LAST);
`ifdef TAKES_RUNS
  assume (!(write && started == 0));
`endif
end
always @(posedge aclk) begin
  owed <= owed + start - taken;
  started <= started + start - write;
  inside <= inside + start - result;
  last_moved <= moves && tlast;
  waits <= (!tvalid && inside != started) ? waits + 3'd1 : 3'd0;
  if (is_end && moves) tail_left <= tail_left - 4'd1;
  if (ends) tail_left <= `END_BEATS;
  if (marked && !valued && write) begin
    to_write <= to_write - 5'd1;
    if (to_write == 0) begin valued <= 1'b1; value <= `RESULT; end
  end
  if (marked && result) to_leave <= to_leave - 5'd1;
`ifdef TAKES_RUNS
  if (marked && moves && to_leave == 0 && !is_end) seen <= seen + 1'b1;
  if (!marked && mark && start) begin
    run <= skip_beats;
    seen <= 0;
  end
`endif
  if (!marked && mark && start) begin
    marked <= 1'b1;
    to_leave <= inside - result;
`ifdef TAKES_RUNS
    to_write <= started - write;
    valued <= 1'b0;
`else
    to_write <= 5'd0;
    valued <= 1'b1;
    value <= `RESULT;
`endif
  end
  if (marked && result && to_leave == 0) marked <= 1'b0;
  if (!aresetn) begin
    owed <= 5'd0; started <= 5'd0; inside <= 5'd0; tail_left <= 4'd0; marked <= 1'b0; last_moved <= 1'b0; waits <= 3'd0;
  end
end
always @* if (began) begin
  `must (owed <= `PLACES);
  if (taken) `must (owed != 0);
  if (result) `must (inside != started);
  if (moves && !tdata[0]) `must (tdata == 0);
  if (moves && is_end) `must (!tdata[0] && tlast == (tail_left == 1));
  if (result && !is_end) `must (tlast == (tdata[1] && `END_BEATS == 0));
`ifdef TAKES_RUNS
  if (moves && !tdata[0] && !is_end) `must (!tlast);
  if (marked && to_leave == 0 && moves && !is_end) `must (result ? seen == run : seen < run);
  `reach (marked && result && to_leave == 0 && run != 0 && value != 1);
`else
  if (moves && !is_end) `must (tdata[0]);
`endif
  if (marked && result && to_leave == 0) `must (valued && tdata == value);
  `must (frame_done == last_moved);
  `must (waits <= `SOON);
  `reach (owed == `PLACES && tvalid && !tready);
  `reach (frame_done && moves);
  `reach (marked && to_leave == 2);
end
stream_out_rules #(`W_tdata) out_rules (
  .aclk(aclk), .aresetn(aresetn), .began(began),
  .tvalid(tvalid), .tready(tready), .tdata(tdata), .tlast(tlast)
);
