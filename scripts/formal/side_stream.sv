// The rules of a stream that joins the results: two deep; `next_valid` tells a cycle ahead whether a beat is there; none is
// lost, doubled or overtaken; `tlast` is judged where a beat joins its result. A beat tells its `tlast` by its bit 1.
reg [2:0] inside;
reg was_reset, there;
reg marked; reg [2:0] ahead; reg [`W_tdata-1:0] saved;
reg [1:0] waits;
reg joined, last_came, last_due, last_owed;
(* anyseq *) reg mark;
wire accept = tvalid && tready;
always @* begin
  assume (!(take && !there));
  assume (!tvalid || tlast == tdata[1]);
end
always @(posedge aclk) begin
  was_reset <= !aresetn;
  there <= aresetn & next_valid;
  inside <= inside + accept - take;
  waits <= (tvalid && !tready && inside < 2) ? waits + 2'd1 : 2'd0;
  joined <= aresetn & take;
  last_came <= data[1];
  last_due <= frame_last;
  if (joined && last_came) last_owed <= 1'b0;
  else if (joined && last_due) last_owed <= 1'b1;
  if (marked && take) begin
    ahead <= ahead - 3'd1;
    if (ahead == 0) marked <= 1'b0;
  end
  if (!marked && mark && accept) begin
    marked <= 1'b1;
    ahead <= inside - take;
    saved <= tdata;
  end
  if (!aresetn) begin
    inside <= 3'd0; marked <= 1'b0; waits <= 2'd0; last_owed <= 1'b0;
  end
end
always @* if (began) begin
  if (was_reset) `must (!tready);
  `must (inside <= 2);
  if (!was_reset && aresetn) `must (next_valid == (inside + accept - take != 0));
  if (marked && take && ahead == 0) `must (data == saved);
  `must (waits < 2);
  `must (tlast_early == (joined && last_came && !last_due && !last_owed));
  `must (tlast_missing == (joined && !last_came && last_due));
  `must (tlast_late == (joined && last_came && !last_due && last_owed));
  `reach (inside == 2 && tvalid && take);
  `reach (marked && take && ahead == 0 && saved == 1);
  `reach (tlast_early);
  `reach (tlast_missing);
  `reach (tlast_late);
end
