// What rules are written with, in two runs over the same text: `must holds in every cycle from the first reset on;
// `reach is shown to come to pass.
`ifdef REACH
`define must(x) begin end
`define reach(x) assert (!(x))
`else
`define must(x) assert (x)
`define reach(x) begin end
`endif
