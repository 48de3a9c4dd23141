// The rules of a sequencer: it equals its program unrolled, whatever the program is.
//
// Its memory is here, with `LINES lines of anything: a line read is there with the next fetch but one where `AHEAD is 2, with
// the next one where it is 1. Of a line are known whether the program goes back to line 1 (bit `WRAP), whether it loops (bit
// `LOOP), where that begins (`START) and how often its lines are gone through, less three (`TURNS), all of the line that
// comes `AHEAD places later; and one bit of the step (bit `DATA), which stands for all of them.
//
// A program goes round, back to line 1, where it says so; a loop is gone through twice at least.
(* anyconst *) reg [`LINES*`W_line-1:0] program;
wire [`W_line-1:0] lines [0:`LINES-1];
genvar k;
generate for (k = 0; k < `LINES; k = k + 1) begin
  assign lines[k] = program[k*`W_line +: `W_line];
`ifdef LOOP
  always @* begin
    if (lines[k][`WRAP]) assume (!lines[k][`LOOP] && lines[k][`START +: `W_place] == 1);
    assume (!lines[k][`TURNS + `TURN_BITS - 1] || &lines[k][`TURNS +: `TURN_BITS]);
  end
`endif
end endgenerate

// The memory.
reg [`W_line-1:0] read, given;
always @(posedge aclk) if (fetching) begin
  read <= lines[place];
  given <= `AHEAD == 2 ? read : lines[place];
end
assign line = given;

// The program unrolled: the line of the present step, and of the ones behind it.
reg [`W_place-1:0] now, next, after;
`ifndef TURN_BITS
`define TURN_BITS 1
`endif
reg looping;
reg [`TURN_BITS:0] left;
wire [`W_line-1:0] told = lines[now];
reg [`W_place-1:0] last_place, follows;
reg looping_d;
reg [`TURN_BITS:0] left_d, left_now;
always @* begin
  last_place = `AHEAD == 2 ? after : next;
  follows = last_place + 1'd1;
  looping_d = looping;
  left_d = left;
  left_now = left;
  if (told[`WRAP]) follows = 1;
`ifdef LOOP
  if (told[`LOOP]) begin
    // Less three, from minus one for two turns on; of the turns, the first is done.
    if (!looping) left_now = {told[`TURNS + `TURN_BITS - 1], told[`TURNS +: `TURN_BITS]} + 2;
    looping_d = left_now != 0;
    left_d = left_now - 1'd1;
    if (left_now != 0) follows = told[`START +: `W_place];
  end
`endif
end
reg [1:0] cycles;
reg advanced;
always @* begin
  assume (!(advance && !there));
`ifdef PACED
  // It comes in no two cycles in a row, nor in the first one.
  assume (!(advance && (advanced || cycles <= `AHEAD)));
`endif
end
always @(posedge aclk) begin
  advanced <= advance;
  if (cycles != 3) cycles <= cycles + 2'd1;
  if (advance) begin
    now <= next;
    next <= `AHEAD == 2 ? after : follows;
    after <= follows;
    looping <= looping_d;
    left <= left_d;
  end
  if (!aresetn) begin
    now <= 0; next <= 1; after <= 2; looping <= 1'b0; left <= 0; cycles <= 2'd0; advanced <= 1'b0;
  end
end
always @* if (began) begin
  `must (there == (cycles >= `AHEAD));
  if (there) `must (step[0] == lines[now][`DATA]);
  // How that comes: what is read and fetched next, and how many jumps back the loop has left.
  if (there) `must (given == lines[now]);
  if (`AHEAD == 2 && cycles >= 1) `must (read == (there ? lines[next] : lines[now]));
  `must (place == (there ? last_place : `AHEAD == 2 && cycles == 1 ? next : now));
`ifdef LOOP
  `must (idle == !looping);
  if (looping) `must ({more[`TURN_BITS - 1], more} == left - 1'd1);
`endif
  `reach (advance && told[`WRAP] && now == `LINES - 2);
`ifdef LOOP
  `reach (advance && told[`LOOP] && looping && left == 0);
  `reach (advance && told[`LOOP] && !looping && follows == now);
`endif
end
