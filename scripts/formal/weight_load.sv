// The rules of the weights of one job after another, in a ring: no word of a set in use is written, the job that runs has
// its own, and is told so.
//
// Jobs come as the block of jobs promises (jobs.sv).
localparam B = `W_write_address;
localparam [B:0] RING = 1 << B;
// Of the job that runs and of the one behind it: whether there is one, the words of its set in the memory, and to come.
reg runs, next, begun;
reg [B:0] run_used, run_left, next_used, next_left;
reg [B-1:0] place, run_begin, next_begin;
reg [2:0] age, whole, waits;
wire taking = (runs && run_left != 0) || (next && next_left != 0);
wire [B:0] used = (runs ? run_used : 0) + (next ? next_used : 0);
wire full = used == RING;
wire begins = next_told && !taking && !begun;
wire taken = tvalid && tready;
wire to_run = runs && run_left != 0;
wire beat_taken = taken;
wire beat_due = (to_run ? run_left : next_left) == 1;
wire [B:0] length = {1'b0, cfg_weight_words_less_1} + 1;
reg told_before; reg [B-1:0] cfg_before;
always @* begin
  // The jobs: one is told while there is none behind the one that runs, and what is told stays.
  assume (!(next_told && next && !begun));
  if (told_before && !begun) assume (next_told && cfg_weight_words_less_1 == cfg_before);
  if (takes_over) assume (next && (!runs || job_ends));
  if (job_ends) assume (runs && run_left == 0 && weights_ready && age >= 4);
end
always @(posedge aclk) begin
  told_before <= aresetn & next_told;
  cfg_before <= cfg_weight_words_less_1;
  begun <= aresetn & begins;
  age <= takes_over ? 0 : age == 7 ? age : age + 1;
  whole <= (runs && run_left == 0 && !takes_over) ? (whole == 7 ? whole : whole + 1) : 0;
  waits <= (tvalid && taking && !full && !tready) ? waits + 1 : 0;
  if (job_ends) runs <= 1'b0;
  if (taken) begin
    place <= place + 1;
    if (to_run) begin run_used <= run_used + 1; run_left <= run_left - 1; end
    else begin next_used <= next_used + 1; next_left <= next_left - 1; end
  end
  if (begins) begin
    next <= 1'b1; next_used <= 0; next_left <= length; next_begin <= place;
  end
  if (takes_over) begin
    runs <= 1'b1; next <= 1'b0;
    run_used <= next_used + (taken && !to_run);
    run_left <= next_left - (taken && !to_run);
    run_begin <= next_begin;
  end
  if (!aresetn) begin
    runs <= 0; next <= 0; place <= 0; age <= 0; whole <= 0; waits <= 0;
    run_used <= 0; run_left <= 0; next_used <= 0; next_left <= 0; run_begin <= 0; next_begin <= 0;
  end
end
reg was_reset;
always @(posedge aclk) was_reset <= !aresetn;
always @* if (began) begin
  if (was_reset) `must (!tready);
  `must (write == taken);
  if (tready) `must (taking);
  if (taken) `must (!full && write_address == place);
  `must (weights_begin == begun);
  if (runs) `must (weight_base == run_begin);
  if (runs && age >= 2 && weights_ready) `must (run_left == 0);
  if (whole >= 3) `must (weights_ready);
  `must (waits < 3);
  `reach (full && tvalid && taking && runs && next);
  `reach (full && runs && run_used == RING);
  `reach (taken && runs && next && !to_run && place == 0);
  `reach (job_ends && takes_over);
  `reach (job_ends && next && next_left != 0 && next_used != 0);
end
`include "tlast.sv"
