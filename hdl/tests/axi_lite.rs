//! Promise: the AXI4-Lite slave keeps the rules of the bus, whatever master and bank do. `scripts/formal` proves them by
//! induction for the emitted text, and refuses a slave that is a little wrong.

use std::path::Path;
use std::process::{Command, Output};

use bpa_hdl::registers::axi_lite::axi_lite;
use bpa_hdl::rtl::print_verilog;

const ADDRESS_BITS: usize = 6;

/// The verdict of the prover on this text.
fn prove(verilog: &str) -> Output {
    let file = tempfile::Builder::new().suffix(".v").tempfile().unwrap();
    std::fs::write(file.path(), verilog).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/formal/axi_lite.sh");
    Command::new(script)
        .arg(file.path())
        .args(["slave", &ADDRESS_BITS.to_string()])
        .output()
        .unwrap()
}

fn slave() -> String {
    print_verilog(&axi_lite("slave", ADDRESS_BITS))
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

#[test]
fn the_slave_keeps_the_rules() {
    let output = prove(&slave());
    assert!(output.status.success(), "{}", text(&output));
}

/// Each edit breaks one rule.
#[test]
fn a_slave_that_breaks_a_rule_is_refused() {
    let edits = [
        (
            "a response that does not wait",
            "wrote = bvalid_q & s_axi_bready",
            "wrote = bvalid_q",
        ),
        (
            "a response without data",
            "aw_held_q & w_held_q &",
            "aw_held_q &",
        ),
        (
            "data that wait for the address",
            "w_ready_d = ~w_held_d",
            "w_ready_d = ~w_held_d & aw_held_d",
        ),
        (
            "a second address",
            "aw_ready_d = ~aw_held_d",
            "aw_ready_d = 1'd1",
        ),
        (
            "valid in reset",
            "rvalid_q <= 1'd0;",
            "rvalid_q <= rvalid_d;",
        ),
        (
            "ready in reset",
            "ar_ready_q <= 1'd0;",
            "ar_ready_q <= 1'd1;",
        ),
        (
            "data that move",
            "if (read_asked_q & read_answered) begin",
            "if (read_answered) begin",
        ),
        (
            "a request that is forgotten",
            "read_asked_d = ar_held_q & ~rvalid_q",
            "read_asked_d = ar_held_q & ~rvalid_q & (read_asked_q | s_axi_rready)",
        ),
        (
            "strobes that are lost",
            "write_strobe_d = s_axi_wstrb",
            "write_strobe_d = 4'd15",
        ),
        (
            "a refusal that is lost",
            "bad_read_d = read_refused",
            "bad_read_d = 1'd0",
        ),
    ];
    println!(
        "| AXI4-Lite slave | the rules of the bus, whatever master and bank do | proved by induction | {} broken copies refuted |",
        edits.len()
    );
    for (what, from, to) in edits {
        let good = slave();
        assert_eq!(good.matches(from).count(), 1, "{what}: `{from}`");
        let output = prove(&good.replace(from, to));
        let said = text(&output);
        assert!(!output.status.success(), "{what} passes");
        assert!(said.contains("failed for slave"), "{what}: {said}");
    }
}
