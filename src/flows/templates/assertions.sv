// Assertions on the interface of @TOP@, bound to every instance of it:
//
//   $ verilator --assert --binary --timing --top-module @TOP@_tb @TOP@_tb.v @TOP@.v @TOP@_sva.sv
//
// A message says which side broke the rule. Nothing in the engine is looked at but its ports.

// Every port is there, and not every one has a rule.
/* verilator lint_off UNUSEDSIGNAL */
module @TOP@_sva (
@PORTS@
);
/* verilator lint_on UNUSEDSIGNAL */
  default clocking @(posedge aclk); endclocking

  // Whether the clock has seen reset: before that nothing is promised.
  logic begun = 1'b0;
  always_ff @(posedge aclk) if (!aresetn) begun <= 1'b1;
@STREAMS@@BUS@@STATUS@
endmodule

bind @TOP@ @TOP@_sva u_sva (.*);
