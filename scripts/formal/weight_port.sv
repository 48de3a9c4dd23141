// The rules of one set of weights: no word that a frame reads, or may begin to read, is written; `weights_ready` is of a
// whole set alone; a beat that waits is taken soon.
//
// A frame begins by `weights_ready`.
// A word of the set, and whether a whole one is in the memory.
reg [5:0] word;
reg whole, was_reset;
reg [3:0] waits;
wire taken = tvalid && tready;
wire beat_taken = taken;
wire beat_due = word == cfg_weight_words_less_1;
// A frame begins by `weights_ready`, is told three cycles later, and reads until two cycles behind that.
(* anyseq *) reg begin_frame, end_frame;
reg [1:0] begun, tail;
reg busy;
wire reads = begun != 0 || busy || tail != 0;
always @* assume (frame_busy == busy);
always @(posedge aclk) begin
  was_reset <= !aresetn;
  begun <= {begun[0], begin_frame & weights_ready};
  busy <= begun[1] | (busy & !end_frame);
  tail <= {tail[0], busy};
  waits <= (tvalid && !tready && !reads && !weights_ready) ? waits + 4'd1 : 4'd0;
  if (taken) begin
    word <= beat_due ? 6'd0 : word + 6'd1;
    whole <= beat_due;
  end
  if (!aresetn) begin
    word <= 6'd0; whole <= 1'b0; waits <= 4'd0; begun <= 2'd0; busy <= 1'b0; tail <= 2'd0;
  end
end
always @* if (began) begin
  if (was_reset) `must (!tready);
  `must (write == taken);
  if (taken) `must (write_address == word);
  // No word of a set that a frame reads, or may begin to read, is written.
  if (taken) `must (!reads && !weights_ready);
  if (weights_ready || reads) `must (whole);
  `must (waits < 6);
  `reach (taken && whole);
  `reach (busy && tvalid && !tready);
  `reach (busy && begun != 0);
  `reach (taken && beat_due);
end
`include "tlast.sv"
