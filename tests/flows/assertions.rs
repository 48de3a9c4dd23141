//! Promise: the bind file's assertions hold for an engine, and each notices what breaks it. The breaks are in wrappers,
//! of which a run chooses one by a plusarg, so that a model serves them all.

use std::process::Command;

use crate::Emitted;

/// Compiles into `model/run`, with assertions.
fn verilate(folder: &Emitted, top: &str, files: &[&str]) {
    let mut words = vec![
        "verilator",
        "--binary",
        "--timing",
        "--assert",
        "-Wno-fatal",
        "-O0",
    ];
    words.extend([
        "-CFLAGS",
        "-O0",
        "--Mdir",
        "model",
        "-o",
        "run",
        "--top-module",
        top,
    ]);
    words.extend(files);
    folder.run(&words);
}

/// What a run says with this break.
fn with_break(folder: &Emitted, number: usize) -> String {
    let mut command = Command::new(folder.path().join("model/run"));
    let words = [
        format!("+break={number}"),
        "+back_pressure=50".to_owned(),
        "+stall=30".to_owned(),
    ];
    crate::said(command.args(words).current_dir(folder.path())).1
}

/// Breaks of what the engine drives, of which there is one a line: a condition on `breaks`, and what is driven then.
const ENGINE_BREAKS: [(&str, &str, &str); 6] = [
    (
        "m_axis_grad_input_tvalid",
        "inner_tvalid & ~flips",
        "the engine took back a beat that was not taken",
    ),
    (
        "m_axis_grad_input_tdata",
        "inner_tdata ^ {48{flips & ~m_axis_grad_input_tready}}",
        "the engine changed a beat that was not taken",
    ),
    (
        "m_axis_grad_input_tlast",
        "~inner_tlast",
        "the engine set tlast on another beat than the last of 50",
    ),
    (
        "m_axis_grad_input_tvalid",
        "inner_tvalid | ~aresetn",
        "m_axis_grad_input_tvalid is high in reset",
    ),
    (
        "error",
        "inner_error | m_axis_grad_input_tvalid",
        "error and error_cause differ",
    ),
    (
        "busy",
        "inner_busy | ~aresetn",
        "busy, frame_done or error is high in reset",
    ),
];
/// Those of what the surroundings drive.
const OUTER_BREAKS: [(&str, &str, &str); 3] = [
    (
        "grad_output_tvalid",
        "outer_tvalid & (~flips | s_axis_grad_output_tready)",
        "the surroundings took back a beat that was not taken",
    ),
    (
        "grad_output_tdata",
        "outer_tdata ^ {16{flips & ~s_axis_grad_output_tready}}",
        "the surroundings changed a beat that was not taken",
    ),
    (
        "grad_output_tlast",
        "~outer_tlast",
        "the surroundings set tlast on another beat than the last of 16",
    ),
];

/// The value of a net: as it is, or broken by the breaks of this table that are of it, numbered from `first`.
fn broken(net: &str, kept: &str, breaks: &[(&str, &str, &str)], first: usize) -> String {
    let mut value = kept.to_owned();
    for (index, (of, to, _)) in breaks.iter().enumerate() {
        if *of == net {
            value = format!("breaks == {} ? {to} : {value}", first + index);
        }
    }
    value
}

#[test]
fn each_break_of_a_stream_is_named() {
    let folder = Emitted::new("strided.toml", &["--testbench", "--assertions"]);
    let inner = folder.read("strided.v");
    folder.write(
        "inner.v",
        &inner.replace("module strided (", "module strided_inner ("),
    );
    let bench = folder.read("strided_tb.v");
    folder.write(
        "bench.v",
        &bench.replace("  strided engine (", "  outer engine ("),
    );
    let ports = "input wire aclk, input wire aresetn,
        input wire s_axis_grad_output_tvalid, output wire s_axis_grad_output_tready,
        input wire [15:0] s_axis_grad_output_tdata, input wire s_axis_grad_output_tlast,
        input wire s_axis_weight_tvalid, output wire s_axis_weight_tready,
        input wire [31:0] s_axis_weight_tdata, input wire s_axis_weight_tlast,
        output wire m_axis_grad_input_tvalid, input wire m_axis_grad_input_tready,
        output wire [47:0] m_axis_grad_input_tdata, output wire m_axis_grad_input_tlast,
        output wire busy, output wire frame_done, output wire error, output wire [5:0] error_cause";
    let chosen = "integer breaks;
        initial if (!$value$plusargs(\"break=%d\", breaks)) breaks = 0;
        reg flips = 1'b0;
        always @(posedge aclk) flips <= ~flips;";
    let engine = |net: &str, kept: &str| broken(net, kept, &ENGINE_BREAKS, 1);
    let outer = |net: &str, kept: &str| broken(net, kept, &OUTER_BREAKS, 101);
    let wrappers = format!(
        "module strided ({ports});
        {chosen}
        wire inner_tvalid, inner_tlast, inner_error, inner_busy;
        wire [47:0] inner_tdata;
        assign m_axis_grad_input_tvalid = {};
        assign m_axis_grad_input_tdata = {};
        assign m_axis_grad_input_tlast = {};
        assign error = {};
        assign busy = {};
        strided_inner inner (.m_axis_grad_input_tvalid(inner_tvalid), .m_axis_grad_input_tdata(inner_tdata),
          .m_axis_grad_input_tlast(inner_tlast), .error(inner_error), .busy(inner_busy), .*);
        endmodule
        module outer ({ports});
        {chosen}
        wire outer_tvalid = s_axis_grad_output_tvalid;
        wire outer_tlast = s_axis_grad_output_tlast;
        wire [15:0] outer_tdata = s_axis_grad_output_tdata;
        strided engine (.s_axis_grad_output_tvalid({}), .s_axis_grad_output_tdata({}),
          .s_axis_grad_output_tlast({}), .*);
        endmodule
",
        engine("m_axis_grad_input_tvalid", "inner_tvalid"),
        engine("m_axis_grad_input_tdata", "inner_tdata"),
        engine("m_axis_grad_input_tlast", "inner_tlast"),
        engine("error", "inner_error"),
        engine("busy", "inner_busy"),
        outer("grad_output_tvalid", "outer_tvalid"),
        outer("grad_output_tdata", "outer_tdata"),
        outer("grad_output_tlast", "outer_tlast"),
    );
    folder.write("wrappers.sv", &wrappers);
    verilate(
        &folder,
        "strided_tb",
        &["bench.v", "wrappers.sv", "inner.v", "strided_sva.sv"],
    );
    let said = with_break(&folder, 0);
    assert!(said.contains("PASS: 150 results"), "{said}");
    assert!(!said.contains("Error"), "{said}");
    let breaks = (1..).zip(ENGINE_BREAKS).chain((101..).zip(OUTER_BREAKS));
    for (number, (_, _, message)) in breaks {
        let said = with_break(&folder, number);
        let first = said.lines().find(|line| line.contains("Error"));
        assert!(
            first.is_some_and(|line| line.contains(message)),
            "{message}: {said}"
        );
    }
}

/// Breaks of the register bus: of what the engine drives, then of what the surroundings do.
const BUS_BREAKS: [(&str, &str, &str); 7] = [
    (
        "s_axi_bvalid",
        "inner_s_axi_bvalid & ~flips",
        "the engine changed or took back a response to a write",
    ),
    (
        "s_axi_rdata",
        "inner_s_axi_rdata ^ {32{flips}}",
        "the engine changed or took back an answer to a read",
    ),
    (
        "s_axi_rvalid",
        "inner_s_axi_rvalid | ~aresetn",
        "a response in reset",
    ),
    ("s_axi_bvalid", "1'b1", "a response in reset"),
    (
        "s_axi_bvalid",
        "inner_s_axi_bvalid | (aresetn & later)",
        "the engine answered a write that nobody asked for",
    ),
    (
        "s_axi_rvalid",
        "inner_s_axi_rvalid | (aresetn & later)",
        "the engine answered a read that nobody asked for",
    ),
    (
        "",
        "",
        "the surroundings changed or took back a write address",
    ),
];

#[test]
fn each_break_of_the_register_bus_is_named() {
    let folder = Emitted::new("engines/programmable.toml", &["--assertions"]);
    let text = folder.read("programmable.v");
    folder.write(
        "inner.v",
        &text.replace("module programmable (", "module programmable_inner ("),
    );
    let manifest: serde_json::Value =
        serde_json::from_str(&folder.read("programmable.json")).unwrap();
    let (mut ports, mut driven, mut nets) = (Vec::new(), Vec::new(), String::new());
    for port in manifest["ports"].as_array().unwrap() {
        let name = port["name"].as_str().unwrap();
        let range = format!("[{}:0]", port["width"].as_u64().unwrap() - 1);
        let direction = port["direction"].as_str().unwrap();
        ports.push(format!("{direction} wire {range} {name}"));
        if BUS_BREAKS.iter().any(|(of, _, _)| *of == name) {
            let value = broken(name, &format!("inner_{name}"), &BUS_BREAKS, 1);
            nets += &format!("wire {range} inner_{name};\nassign {name} = {value};\n");
            driven.push(format!(".{name}(inner_{name}), "));
        }
    }
    folder.write(
        "wrapper.sv",
        &format!(
            "module programmable ({});
            integer breaks, cycle = 0;
            initial if (!$value$plusargs(\"break=%d\", breaks)) breaks = 0;
            reg flips = 1'b0;
            wire later = cycle > 30;
            always @(posedge aclk) begin flips <= ~flips; cycle <= cycle + 1; end
            {nets}
            programmable_inner inner ({}.*);
            endmodule\n",
            ports.join(", "),
            driven.concat()
        ),
    );
    // A write and a read, taken late, with responses that wait some cycles.
    folder.write(
        "bench.sv",
        "`timescale 1ns / 1ps
        module bench;
          reg aclk = 0, aresetn = 0;
          always #5 aclk = ~aclk;
          integer cycle = 0, breaks;
          initial if (!$value$plusargs(\"break=%d\", breaks)) breaks = 0;
          always @(posedge aclk) begin
            cycle <= cycle + 1;
            aresetn <= cycle >= 4;
            if (cycle == 60) begin $display(\"PASS\"); $finish; end
          end
          reg awvalid = 0, wvalid = 0, arvalid = 0;
          reg [11:0] awaddr = 0;
          always @(posedge aclk) begin
            if (cycle == 8 || cycle == 12 || cycle == 16) {awvalid, wvalid, arvalid} <= 3'b111;
            else begin
              if (awvalid && s_axi_awready) awvalid <= 0;
              if (wvalid && s_axi_wready) wvalid <= 0;
              if (arvalid && s_axi_arready) arvalid <= 0;
            end
            if (breaks == 7) awaddr <= awaddr + 4;
          end
          wire s_axi_awready, s_axi_wready, s_axi_arready;
          programmable engine (.aclk, .aresetn, .s_axi_awvalid(awvalid), .s_axi_awready, .s_axi_awaddr(awaddr),
            .s_axi_wvalid(wvalid), .s_axi_wready, .s_axi_wdata(32'd0), .s_axi_wstrb(4'd0), .s_axi_arvalid(arvalid),
            .s_axi_arready, .s_axi_araddr('0), .s_axi_bready(cycle > 20), .s_axi_rready(cycle > 20));
        endmodule\n",
    );
    verilate(
        &folder,
        "bench",
        &["bench.sv", "wrapper.sv", "inner.v", "programmable_sva.sv"],
    );
    let said = with_break(&folder, 0);
    assert!(said.contains("PASS") && !said.contains("Error"), "{said}");
    for (number, (_, _, message)) in (1..).zip(BUS_BREAKS) {
        let said = with_break(&folder, number);
        let first = said.lines().find(|line| line.contains("Error"));
        assert!(
            first.is_some_and(|line| line.contains(message)),
            "{number}, {message}: {said}"
        );
    }
}

/// Breaks of the memory bus, numbered from 1 on; the bench below knows what each is.
const MEMORY_BREAKS: [&str; 10] = [
    "the engine changed or took back a read address",
    "the engine changed or took back a write address",
    "the engine changed or took back a word of a write",
    "the memory changed or took back a word of a read",
    "the memory changed or took back a response",
    "the engine asks in reset",
    "the engine reads a burst that is not of whole words, or crosses 4 KiB",
    "the engine writes a burst that is not of whole words, or crosses 4 KiB",
    "the memory gives a word that nobody asked for",
    "the memory answers a write that is not whole",
];

/// The rules alone, on a read and a write by hand: an engine takes no part.
#[test]
fn each_break_of_the_memory_bus_is_named() {
    let folder = Emitted::new("engines/memory.toml", &["--assertions"]);
    let manifest: serde_json::Value = serde_json::from_str(&folder.read("memory.json")).unwrap();
    let ports = manifest["ports"].as_array().unwrap().iter().map(|port| {
        let name = port["name"].as_str().unwrap();
        format!(
            "input wire [{}:0] {name}",
            port["width"].as_u64().unwrap() - 1
        )
    });
    let ports: Vec<String> = ports.collect();
    folder.write(
        "memory_ports.sv",
        &format!("module memory ({});\nendmodule\n", ports.join(", ")),
    );
    folder.write(
        "bench.sv",
        "`timescale 1ns / 1ps
        module bench;
          reg aclk = 0;
          always #5 aclk = ~aclk;
          integer t = 0, breaks;
          initial if (!$value$plusargs(\"break=%d\", breaks)) breaks = 0;
          always @(posedge aclk) begin
            t <= t + 1;
            if (t == 30) begin $display(\"PASS\"); $finish; end
          end
          memory engine (.aclk, .aresetn(t >= 4),
            .m_axi_arvalid(t == 8 || t == 9 || breaks == 6 && t == 2), .m_axi_arready(t == 9),
            .m_axi_araddr(breaks == 7 ? 32'hff8 : breaks == 1 && t == 9 ? 32'd8 : 32'd0), .m_axi_arlen(8'd3),
            .m_axi_arsize(3'd3), .m_axi_arburst(2'd1),
            .m_axi_rvalid(t >= 12 && t <= 16 || breaks == 9 && t == 7), .m_axi_rready(t != 12), .m_axi_rlast(t == 16),
            .m_axi_rdata(64'(breaks == 4 && t == 13)),
            .m_axi_awvalid(t == 8 || t == 9 && breaks != 2), .m_axi_awready(t == 9),
            .m_axi_awaddr(breaks == 8 ? 32'd4 : 32'd0), .m_axi_awlen(8'd0), .m_axi_awsize(3'd3), .m_axi_awburst(2'd1),
            .m_axi_wvalid(t == 10 || t == 11), .m_axi_wready(t == 11), .m_axi_wlast(1'b1), .m_axi_wstrb(8'hff),
            .m_axi_wdata(64'(breaks == 3 && t == 11)),
            .m_axi_bvalid(t == 14 || t == 15 && breaks != 5 || breaks == 10 && t == 10), .m_axi_bready(t == 15),
            .m_axi_arid(0), .m_axi_awid(0), .m_axi_rid(0), .m_axi_bid(0), .m_axi_rresp(0), .m_axi_bresp(0),
            .busy(1'b0), .frame_done(1'b0), .error(1'b0), .error_cause(0), .s_axi_awvalid(1'b0), .s_axi_wvalid(1'b0),
            .s_axi_arvalid(1'b0), .s_axi_bvalid(1'b0), .s_axi_rvalid(1'b0));
        endmodule\n",
    );
    verilate(
        &folder,
        "bench",
        &["bench.sv", "memory_ports.sv", "memory_sva.sv"],
    );
    let said = with_break(&folder, 0);
    assert!(said.contains("PASS") && !said.contains("Error"), "{said}");
    for (number, message) in (1..).zip(MEMORY_BREAKS) {
        let said = with_break(&folder, number);
        let first = said.lines().find(|line| line.contains("Error"));
        assert!(
            first.is_some_and(|line| line.contains(message)),
            "{number}, {message}: {said}"
        );
    }
}
