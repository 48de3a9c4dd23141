// The rules of a walk through an array in memory: a burst lies in one block of 64 words, so that none crosses 4 KiB, and stays
// as it is until it is taken. What is told is free; so is when.
reg waits, was_drop, was_reset;
reg [`W_burst_address-1:0] address_was;
reg [`W_burst_last_word-1:0] last_was;
reg [1:0] lanes_was;
always @* assume (!(burst_take && !burst_valid));
always @(posedge aclk) begin
  waits <= aresetn & burst_valid & !burst_take & !drop;
  was_reset <= !aresetn;
  was_drop <= drop;
  address_was <= burst_address;
  last_was <= burst_last_word;
  lanes_was <= {burst_first_lane, burst_last_lane};
end
wire [6:0] end_word = burst_address[5:0] + burst_last_word;
always @* if (began) begin
  if (burst_valid) `must(end_word <= 7'd63);
  if (burst_valid && burst_last_word == 0 && burst_ends_frame) `reach(end_word == 63);
  if (waits) `must(burst_valid && burst_address == address_was && burst_last_word == last_was);
  if (waits) `must({burst_first_lane, burst_last_lane} == lanes_was);
  if (was_reset || was_drop) `must(!burst_valid);
  if (rests) `must(!burst_valid);
end
