
  // Errors stay until reset, and there is no error without a cause.
  error_has_cause: assert property (disable iff (!aresetn || !begun) error == |error_cause)
    else $error("error and error_cause differ");
  error_stays: assert property (
    disable iff (!aresetn || !begun) (error_cause & ~$past(error_cause)) == (error_cause ^ $past(error_cause))
  ) else $error("a cause of an error went away without reset");
  quiet_in_reset: assert property (disable iff (!begun) !aresetn |=> !busy && !frame_done && !error)
    else $error("busy, frame_done or error is high in reset");
