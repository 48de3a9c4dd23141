//! A register slice as the design under test, with ways to break it.

use bpa_sim::{ModelSpec, Pin, StreamPort};

/// A slice with a registered `tready`: two places, so that it keeps up with both sides.
pub fn slice(bytes: usize) -> ModelSpec {
    let high = bytes * 8 - 1;
    let verilog = format!(
        "module slice (
    input  wire aclk,
    input  wire aresetn,
    input  wire [{high}:0] s_axis_in_tdata,
    input  wire s_axis_in_tvalid,
    input  wire s_axis_in_tlast,
    output wire s_axis_in_tready,
    output wire [{high}:0] m_axis_out_tdata,
    output wire m_axis_out_tvalid,
    output wire m_axis_out_tlast,
    input  wire m_axis_out_tready,
    input  wire [39:0] mark,
    output reg  [39:0] mark_seen,
    output reg  frame_done
);
    reg [{high}:0] data, spare;
    reg last, spare_last, valid, ready;
    wire take = valid & m_axis_out_tready;
    wire give = s_axis_in_tvalid & ready;
    assign s_axis_in_tready = ready;
    assign m_axis_out_tdata = data;
    assign m_axis_out_tlast = last;
    assign m_axis_out_tvalid = valid;
    reg full;
    always @(posedge aclk) begin
        mark_seen <= mark;
        frame_done <= aresetn & take & last;
        if (take | ~valid) begin
            data <= full ? spare : s_axis_in_tdata;
            last <= full ? spare_last : s_axis_in_tlast;
        end
        if (give) begin
            spare <= s_axis_in_tdata;
            spare_last <= s_axis_in_tlast;
        end
        if (!aresetn) begin
            valid <= 1'b0;
            full <= 1'b0;
            ready <= 1'b0;
        end else begin
            if (take | ~valid) begin
                valid <= full | give;
                full <= 1'b0;
                ready <= 1'b1;
            end else if (give) begin
                full <= 1'b1;
                ready <= 1'b0;
            end else begin
                ready <= ~full;
            end
        end
    end
endmodule
"
    );
    ModelSpec {
        top: "slice".into(),
        verilog,
        sources: vec![StreamPort::new("s_axis_in", bytes)],
        sinks: vec![StreamPort::new("m_axis_out", bytes)],
        pins_in: vec![Pin::new("mark", 40)],
        pins_out: vec![
            Pin::new("mark_seen", 40),
            Pin::new("frame_done", 1).watched(),
        ],
        memory: None,
    }
}

/// Bytes that look random, and flags that mark every `frame`th beat.
#[allow(dead_code)] // Not every test that includes this module sends beats
pub fn beats(count: usize, bytes: usize, frame: usize) -> (Vec<u8>, Vec<u8>) {
    let data = (0..count * bytes).map(|i| (i.wrapping_mul(0x9e37_79b1) >> 13) as u8);
    let last = (1..=count).map(|i| u8::from(i % frame == 0));
    (data.collect(), last.collect())
}
