// The rules of AXI4-Stream for the streams of a whole engine, one instance of a module here for each.

// One that the engine gives: nothing is offered in reset; what is offered stays as it is until it is taken.
module stream_out_rules #(parameter BITS = 8) (
  input wire aclk,
  input wire aresetn,
  input wire began,
  input wire tvalid,
  input wire tready,
  input wire [BITS-1:0] tdata,
  input wire tlast
);
  reg was_reset, waits;
  reg [BITS:0] was;
  always @(posedge aclk) begin
    was_reset <= !aresetn;
    waits <= aresetn & tvalid & !tready;
    was <= {tlast, tdata};
  end
  always @* if (began) begin
    if (was_reset) `must (!tvalid);
    if (waits) `must (tvalid && was == {tlast, tdata});
`ifdef RESULTS
    `reach (waits && tready && tlast);
`endif
  end
endmodule

// One that it takes: nothing is taken in reset, nor at the first edge behind it.
module stream_in_rules (
  input wire aclk,
  input wire aresetn,
  input wire began,
  input wire tvalid,
  input wire tready
);
  reg was_reset;
  always @(posedge aclk) was_reset <= !aresetn;
  always @* if (began) begin
    if (was_reset) `must (!tready);
`ifdef TAKEN
    `reach (tvalid && tready);
`endif
  end
endmodule
