// The rules of the tokens' queue: none is lost, doubled or overtaken; none leaves before all that it needs is stored, nor a
// frame's first without weights; each that may leave does soon.
//
// `PLACES tokens, of which one needs at most `NEED pixels more than the one before; `LINE pixels are stored beyond those
// that tokens that have left need. The field `need` is from bit `NEED_LOW on, `frame_first` is bit `FIRST.
localparam N = `NEED_BITS;
reg [2:0] inside;
// Pixels that all tokens so far need, of which so many have not arrived; and those that have beyond what tokens that left
// need.
reg [N-1:0] needed, left_needs;
reg signed [N:0] lacks, spare;
reg weights_before, was_reset;
// Any one token: how many are ahead of it, what it is, and what it lacks.
(* anyseq *) reg mark;
reg marked, mark_first;
reg [2:0] ahead;
reg [`W_in_token-1:0] saved;
reg signed [N:0] saved_lacks;
reg [2:0] waits;
(* anyseq *) reg [N-1:0] more;
wire enters = in_valid && in_ready;
wire leaves = out_valid && out_ready;
// What else a token holds is carried along: one bit of it, which stands for all.
(* anyseq *) reg in_first, in_data;
reg [N-1:0] in_need;
assign in_token = (in_need << `NEED_LOW) | (in_first << `FIRST) | in_data;
wire [N-1:0] out_need = out_token[`NEED_LOW +: N];
`ifdef PACED
wire [N-1:0] out_more = -out_need;
always @* in_need = -more;
`else
wire [N-1:0] out_more = out_need - left_needs;
always @* in_need = needed + more;
`endif
`ifdef TOLD
// Pixels are counted by who stores them.
reg [N-1:0] all;
(* anyseq *) reg arrives;
always @* assume (stored == all);
always @(posedge aclk) all <= aresetn ? all + arrives : 0;
`else
wire arrives = arrived;
`endif
// A token that waits stays as it is.
reg in_waits; reg [`W_in_token-1:0] in_was;
always @* begin
  assume (more <= `NEED);
  if (arrives) assume (spare < `LINE);
  assume (!(out_ready && !out_valid));
  if (in_waits) assume (in_valid && in_token == in_was);
end
wire due = marked && ahead == 0 && saved_lacks <= 0 && (weights_before || !mark_first);
always @(posedge aclk) begin
  was_reset <= !aresetn;
  in_waits <= aresetn & in_valid & !in_ready;
  in_was <= in_token;
  weights_before <= weights_ready;
  inside <= inside + enters - leaves;
  lacks <= lacks + (enters ? $signed({1'b0, more}) : 0) - $signed({1'b0, arrives});
  spare <= spare + $signed({1'b0, arrives}) - (leaves ? $signed({1'b0, out_more}) : 0);
  if (enters) needed <= needed + more;
  if (leaves) left_needs <= left_needs + out_more;
  if (marked) saved_lacks <= saved_lacks - $signed({1'b0, arrives});
  if (marked && leaves) begin
    ahead <= ahead - 3'd1;
    if (ahead == 0) marked <= 1'b0;
  end
  if (!marked && mark && enters) begin
    marked <= 1'b1;
    ahead <= inside - leaves;
    saved <= in_token;
    mark_first <= in_token[`FIRST];
    saved_lacks <= lacks + $signed({1'b0, more}) - $signed({1'b0, arrives});
  end
  waits <= (marked && ahead == 0 && saved_lacks <= 0 && weights_ready && !out_valid) ? waits + 3'd1 : 3'd0;
  if (!aresetn) begin
    inside <= 0; lacks <= 0; spare <= 0; needed <= 0; left_needs <= 0; marked <= 0; waits <= 0;
  end
end
always @* if (began) begin
  `must (in_ready == (inside < `PLACES));
  if (out_valid) `must (inside != 0);
  if (out_valid && marked && ahead == 0) `must (out_token == saved && due);
  `must (waits < `SOON);
  `must (spare >= 0 && spare <= `LINE);
  `reach (inside == `PLACES && marked && ahead == `PLACES - 1);
  `reach (marked && ahead == 0 && saved_lacks == `NEED);
  `reach (marked && leaves && ahead == 0 && mark_first);
  `reach (spare == `LINE);
  `reach (inside == `PLACES && marked && ahead == 0 && saved_lacks <= 0 && mark_first && !out_valid);
end
