// The rules of the issue loop: accumulations that have a place in the output FIFO alone are started, so that it never
// overflows, whatever tokens come; each pixel that enters gives as many results as it has blocks, and what is dead behind
// it is told once, with its last read.
//
// A FIFO of `PLACES results; `BLOCKS results a pixel. The field `free` of a token is from bit `FREE_LOW on; all ones is
// none. A place is given back only of a result that came.
localparam F = `W_free_less_1;
// Results that came and have a place, and those of the oldest pixel still inside.
reg [4:0] held;
reg [3:0] blocks;
// What is dead behind the pixels that are inside, the oldest first.
reg [F-1:0] dead [0:3];
reg [2:0] inside;
reg [F-1:0] told_before;
reg [4:0] waits;
reg was_reset;
wire enters = token_valid && token_ready;
wire leaves = acc_last && blocks == `BLOCKS - 1;
always @* assume (!(taken && held == 0));
integer i;
always @(posedge aclk) begin
  was_reset <= !aresetn;
  held <= held + acc_last - taken;
  told_before <= free_less_1;
  inside <= inside + enters - leaves;
  if (acc_last) blocks <= leaves ? 4'd0 : blocks + 4'd1;
  for (i = 0; i < 4; i = i + 1) begin
    if (leaves && i < 3) dead[i] <= dead[i + 1];
    if (enters && i == inside - leaves) dead[i] <= token[`FREE_LOW +: F];
  end
  waits <= (inside != 0 && held < `PLACES && !acc_last) ? waits + 5'd1 : 5'd0;
  if (!aresetn) begin
    held <= 5'd0; blocks <= 4'd0; inside <= 3'd0; told_before <= {F{1'b1}}; waits <= 5'd0;
  end
end
always @* if (began) begin
  // Places are never given out twice: there is one for each result.
  `must (held <= `PLACES);
  `must (inside <= 4);
  if (acc_last) `must (inside != 0);
  // What is dead is told a cycle ahead of the flag of the last read, and then alone.
  if (!was_reset) `must (told_before == (leaves ? dead[0] : {F{1'b1}}));
  `must (waits < `SOON);
  `reach (held == `PLACES && inside != 0);
  `reach (leaves && dead[0] != {F{1'b1}} && inside > 1);
  `reach (enters && leaves);
end
