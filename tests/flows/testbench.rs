//! Promise: the testbench passes the engine and fails what is a little wrong in it or around it, with a message that
//! says what.

use crate::{root, Emitted};

/// What the testbench says of Verilog in which this pin of the result is driven by this value of what the core gives.
fn with_pin(folder: &Emitted, [pin, range, value]: [&str; 3]) -> String {
    let verilog = folder.read("requantised.v");
    let port = format!("m_axis_grad_input_{pin}");
    let bound = format!("({port})");
    let head = verilog.find("\n);\n").expect("the end of the ports") + "\n);\n".len();
    let (ports, body) = verilog.split_at(head);
    assert!(
        body.contains(&bound),
        "an edit that no longer applies: {bound}"
    );
    let body = body.replacen(&bound, "(core)", 1);
    let driven = format!("  wire {range} core;\n  assign {port} = {value};\n");
    folder.write("edited.v", &(ports.to_owned() + &driven + &body));
    run(folder, "edited.v")
}

fn run(folder: &Emitted, verilog: &str) -> String {
    let words = [
        "iverilog",
        "-g2005",
        "-o",
        "run.vvp",
        "requantised_tb.v",
        verilog,
    ];
    assert_eq!(folder.run(&words), "");
    folder.run(&["vvp", "-n", "run.vvp", "+back_pressure=50"])
}

#[test]
fn what_is_wrong_is_named() {
    let folder = Emitted::new("requantised.toml", &["--testbench"]);
    let said = run(&folder, "requantised.v");
    assert!(said.starts_with("PASS: 720 results, "), "{said}");
    for (pin, what) in [
        (["tdata", "[31:0]", "core ^ 32'd1"], "a wrong value"),
        (
            ["tdata", "[31:0]", "m_axis_grad_input_tready ? core : 32'd0"],
            "a result changed while it waited",
        ),
        (["tlast", "", "~core"], "a wrong tlast"),
        (["tvalid", "", "core | ~aresetn"], "not quiet in reset"),
        (["tvalid", "", "core & 1'bx"], "an unknown flag"),
        (["tvalid", "", "core & 1'b0"], "stuck"),
    ] {
        let said = with_pin(&folder, pin);
        assert!(
            said.starts_with(&format!("FAIL: {what}, in cycle ")),
            "{pin:?}: {said}"
        );
    }
    // Another expectation of the last beat.
    let beats = folder.read("requantised_m_axis_grad_input.hex");
    let mut lines: Vec<&str> = beats
        .lines()
        .filter(|line| !line.starts_with("//"))
        .collect();
    lines[719] = "00000000";
    folder.write(
        "requantised_m_axis_grad_input.hex",
        &(lines.join("\n") + "\n"),
    );
    let said = run(&folder, "requantised.v");
    assert!(
        said.contains("FAIL: a wrong value") && said.contains("after 719 results"),
        "{said}"
    );
}

#[test]
fn a_programmable_engine_has_no_testbench() {
    let folder = Emitted::new("strided.toml", &[]);
    let engine = root().join("examples/engines/programmable.toml");
    for flag in ["--testbench", "--cocotb"] {
        let (code, said) = folder.emit(&engine, &[flag]);
        assert_eq!(code, 2);
        assert!(
            said.contains(&format!("`{flag}` sends the arrays of a layer")),
            "{said}"
        );
    }
    assert!(!folder.path().join("programmable.v").exists());
}

/// The same flags give the same bytes, and another seed other vectors.
#[test]
fn vectors_are_those_of_the_seed() {
    let name = "strided_s_axis_grad_output.hex";
    let vectors = |flags: &[&str]| Emitted::new("strided.toml", flags).read(name);
    let first = vectors(&["--testbench"]);
    assert_eq!(first, vectors(&["--cocotb", "--seed", "0"]));
    assert_ne!(first, vectors(&["--testbench", "--seed", "1"]));
}

#[test]
fn constraints_are_those_of_the_device() {
    for (device, file, line) in [
        ("ice40-up5k", "strided.pcf", "set_frequency aclk 12.5"),
        (
            "ecp5-85k",
            "strided.lpf",
            "FREQUENCY PORT \"aclk\" 12.5 MHZ;",
        ),
        (
            "gowin-gw2a",
            "strided.sdc",
            "create_clock -name aclk -period 80.000 [get_ports {aclk}]",
        ),
        (
            "xilinx-xc7",
            "strided.xdc",
            "create_clock -name aclk -period 80.000 [get_ports {aclk}]",
        ),
        (
            "generic",
            "strided.sdc",
            "create_clock -name aclk -period 80.000 [get_ports {aclk}]",
        ),
    ] {
        let folder = Emitted::new(
            "strided.toml",
            &["--constraints", "12.5", "--target", device],
        );
        assert!(folder.read(file).lines().any(|it| it == line), "{device}");
    }
    let folder = Emitted::new("strided.toml", &[]);
    for mhz in ["0", "-1", "1e9", "nan", "fast"] {
        let flag = format!("--constraints={mhz}");
        let (code, said) = folder.emit(&root().join("examples/strided.toml"), &[&flag]);
        assert_eq!(code, 2);
        assert!(
            said.contains("expected a frequency in MHz, above 0 and at most 2000"),
            "{said}"
        );
    }
}

/// Wide and deep enough that text files would be no help.
#[test]
fn a_layer_that_is_too_large_says_so() {
    let folder = Emitted::new("strided.toml", &[]);
    let layer = folder.path().join("vast.toml");
    folder.write(
        "vast.toml",
        "name = \"vast\"\n[layer]\nin_channels = 256\nout_channels = 256\nin_size = [1024, 1024]\nkernel = 1\n",
    );
    let (code, said) = folder.emit(&layer, &["--testbench"]);
    assert_eq!(code, 2);
    assert!(
        said.contains("the layer is too large for a test bench"),
        "{said}"
    );
    assert!(!folder.path().join("vast.v").exists());
}
