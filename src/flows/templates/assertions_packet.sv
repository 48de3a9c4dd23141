  logic [63:0] @STREAM@_beats = '0;
  always_ff @(posedge aclk)
    if (!aresetn) @STREAM@_beats <= '0;
    else if (@STREAM@_tvalid && @STREAM@_tready)
      @STREAM@_beats <= @STREAM@_beats == 64'd@BEATS@ - 1 ? '0 : @STREAM@_beats + 1;
  @STREAM@_last: assert property (
    disable iff (!aresetn || !begun)
    @STREAM@_tvalid && @STREAM@_tready |-> @STREAM@_tlast == (@STREAM@_beats == 64'd@BEATS@ - 1)
  ) else $error("@STREAM@: @GIVER@ set tlast on another beat than the last of @BEATS@");
