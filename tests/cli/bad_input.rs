//! Input that cannot be: a clear message, exit code 2, and nothing half-written.

use std::process::Command;

use crate::{json_refusal, npy, npy_of_bytes, numbers, ran, refusal, Folder, GRAD_OUTPUT_SHAPE};
use insta::assert_snapshot;

/// The message of `gen-verilog` for flags over the tiny layer; nothing is written.
fn emission(flags: &str) -> String {
    let folder = Folder::new();
    let before = folder.names();
    let message = refusal(&mut folder.gen_verilog(&format!("tiny.toml --out made {flags}")));
    assert_eq!(folder.names(), before);
    // The simulator's program refuses in the same words.
    let words = format!("estimate tiny.toml --json {flags}");
    assert_eq!(json_refusal(&mut folder.bpa(&words)), message);
    message
}

#[test]
fn packed_multipliers_on_devices_without() {
    for device in ["ice40-up5k", "ice40-hx8k", "ecp5-85k", "gowin-gw2a"] {
        let folder = Folder::new();
        let flags = format!("tiny.toml --packed-multipliers --target {device}");
        let message = refusal(&mut folder.gen_verilog(&flags));
        assert!(
            message.contains(device) && message.contains("25 x 18"),
            "{message}"
        );
        // Prediction and synthesis are refused in the same words.
        for command in ["estimate", "synth"] {
            assert_eq!(
                refusal(&mut folder.bpa(&format!("{command} {flags}"))),
                message
            );
        }
    }
}

#[test]
fn layers() {
    let flags = [
        "--in-size 0",
        "--in-size 65536",
        "--kernel 4096",
        "--stride 0",
        "--padding=-1",
        "--kernel 9",
        "--out-size 0",
        "--out-size 3,4",
        "--groups 2",
        "--simd 4",
        "--pe 3",
        "--name 2d",
        "--name module",
        "--grad-type float32",
        "--in-size 60000 --kernel 1",
        "--in-channels 65535 --out-channels 65535 --kernel 3",
        "--output-padding 1",
    ];
    assert_snapshot!(flags.map(emission).concat(), @r#"
    error: `layer.in_size` (rows) is 0: it must be from 1 to 65535
    error: `layer.in_size` (rows) is 65536: it must be from 1 to 65535
    error: `layer.kernel` (rows) is 4096: it must be from 1 to 4095
    error: `layer.stride` (rows) is 0: it must be from 1 to 4095
    error: `layer.padding` (top) is -1: it must be from 0 to 4095
    error: `layer.kernel` (rows) does not fit: with its dilation it spans 9 pixels, but in_size plus padding is 5; use a smaller kernel or dilation, or more padding
    error: `layer.out_size` (rows) is 0: it must be from 1 to 65535
    error: `layer.out_size` (rows) is 3: in_size, kernel, stride, dilation and padding give 2, so it must be from 1 to 2
    error: `layer.groups` is 2: it must divide `layer.out_channels`, which is 3
    error: `engine.simd` is 4: it must be from 1 to 3 (out_channels / groups)
    error: `engine.pe` is 3: it must be from 1 to 2 (in_channels / groups)
    error: `name` is "2d", which is no Verilog identifier: use a letter or underscore, then letters, digits and underscores, 64 characters at most
    error: `name` is "module", a keyword of Verilog or SystemVerilog: use another, like "module_engine"
    error: `engine.grad_type` is "float32": it must be one of "int2" to "int16"
    error: the layer is too large: beats of grad_output in a frame would be 3600180002, and at most 2147483648 are possible
    error: the layer is too large: words of weights would be 9663676416, and at most 2147483648 are possible
    error: `layer.output_padding` is given, but `layer.op` is not "conv_transpose": it is not needed, as `in_size` is the size of grad_input, whichever of those that give the same grad_output
    "#);
}

#[test]
fn layer_files() {
    let folder = Folder::new();
    folder.write("unknown.toml", "[layer]\nstrides = 2\n");
    folder.write("missing.toml", "[layer]\nin_channels = 2\n");
    folder.write("binary.toml", [0xff, 0xfe, 0x00]);
    let before = folder.names();
    let files = ["unknown.toml", "missing.toml", "binary.toml", "none.toml"];
    let messages = files.map(|file| refusal(&mut folder.gen_verilog(file)));
    assert_snapshot!(messages.concat(), @r"
    error: unknown.toml:2: unknown key `strides`: expected one of `op`, `pass`, `in_channels`, `out_channels`, `in_size`, `kernel`, `stride`, `dilation`, `padding`, `groups`, `batch`, `out_size`, `output_padding`
    error: missing.toml:1: `layer.out_channels` is missing: give it in the layer file, or as --out-channels
    error: binary.toml: cannot read the file: stream did not contain valid UTF-8
    error: none.toml: cannot read the file: No such file or directory (os error 2)
    ");
    assert_eq!(folder.names(), before);
}

/// A value is told with the line of its key, in each kind of file; one that a flag gives with none.
#[test]
fn values_have_places() {
    let folder = Folder::new();
    folder.write(
        "layer.toml",
        crate::LAYER.replace("kernel = [2, 3]", "kernel = [2, 0]"),
    );
    let engine = "[engine]\nmode = \"programmable\"\nsimd = 2\n[limits]\n";
    folder.write("engine.toml", format!("{engine}# no kernel\nkernel = 0\n"));
    folder.write("good.toml", engine);
    folder.write(
        "narrow.toml",
        "[engine]\nmode = \"programmable\"\nout_type = \"int8\"\nshift = 3",
    );
    folder.write(
        "bus.toml",
        "[engine]\nmode = \"programmable\"\nbus = \"axi4\"",
    );
    let list = "[[layer]]\nname = \"a\"\nlanes = [1, 1]\nin_channels = 1\nout_channels = 1\nin_size = 5\nkernel = 1\n";
    folder.write(
        "kernel_list.toml",
        format!("{list}\n{}", list.replace("kernel = 1", "kernel = 6")),
    );
    folder.write("lanes_list.toml", list.replace("[1, 1]", "[1, 2]"));
    folder.write("no_lanes_list.toml", list.replace("lanes = [1, 1]\n", ""));
    let network = "name = \"n\"\nframes = 1\n[[layer]]\nname = \"a\"\nconv = { in_channels = 1, out_channels = 1, in_size = 5,\n kernel = 1 }\n";
    folder.write(
        "kernel_net.toml",
        network.replace("kernel = 1", "kernel = 6"),
    );
    folder.write(
        "frames_net.toml",
        network.replace("frames = 1", "frames = 0"),
    );
    folder.write(
        "large_net.toml",
        network.replace("in_size = 5", "in_size = 300"),
    );
    folder.write(
        "twice_net.toml",
        format!("{network}{}", network.split_once("1\n").unwrap().1),
    );
    folder.write(
        "from_net.toml",
        network.replace("\"a\"\n", "\"a\"\nfrom = [\"z\"]\n"),
    );
    folder.write(
        "array_net.toml",
        network.replace("\"a\"\n", "\"a\"\nweight = \"none.npy\"\n"),
    );
    let words = [
        "estimate layer.toml",
        "estimate layer.toml --kernel 0,1",
        "estimate layer.toml --kernel 3 --in-channels 65535 --out-channels 65535",
        "estimate tiny.toml --in-size 1",
        "estimate tiny.toml --engine engine.toml",
        "estimate layer.toml --engine good.toml",
        "estimate tiny.toml --engine narrow.toml",
        "bench --engine narrow.toml",
        "bench --engine bus.toml",
        "run-network kernel_net.toml --engine narrow.toml",
        "bench --layers kernel_list.toml",
        "bench --layers kernel_list.toml --engine good.toml",
        "bench --layers lanes_list.toml",
        "bench --layers no_lanes_list.toml",
        "run-network kernel_net.toml --engine good.toml",
        "run-network frames_net.toml --engine good.toml",
        "run-network large_net.toml --engine good.toml",
        "run-network twice_net.toml --engine good.toml",
        "run-network from_net.toml --engine good.toml",
        "run-network array_net.toml --engine good.toml",
    ];
    let messages = words.map(|words| refusal(&mut folder.bpa(words)));
    assert_snapshot!(messages.concat(), @r#"
    error: layer.toml:6: `layer.kernel` (columns) is 0: it must be from 1 to 4095
    error: `layer.kernel` (rows) is 0: it must be from 1 to 4095
    error: the layer is too large: words of weights would be 9663676416, and at most 2147483648 are possible
    error: tiny.toml:6: `layer.kernel` (columns) does not fit: with its dilation it spans 3 pixels, but in_size plus padding is 2; use a smaller kernel or dilation, or more padding
    error: engine.toml:6: `limits.kernel` (rows) is 0: it must be from 1 to 4095
    error: layer.toml:6: `layer.kernel` (columns) is 0: it must be from 1 to 4095
    error: narrow.toml:3: the engine makes its results int8 (`engine.out_type`), and here they are wanted as they are: "accumulator"
    error: narrow.toml:3: the engine makes its results int8 (`engine.out_type`), and here they are wanted as they are: "accumulator"
    error: bus.toml:3: the engine has memory instead of streams (`engine.bus`), and here streams are needed: leave it out
    error: kernel_net.toml: the engine makes its results int8 (`engine.out_type`), which is for `passes = ["forward"]` alone: gradients are made of sums, "accumulator"
    error: kernel_list.toml:15: layer "a": `layer.kernel` (rows) does not fit: with its dilation it spans 6 pixels, but in_size plus padding is 5; use a smaller kernel or dilation, or more padding
    error: kernel_list.toml:15: layer "a": `layer.kernel` (rows) does not fit: with its dilation it spans 6 pixels, but in_size plus padding is 5; use a smaller kernel or dilation, or more padding
    error: lanes_list.toml:3: layer "a": `engine.pe` is 2: it must be from 1 to 1 (in_channels / groups)
    error: no_lanes_list.toml:1: layer 1 ("a"): `lanes` is missing: give `lanes = [simd, pe]`, its lanes over out_channels and over in_channels, like [1, 1]
    error: kernel_net.toml:6: layer "a": `layer.kernel` (rows) does not fit: with its dilation it spans 6 pixels, but in_size plus padding is 5; use a smaller kernel or dilation, or more padding
    error: frames_net.toml:2: `frames` is 0: it must be from 1 to 1000
    error: large_net.toml:5: layer "a": the layer fits in no tiles: the smallest needs rows of grad_input = 300, and the engine has `limits.size` = 256; 300 would do
    error: twice_net.toml:8: two layers are called "a": give each a name of its own
    error: from_net.toml:3: layer "a" is the first and consumes the gradient of the loss: it can have no `from`, `skip` or `shift`
    error: array_net.toml:3: layer "a": none.npy: cannot read: No such file or directory (os error 2)
    "#);
    assert_snapshot!(refusal(&mut folder.gen_verilog("engine.toml")), @"error: engine.toml:6: `limits.kernel` (rows) is 0: it must be from 1 to 4095");
    assert_snapshot!(refusal(&mut folder.gen_verilog("layer.toml")), @"error: layer.toml:6: `layer.kernel` (columns) is 0: it must be from 1 to 4095");
}

/// Every program tells what it was given from what it takes.
#[test]
fn files_of_another_kind() {
    let folder = Folder::new();
    folder.write("engine.toml", "[limits]");
    folder.write("list.toml", "[[layer]]\nname = \"a\"\nlanes = [1, 1]");
    folder.write(
        "net.toml",
        "name = \"n\"\n[[layer]]\nname = \"a\"\nconv = { kernel = 1 }",
    );
    let mut commands = [
        folder.gen_verilog("net.toml"),
        folder.gen_verilog("list.toml"),
        folder.bpa("estimate engine.toml"),
        folder.bpa("verify net.toml"),
        folder.bpa("synth list.toml --target generic"),
        folder.bpa("estimate tiny.toml --engine net.toml"),
        folder.bpa("bench --engine tiny.toml"),
        folder.bpa("bench --layers tiny.toml"),
        folder.bpa("bench --layers net.toml"),
        folder.bpa("run-network engine.toml"),
        folder.bpa("run-network net.toml --engine list.toml"),
    ];
    let messages: Vec<String> = commands.iter_mut().map(refusal).collect();
    assert_snapshot!(messages.concat(), @r"
    error: net.toml: this is the file of a network, not of a layer; `bpa run-network` takes it, and `bpa explore`
    error: list.toml: this is the file of a list of layers, not of a layer; `bpa bench --layers` takes it
    error: engine.toml: this is the file of a programmable engine, not of a layer; gen-verilog takes it, and `--engine` of estimate, bench and run-network
    error: net.toml: this is the file of a network, not of a layer; `bpa run-network` takes it, and `bpa explore`
    error: list.toml: this is the file of a list of layers, not of a layer; `bpa bench --layers` takes it
    error: net.toml: this is the file of a network, not of a programmable engine; `bpa run-network` takes it, and `bpa explore`
    error: tiny.toml: this is the file of a layer, not of a programmable engine; gen-verilog takes it, and run, verify, estimate and synth of bpa
    error: tiny.toml: this is the file of a layer, not of a list of layers; gen-verilog takes it, and run, verify, estimate and synth of bpa
    error: net.toml: this is the file of a network, not of a list of layers; `bpa run-network` takes it, and `bpa explore`
    error: engine.toml: this is the file of a programmable engine, not of a network; gen-verilog takes it, and `--engine` of estimate, bench and run-network
    error: list.toml: this is the file of a list of layers, not of a programmable engine; `bpa bench --layers` takes it
    ");
}

#[test]
fn command_lines() {
    let folder = Folder::new();
    let first_line = |mut command: Command| {
        let message = refusal(&mut command);
        message.lines().next().unwrap().to_owned() + "\n"
    };
    let emission = [
        "--kernels 3",
        "--kernel 3,x",
        "--groups two",
        "a.toml b.toml",
    ]
    .map(|words| first_line(folder.gen_verilog(words)));
    assert_snapshot!(emission.concat(), @r"
    error: unexpected argument '--kernels' found
    error: invalid value '3,x' for '--kernel <R,S>': expected one integer, or 2 (rows, columns) separated by commas
    error: invalid value 'two' for '--groups <GROUPS>': expected an integer
    error: unexpected argument 'b.toml' found
    ");
    let simulation = [
        "simulate tiny.toml",
        "estimate",
        "run tiny.toml --grad-output dy.npy --weight w.npy",
        "verify tiny.toml --stall-input 1",
        "verify tiny.toml --stall-input=-0.1",
        "verify tiny.toml --stall-output nan",
        "verify tiny.toml --stall-output much",
        "verify tiny.toml --frames 0",
        "verify tiny.toml --in-size 65535,20000",
        "verify tiny.toml --seed=-1",
        "estimate tiny.toml --check",
    ]
    .map(|words| first_line(folder.bpa(words)));
    assert_snapshot!(simulation.concat(), @r"
    error: unrecognized subcommand 'simulate'
    error: there is no layer: give a layer file, or flags like --in-channels (see --help)
    error: `--grad-input` is missing: the pass grad_input writes an .npy file of the shape (N, C, H, W)
    error: invalid value '1' for '--stall-input <P>': expected a probability from 0 up to, but not including, 1
    error: invalid value '-0.1' for '--stall-input <P>': expected a probability from 0 up to, but not including, 1
    error: invalid value 'nan' for '--stall-output <P>': expected a probability from 0 up to, but not including, 1
    error: invalid value 'much' for '--stall-output <P>': expected a probability from 0 up to, but not including, 1
    error: invalid value '0' for '--frames <N>': expected an integer from 1 to 1000000
    error: the layer is too large: the arrays of a frame would hold 4587381696 values, and at most 2147483648 are possible
    error: invalid value '-1' for '--seed <SEED>': expected an integer from 0 to 18446744073709551615
    error: unexpected argument '--check' found
    ");
    assert!(refusal(&mut folder.bpa("")).contains("Usage: bpa"));
}

/// Every flag with a number says which numbers it takes, and a number below zero is a value like others.
#[test]
fn numbers_of_flags() {
    let folder = Folder::new();
    let run = "run tiny.toml --grad-output dy.npy --weight w.npy --grad-input da.npy";
    let words = [
        "verify tiny.toml --seed abc",
        "verify tiny.toml --seed -1",
        "verify tiny.toml --frames 1e6",
        "estimate tiny.toml --frames -3",
        "verify tiny.toml --stall-input -0.5",
        "bench --frames 2",
        "bench --jobs 0",
        "run-network none.toml --seed 18446744073709551616",
        "synth tiny.toml --target generic --seeds 1001",
        "estimate tiny.toml --simd 99999999999999999999",
        &format!("{run} --rounding-seed 2147483648"),
        // These are integers, and no layer's.
        "estimate tiny.toml --padding -5,1,0,0",
        "estimate tiny.toml --kernel -1",
        "estimate tiny.toml --groups -2",
        "estimate tiny.toml --out-type int8 --shift -3",
    ];
    let first_lines = words.map(|words| {
        let message = refusal(&mut folder.bpa(words));
        // The same is said where JSON is wanted.
        let json = json_refusal(&mut folder.bpa(&format!("{words} --json")));
        let line = message.lines().next().unwrap();
        assert_eq!(json.lines().next().unwrap(), line);
        line.to_owned() + "\n"
    });
    assert_snapshot!(first_lines.concat(), @r"
    error: invalid value 'abc' for '--seed <SEED>': expected an integer from 0 to 18446744073709551615
    error: invalid value '-1' for '--seed <SEED>': expected an integer from 0 to 18446744073709551615
    error: invalid value '1e6' for '--frames <N>': expected an integer from 1 to 1000000
    error: invalid value '-3' for '--frames <N>': expected an integer from 1 to 1000000
    error: invalid value '-0.5' for '--stall-input <P>': expected a probability from 0 up to, but not including, 1
    error: invalid value '2' for '--frames <N>': expected an integer from 3 to 1000
    error: invalid value '0' for '--jobs <N>': expected an integer from 1 up
    error: invalid value '18446744073709551616' for '--seed <SEED>': expected an integer from 0 to 18446744073709551615
    error: invalid value '1001' for '--seeds <N>': expected an integer from 0 to 1000
    error: invalid value '99999999999999999999' for '--simd <LANES>': expected an integer
    error: invalid value '2147483648' for '--rounding-seed <SEED>': expected an integer from 0 to 2147483647
    error: `layer.padding` (top) is -5: it must be from 0 to 4095
    error: `layer.kernel` (rows) is -1: it must be from 1 to 4095
    error: `layer.groups` is -2: it must be from 1 to 65535
    error: `engine.shift` is -3: it must be from 0 to 48
    ");
}

/// What people know from elsewhere is understood, or what is meant here is said.
#[test]
fn flags_from_elsewhere() {
    let folder = Folder::new();
    let message = |mut command: Command| {
        let message = refusal(&mut command);
        let end = message.find("\n\nUsage:").unwrap();
        message[..end].to_owned() + "\n"
    };
    let messages = [
        folder.bpa("estimate tiny.toml --output_padding 1"),
        folder.bpa("estimate tiny.toml --kernel-size 3"),
        folder.bpa("estimate tiny.toml --in_size 3"),
        folder.bpa("run tiny.toml -o da.npy"),
        folder.bpa("estimate tiny.toml --nonsense"),
    ]
    .map(message);
    assert_snapshot!(messages.concat(), @r"
    error: unexpected argument '--output_padding' found

      tip: '--output-padding' is for '--op conv_transpose'; else '--in-size' is the size of grad_input, whichever of those that give the same grad_output
    error: unexpected argument '--kernel-size' found

      tip: the size of the kernel is '--kernel'
    error: unexpected argument '--in_size' found

      tip: a similar argument exists: '--in-size'
    error: unexpected argument '-o' found

      tip: the result of run goes to '--grad-input', the chart of bench to '--chart', what synth leaves to '--keep'
    error: unexpected argument '--nonsense' found
    ");
    assert_eq!(ran(&mut folder.gen_verilog("tiny.toml -o short")).code, 0);
    assert!(folder.has("short/tiny.v"));
    let json = |padding: &str| {
        let words = format!("estimate tiny.toml --json --padding {padding}");
        ran(&mut folder.bpa(&words)).stdout
    };
    assert_eq!(json("1,2"), json("1,1,2,2"));
    assert_ne!(json("1,2"), json("2,2,1,1"));
}

/// A JSON object is all that a program says there, whatever happens.
#[test]
fn errors_as_json() {
    let folder = Folder::new();
    folder.write("none.toml", "[layer]\n");
    let run = "run tiny.toml --weight w.npy --grad-input da.npy --grad-output";
    for words in [
        "estimate",
        "verify none.toml",
        "verify absent.toml",
        "verify tiny.toml --frames 0",
        "verify tiny.toml b.toml",
        "run tiny.toml",
        &format!("{run} absent.npy"),
        "bench --layers absent.toml",
        "bench --engine absent.toml",
        "run-network absent.toml",
        "synth tiny.toml",
        "synth none.toml --target generic",
    ] {
        let json = json_refusal(&mut folder.bpa(&format!("{words} --json")));
        let people = refusal(&mut folder.bpa(words));
        assert!(
            people.starts_with(json.trim_end()),
            "{words}: {json}{people}"
        );
        // Before `--` it is a flag, and behind it a file.
        let file = refusal(&mut folder.bpa(&format!("{words} -- --json")));
        assert!(file.starts_with("error: "), "{file}");
    }
    let help = ran(&mut folder.bpa("verify --json --help"));
    assert_eq!((help.code, help.stderr.as_str()), (0, ""));
    assert!(help.stdout.contains("Usage: bpa verify"));
}

/// Nobody listens: the program ends as it would, and says nothing of it.
#[test]
fn a_reader_that_has_gone_away() {
    let folder = Folder::new();
    folder.write("none.toml", "[layer]\n");
    for (words, code) in [
        ("estimate tiny.toml --json", 0),
        ("estimate tiny.toml", 0),
        ("estimate tiny.toml --target ice40-up5k --simd 3 --pe 2 --weight-type int16 --json --kernel 60 --in-size 100", 1),
        ("estimate none.toml --json", 2),
        ("--help", 0),
        ("estimate --nonsense --json", 2),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = folder.bpa(words).stdout(writer).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{words}: {stderr}");
        assert!(!stderr.contains("ipe"), "{words}: {stderr}");
    }
}

#[test]
fn help_and_version_are_no_errors() {
    let folder = Folder::new();
    for command in [
        folder.gen_verilog("--help"),
        folder.gen_verilog("--version"),
        folder.bpa("--help"),
        folder.bpa("run --help"),
        folder.bpa("--version"),
    ] {
        let mut command = command;
        let ran = ran(&mut command);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        assert!(!ran.stdout.is_empty());
    }
}

#[test]
fn output_folders_that_cannot_be_written() {
    let folder = Folder::new();
    folder.write("file", "");
    std::fs::create_dir_all(folder.path().join("taken/tiny.json")).unwrap();
    let before = folder.names();
    let message = ["file", "file/below", "taken"]
        .map(|out| refusal(folder.gen_verilog("tiny.toml --out").arg(out)));
    assert_snapshot!(message.concat(), @r"
    error: file: cannot write: file is a file, where a folder is needed
    error: file/below: cannot write: file is a file, where a folder is needed
    error: taken/tiny.json: cannot write: is a directory
    ");
    assert_eq!(folder.names(), before);
    // Every other folder of results likewise.
    let kept = refusal(&mut folder.bpa("synth tiny.toml --target generic --keep file/below"));
    assert_eq!(kept.lines().next(), Some(message[1].trim_end()));
    // Not even the file that could have been written.
    let taken = std::fs::read_dir(folder.path().join("taken")).unwrap();
    assert_eq!(taken.count(), 1);
}

/// The message of `bpa run` with another file in the place of grad_output.
fn array(bytes: &[u8]) -> String {
    let folder = Folder::new();
    folder.write("bad.npy", bytes);
    let words = "run tiny.toml --grad-output bad.npy --weight w.npy --grad-input da.npy --json";
    // Bad arrays are found before a simulator is asked for.
    let message = json_refusal(folder.bpa(words).env("VERILATOR", "/no/verilator"));
    assert!(!folder.has("da.npy"));
    message
}

#[test]
fn arrays() {
    let [frames, k, p, q] = GRAD_OUTPUT_SHAPE;
    let values = || -> Vec<i8> {
        numbers(GRAD_OUTPUT_SHAPE)
            .map(|value| value as i8)
            .collect()
    };
    let good = npy("|i1", false, GRAD_OUTPUT_SHAPE, values());
    let wide: Vec<u8> = numbers(GRAD_OUTPUT_SHAPE)
        .flat_map(|value| (value as i16 * 10).to_le_bytes())
        .collect();
    let files = [
        npy("|i1", false, [frames, k, q, p], values()),
        npy("|i1", false, [0, k, p, q], vec![]),
        npy_of_bytes("|i1", false, &[k, p, q], &[0; 24]),
        npy_of_bytes("<f4", false, &GRAD_OUTPUT_SHAPE, &[0; 192]),
        npy_of_bytes("<i2", false, &GRAD_OUTPUT_SHAPE, &wide),
        good[..good.len() - 1].to_vec(),
        good[..20].to_vec(),
        b"not an array".to_vec(),
        vec![],
    ];
    let messages = files.map(|bytes| array(&bytes));
    assert_snapshot!(messages.concat(), @r"
    error: bad.npy: grad_output (N, K, P, Q) must have the shape [N, 3, 2, 4] of the layer, but its shape is [2, 3, 4, 2]
    error: bad.npy: grad_output holds no frame: its shape is [0, 3, 2, 4], and N must be at least 1
    error: bad.npy: grad_output must have 4 axes (N, K, P, Q), but its shape is [3, 2, 4]
    error: bad.npy: grad_output must be an array of integers, but its type is '<f4'
    error: bad.npy: grad_output[0, 0, 0, 0] is -200, but int8 holds -128 to 127
    error: bad.npy: truncated: the shape [2, 3, 2, 4] of grad_output needs 48 bytes of data, but there are 47
    error: bad.npy: not an .npy file: its header is truncated
    error: bad.npy: not an .npy file: magic not found for NPY file
    error: bad.npy: not an .npy file: magic not found for NPY file
    ");
}

#[test]
fn files_of_a_run_that_are_not_there() {
    let folder = Folder::new();
    let words = [
        "--grad-output none.npy --weight w.npy --grad-input da.npy",
        "--grad-output dy.npy --weight dy.npy --grad-input da.npy",
        "--grad-output dy.npy --weight w.npy --grad-input none/da.npy",
        "--grad-output dy.npy --weight w.npy --grad-input .",
    ];
    let messages = words.map(|words| {
        let mut command = folder.bpa(&format!("run tiny.toml {words}"));
        refusal(command.env("VERILATOR", "/no/verilator"))
    });
    assert_snapshot!(messages.concat(), @r"
    error: none.npy: cannot read: No such file or directory (os error 2)
    error: dy.npy: weight (K, C/groups, R, S) must have the shape [3, 2, 2, 3] of the layer, but its shape is [2, 3, 2, 4]
    error: none/da.npy: cannot write: No such file or directory (os error 2)
    error: .: cannot write: is a directory
    ");
    assert!(!folder.has("da.npy"));
}

/// An array for each stage that is there, none for one that is not.
#[test]
fn arrays_of_output_stages() {
    let folder = Folder::new();
    let before = folder.names();
    let run = "run tiny.toml --grad-output dy.npy --weight w.npy --grad-input da.npy";
    let flags = [
        "--bias b.npy",
        "--scale s.npy",
        "--accumulate skip.npy",
        "--mask relu.npy",
        "--rounding-seed 3",
        "--out-type int8 --shift 3",
        "--with-bias",
        "--with-accumulate",
        "--with-mask",
        "--out-type int8 --shift 3 --scale s.npy",
    ];
    let messages = flags.map(|flags| refusal(&mut folder.bpa(&format!("{run} {flags}"))));
    assert_snapshot!(messages.concat(), @r#"
    error: `--bias` is b.npy, but the layer has no use for it: `engine.bias` is not set
    error: `--scale` is s.npy, but the layer has no use for it: `engine.out_type` is not set
    error: `--accumulate` is skip.npy, but the layer has no use for it: `engine.accumulate` is not set
    error: `--mask` is relu.npy, but the layer has no use for it: `engine.mask` is not set
    error: `--rounding-seed` is given, but the layer does not round at random: `engine.rounding` is not "stochastic"
    error: `--scale` is missing: the layer sets `engine.out_type`, so give it an .npy file
    error: `--bias` is missing: the layer sets `engine.bias`, so give it an .npy file
    error: `--accumulate` is missing: the layer sets `engine.accumulate`, so give it an .npy file
    error: `--mask` is missing: the layer sets `engine.mask`, so give it an .npy file
    error: s.npy: cannot read: No such file or directory (os error 2)
    "#);
    assert_eq!(folder.names(), before);
}
