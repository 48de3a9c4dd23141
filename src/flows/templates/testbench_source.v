
  // @STREAM@: @PACKETS@ of @BEATS@ beats.
  reg [@HIGH@:0] @STREAM@_beats [0:@LAST@];
  reg @STREAM@_tvalid;
  wire @STREAM@_tready;
  reg [@HIGH@:0] @STREAM@_tdata;
  reg @STREAM@_tlast;
  reg @STREAM@_taken;
  integer @STREAM@_next;
  integer @STREAM@_seed;
  initial begin
    $readmemh("@FILE@", @STREAM@_beats);
    @STREAM@_tvalid = 1'b0;
    @STREAM@_taken = 1'b0;
    @STREAM@_next = 0;
    @STREAM@_seed = seed + @INDEX@;
  end
  always @(posedge aclk) begin
    @STREAM@_taken <= aresetn && @STREAM@_tvalid && @STREAM@_tready;
    if (aresetn && @STREAM@_tvalid && @STREAM@_tready) @STREAM@_next <= @STREAM@_next + 1;
  end
  always @(negedge aclk)
    if (!@STREAM@_tvalid || @STREAM@_taken) begin
      if (aresetn && @STREAM@_next < @ALL@@WHEN@ && {$random(@STREAM@_seed)} % 100 >= stall) begin
        @STREAM@_tvalid <= 1'b1;
        @STREAM@_tdata <= @STREAM@_beats[@STREAM@_next];
        @STREAM@_tlast <= @STREAM@_next % @BEATS@ == @BEATS@ - 1;
      end else begin
        @STREAM@_tvalid <= 1'b0;
        @STREAM@_tdata <= {@WIDTH@{1'bx}};
        @STREAM@_tlast <= 1'bx;
      end
    end
