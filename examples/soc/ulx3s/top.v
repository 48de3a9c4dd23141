// The system on a ULX3S: its 25 MHz make 50 MHz, its FTDI takes the UART, its LEDs show how the program ended.
`default_nettype none

module top (
  input  wire       clk_25mhz,
  output wire       ftdi_rxd,
  output wire [7:0] led
);
  localparam integer HERTZ = 50000000;
  localparam integer BAUD  = 115200;

  wire clk;
  wire locked;

  // 25 MHz / 5 x 10; the oscillator runs at 12 times that.
  (* FREQUENCY_PIN_CLKI = "25" *)
  (* FREQUENCY_PIN_CLKOP = "50" *)
  (* ICP_CURRENT = "12" *) (* LPF_RESISTOR = "8" *)
  EHXPLLL #(
    .PLLRST_ENA("DISABLED"),
    .INTFB_WAKE("DISABLED"),
    .STDBY_ENABLE("DISABLED"),
    .DPHASE_SOURCE("DISABLED"),
    .OUTDIVIDER_MUXA("DIVA"),
    .OUTDIVIDER_MUXB("DIVB"),
    .OUTDIVIDER_MUXC("DIVC"),
    .OUTDIVIDER_MUXD("DIVD"),
    .CLKI_DIV(5),
    .CLKOP_ENABLE("ENABLED"),
    .CLKOP_DIV(12),
    .CLKOP_CPHASE(5),
    .CLKOP_FPHASE(0),
    .FEEDBK_PATH("CLKOP"),
    .CLKFB_DIV(10)
  ) pll (
    .RST(1'b0),
    .STDBY(1'b0),
    .CLKI(clk_25mhz),
    .CLKOP(clk),
    .CLKFB(clk),
    .CLKINTFB(),
    .PHASESEL0(1'b0),
    .PHASESEL1(1'b0),
    .PHASEDIR(1'b1),
    .PHASESTEP(1'b1),
    .PHASELOADREG(1'b1),
    .PLLWAKESYNC(1'b0),
    .ENCLKOP(1'b0),
    .LOCK(locked)
  );

  // Out of reset some cycles behind the lock, which is no signal of this clock.
  reg [2:0] locked_q = 3'd0;
  reg [7:0] wait_q   = 8'd0;
  reg       resetn_q = 1'b0;

  always @(posedge clk) begin
    locked_q <= {locked_q[1:0], locked};
    if (~locked_q[2]) wait_q <= 8'd0;
    else if (wait_q != 8'hff) wait_q <= wait_q + 8'd1;
    resetn_q <= wait_q == 8'hff;
  end

  soc #(
    .RAM_WORDS_LOG2(`SOC_RAM_WORDS_LOG2),
    .UART_CYCLES(HERTZ / BAUD)
  ) system (
    .clk(clk),
    .resetn(resetn_q),
    .uart_tx(ftdi_rxd),
    .leds(led),
    .trap()
  );
endmodule

`default_nettype wire
