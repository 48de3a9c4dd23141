
  // @STREAM@: what is offered stays until it is taken.
  @STREAM@_valid_stays: assert property (
    disable iff (!aresetn || !begun) @STREAM@_tvalid && !@STREAM@_tready |=> @STREAM@_tvalid
  ) else $error("@STREAM@: @GIVER@ took back a beat that was not taken");
  @STREAM@_beat_stays: assert property (
    disable iff (!aresetn || !begun)
    @STREAM@_tvalid && !@STREAM@_tready |=> $stable(@STREAM@_tdata) && $stable(@STREAM@_tlast)
  ) else $error("@STREAM@: @GIVER@ changed a beat that was not taken");
  @STREAM@_known: assert property (
    disable iff (!aresetn || !begun) !$isunknown({@STREAM@_tvalid, @STREAM@_tready})
  ) else $error("@STREAM@: the handshake is unknown");
  @STREAM@_quiet_in_reset: assert property (disable iff (!begun) !aresetn |=> !@QUIET@)
    else $error("@STREAM@: @QUIET@ is high in reset");
