// The rules of `tlast`, for a stream whose bench says which beat is taken and which is due to have it.
// `tlast` against the count of beats: `beat_taken`, `beat_due` are of this cycle; its pulses come a cycle later.
reg last_taken, last_due, last_came, last_owed;
always @(posedge aclk) begin
  last_taken <= aresetn & beat_taken;
  last_due <= beat_due;
  last_came <= tlast;
  if (!aresetn) last_owed <= 1'b0;
  else if (last_taken && last_came) last_owed <= 1'b0;
  else if (last_taken && last_due) last_owed <= 1'b1;
end
always @* if (began) begin
  `must (tlast_early == (last_taken && last_came && !last_due && !last_owed));
  `must (tlast_missing == (last_taken && !last_came && last_due));
  `must (tlast_late == (last_taken && last_came && !last_due && last_owed));
  `reach (tlast_early);
  `reach (tlast_missing);
  `reach (tlast_late);
end
