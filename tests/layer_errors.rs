//! What a user is told about a layer that cannot be: in the file, as flags, or in a list.

use std::path::Path;

use bpa_engine::layer::{LayerArgs, LayerFile};
use bpa_engine::layer_list::{self, Lanes};
use bpa_engine::network::NetworkFile;
use bpa_engine::programmable::EngineFile;
use clap::Parser;
use insta::assert_snapshot;

/// A valid layer to spoil: rows of 8, columns of 9.
const VALID: &str = "[layer]
in_channels = 6
out_channels = 4
in_size = [8, 9]
kernel = [3, 2]
";

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    layer: LayerArgs,
}

fn read(text: &str) -> Result<LayerFile, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layer.toml");
    std::fs::write(&path, text).unwrap();
    LayerFile::read(&path).map_err(|error| without(folder.path(), &error))
}

fn without(folder: &Path, error: &dyn std::error::Error) -> String {
    error
        .to_string()
        .replace(&format!("{}/", folder.display()), "")
}

/// The message for the flags, given over the valid layer.
fn error(flags: &str) -> String {
    let file = read(VALID).unwrap();
    file.validate().unwrap();
    error_of(flags, file)
}

fn error_of(flags: &str, file: LayerFile) -> String {
    let words = ["program"].into_iter().chain(flags.split_whitespace());
    let args = Program::try_parse_from(words).unwrap().layer;
    args.over(file).validate().unwrap_err().to_string()
}

#[test]
fn missing_keys() {
    let nothing = LayerFile::default;
    let mut all = Vec::new();
    let mut flags = String::new();
    for given in ["", " --in-channels 1", " --out-channels 1", " --in-size 1"] {
        flags += given;
        all.push(error_of(&flags, nothing()));
    }
    assert_snapshot!(all.join("\n"), @r"
    `layer.in_channels` is missing: give it in the layer file, or as --in-channels
    `layer.out_channels` is missing: give it in the layer file, or as --out-channels
    `layer.in_size` is missing: give it in the layer file, or as --in-size
    `layer.kernel` is missing: give it in the layer file, or as --kernel
    ");
}

#[test]
fn flags_alone_make_a_layer_and_override_every_key() {
    let flags = "program --name n --in-channels 4 --out-channels 8 --in-size 56,57 --kernel 3 --stride 2,1 \
        --dilation 1,2 --padding 1,2,3,4 --groups 2 --out-size 5,6 --simd 4 --pe 2 --grad-type int4 \
        --weight-type int5 --weight-sets 2 --packed-multipliers";
    let args = Program::try_parse_from(flags.split_whitespace())
        .unwrap()
        .layer;
    assert!(!args.is_empty());
    let layer = args.clone().over(LayerFile::default()).validate().unwrap();
    assert_snapshot!(layer.to_file().to_toml(), @r#"
    name = "n"

    [layer]
    in_channels = 4
    out_channels = 8
    in_size = [56, 57]
    kernel = [3, 3]
    stride = [2, 1]
    dilation = [1, 2]
    padding = [1, 2, 3, 4]
    groups = 2
    out_size = [5, 6]

    [engine]
    simd = 4
    pe = 2
    grad_type = "int4"
    weight_type = "int5"
    weight_sets = 2
    packed_multipliers = true
    "#);
    assert_eq!(args.over(read(VALID).unwrap()).validate().unwrap(), layer);
}

#[test]
fn flags_that_are_no_numbers() {
    let message = |flags: [&str; 2]| {
        let words = ["program"].into_iter().chain(flags);
        Program::try_parse_from(words).err().unwrap().to_string()
    };
    assert_snapshot!(message(["--kernel", "3,x"]), @r"
    error: invalid value '3,x' for '--kernel <R,S>': expected one integer, or 2 (rows, columns) separated by commas

    For more information, try '--help'.
    ");
    assert_snapshot!(message(["--padding", "1,2,3"]), @r"
    error: invalid value '1,2,3' for '--padding <TOP,BOTTOM,LEFT,RIGHT>': expected one integer, or 2 (top and bottom, left and right) or 4 (top, bottom, left, right) separated by commas

    For more information, try '--help'.
    ");
    assert_snapshot!(message(["--groups", "two"]), @r"
    error: invalid value 'two' for '--groups <GROUPS>': expected an integer

    For more information, try '--help'.
    ");
}

#[test]
fn zero_and_absurd_sizes() {
    let flags = [
        "--in-channels 0",
        "--in-channels 65536",
        "--out-channels=-1",
        "--out-channels 9223372036854775807",
        "--in-size 0,8",
        "--in-size 8,65536",
        "--kernel 0,1",
        "--kernel 1,4096",
        "--stride 0",
        "--stride 1,4096",
        "--dilation 0",
        "--dilation 1,4096",
        "--padding=0,0,0,-1",
        "--padding 0,4096,0,0",
        "--out-size 0,1",
        "--out-size 1,65536",
        "--groups 0",
    ];
    assert_snapshot!(flags.map(error).join("\n"), @r"
    `layer.in_channels` is 0: it must be from 1 to 65535
    `layer.in_channels` is 65536: it must be from 1 to 65535
    `layer.out_channels` is -1: it must be from 1 to 65535
    `layer.out_channels` is 9223372036854775807: it must be from 1 to 65535
    `layer.in_size` (rows) is 0: it must be from 1 to 65535
    `layer.in_size` (columns) is 65536: it must be from 1 to 65535
    `layer.kernel` (rows) is 0: it must be from 1 to 4095
    `layer.kernel` (columns) is 4096: it must be from 1 to 4095
    `layer.stride` (rows) is 0: it must be from 1 to 4095
    `layer.stride` (columns) is 4096: it must be from 1 to 4095
    `layer.dilation` (rows) is 0: it must be from 1 to 4095
    `layer.dilation` (columns) is 4096: it must be from 1 to 4095
    `layer.padding` (right) is -1: it must be from 0 to 4095
    `layer.padding` (bottom) is 4096: it must be from 0 to 4095
    `layer.out_size` (rows) is 0: it must be from 1 to 65535
    `layer.out_size` (columns) is 65536: it must be from 1 to 65535
    `layer.groups` is 0: it must be from 1 to 65535
    ");
}

#[test]
fn sizes_that_do_not_agree() {
    let flags = [
        "--kernel 9,1",
        // One pixel too long at stride 2: a truncating division of -1 by 2 would make this one output.
        "--kernel 9,1 --stride 2",
        "--dilation 1,9",
        "--out-size 7,1",
        "--out-size 1,9",
        "--in-size 65535,1 --padding 4,0,1,0",
        "--groups 4",
        "--groups 3",
    ];
    assert_snapshot!(flags.map(error).join("\n"), @r"
    `layer.kernel` (rows) does not fit: with its dilation it spans 9 pixels, but in_size plus padding is 8; use a smaller kernel or dilation, or more padding
    `layer.kernel` (rows) does not fit: with its dilation it spans 9 pixels, but in_size plus padding is 8; use a smaller kernel or dilation, or more padding
    `layer.kernel` (columns) does not fit: with its dilation it spans 10 pixels, but in_size plus padding is 9; use a smaller kernel or dilation, or more padding
    `layer.out_size` (rows) is 7: in_size, kernel, stride, dilation and padding give 6, so it must be from 1 to 6
    `layer.out_size` (columns) is 9: in_size, kernel, stride, dilation and padding give 8, so it must be from 1 to 8
    `layer.out_size` (rows, as it is not given) is 65537: it must be from 1 to 65535
    `layer.groups` is 4: it must divide `layer.in_channels`, which is 6
    `layer.groups` is 3: it must divide `layer.out_channels`, which is 4
    ");
}

#[test]
fn lanes_above_what_a_group_has() {
    let flags = [
        "--simd 0",
        "--simd 5",
        "--pe 7",
        "--groups 2 --simd 3",
        "--groups 2 --pe 4",
        "--groups 6 --out-channels 12 --simd 3",
        "--groups 6 --out-channels 12 --pe 7",
        "--in-channels 1000 --out-channels 1000 --simd 100 --pe 100",
        "--in-channels 5000 --out-channels 5000 --simd 5000 --grad-type int16 --weight-type int2",
    ];
    assert_snapshot!(flags.map(error).join("\n"), @r"
    `engine.simd` is 0: it must be from 1 to 4 (out_channels / groups)
    `engine.simd` is 5: it must be from 1 to 4 (out_channels / groups)
    `engine.pe` is 7: it must be from 1 to 6 (in_channels / groups)
    `engine.simd` is 3: it must be from 1 to 2 (out_channels / groups)
    `engine.pe` is 4: it must be from 1 to 3 (in_channels / groups)
    `engine.simd` is 3: it must be from 1 to 2 (out_channels / groups)
    `engine.pe` is 7: it must be from 1 to 6 (groups, as the layer is depthwise)
    `engine.simd` = 100 and `engine.pe` = 100 make 80000 bits a beat of the weight stream: at most 65536 are possible, so use fewer lanes
    `engine.simd` = 5000 and `engine.pe` = 1 make 80000 bits a beat of the grad_output stream: at most 65536 are possible, so use fewer lanes
    ");
}

#[test]
fn types() {
    let flags = ["--grad-type int1", "--weight-type float32"];
    assert_snapshot!(flags.map(error).join("\n"), @r#"
    `engine.grad_type` is "int1": it must be one of "int2" to "int16"
    `engine.weight_type` is "float32": it must be one of "int2" to "int16"
    "#);
}

#[test]
fn packing() {
    let flags = [
        "--pe 1",
        "--pe 3",
        "--pe 2 --weight-type int9",
        "--pe 2 --grad-type int16 --weight-type int5",
        "--out-channels 6 --groups 6 --pe 2",
    ];
    let error = |flags| error(&format!("--packed-multipliers {flags}"));
    assert_snapshot!(flags.map(error).join("\n"), @r"
    `engine.packed_multipliers` pairs lanes, and `engine.pe` is 1: make it or `engine.pixels` even, or leave packing out
    `engine.packed_multipliers` pairs lanes, and `engine.pe` is 3: make it or `engine.pixels` even, or leave packing out
    `engine.packed_multipliers` has room for 24 bits, those of `engine.grad_type` and twice those of `engine.weight_type`: int8 and int9 take 26; use narrower types, or leave packing out
    `engine.packed_multipliers` has room for 24 bits, those of `engine.grad_type` and twice those of `engine.weight_type`: int16 and int5 take 26; use narrower types, or leave packing out
    `engine.packed_multipliers` pairs lanes over C that share a gradient, and in a depthwise layer no lanes do: make `engine.pixels` even, which pairs pixels, or leave packing out
    ");
}

#[test]
fn output_stages() {
    let flags = [
        "--out-type float16 --shift 3",
        "--out-type int17 --shift 3",
        "--out-type int8",
        "--out-type int8 --shift 49",
        "--out-type int8 --shift=-1",
        "--out-type int8 --shift 33 --rounding stochastic",
        "--out-type int8 --shift 0 --rounding stochastic",
        "--out-type int8 --shift 3 --rounding up",
        "--out-type int8 --shift 3 --scale-per layer",
        "--out-type int8 --shift 3 --scale-bits 17",
        "--out-type int8 --shift 3 --scale-bits 1",
        "--shift 3",
        "--scale-bits 8",
        "--scale-per channel",
        "--rounding floor",
    ];
    assert_snapshot!(flags.map(error).join("\n"), @r#"
    `engine.out_type` is "float16": it must be "accumulator", or one of "int2" to "int16"
    `engine.out_type` is "int17": it must be "accumulator", or one of "int2" to "int16"
    `engine.shift` is missing: `engine.out_type` = "int8" needs it; give it in the layer file, or as --shift
    `engine.shift` is 49: it must be from 0 to 48
    `engine.shift` is -1: it must be from 0 to 48
    `engine.shift` (with stochastic rounding) is 33: it must be from 1 to 32
    `engine.shift` (with stochastic rounding) is 0: it must be from 1 to 32
    `engine.rounding` is "up": it must be one of "nearest_even", "floor", "stochastic"
    `engine.scale_per` is "layer": it must be one of "tensor", "channel"
    `engine.scale_bits` is 17: it must be from 2 to 16
    `engine.scale_bits` is 1: it must be from 2 to 16
    `engine.shift` is given, but nothing is scaled: set `engine.out_type` to one of "int2" to "int16", or leave `engine.shift` out
    `engine.scale_bits` is given, but nothing is scaled: set `engine.out_type` to one of "int2" to "int16", or leave `engine.scale_bits` out
    `engine.scale_per` is given, but nothing is scaled: set `engine.out_type` to one of "int2" to "int16", or leave `engine.scale_per` out
    `engine.rounding` is given, but nothing is scaled: set `engine.out_type` to one of "int2" to "int16", or leave `engine.rounding` out
    "#);
}

#[test]
fn quantised_layers() {
    let flags = [
        "--zero-point 128",
        "--zero-point=-129",
        "--grad-type int4 --zero-point 8",
        "--grad-type int16 --zero-point 1",
        "--pass forward --input-type int16 --zero-point 1",
        "--packed-multipliers --pe 2 --zero-point 1",
        "--out-zero-point 3",
        "--activation relu",
        "--out-min 3",
        "--out-max 3",
        "--out-type int4 --shift 3 --out-zero-point 8",
        "--out-type int4 --shift 3 --activation tanh",
        "--out-type int4 --shift 3 --out-min 0",
        "--out-type int4 --shift 3 --out-max 0",
        "--out-type int4 --shift 3 --activation relu --out-max 3",
        "--out-type int4 --shift 3 --activation relu --out-min 0",
        "--out-type int4 --shift 3 --activation relu6",
        "--out-type int4 --shift 3 --activation relu6 --out-min 0 --out-max 5",
        "--out-type int4 --shift 3 --activation relu6 --out-zero-point=-2 --out-max=-3",
        "--out-type int4 --shift 3 --activation clamp --out-max 5",
        "--out-type int4 --shift 3 --activation clamp --out-min 5",
        "--out-type int4 --shift 3 --activation clamp --out-min=-9 --out-max 5",
        "--out-type int4 --shift 3 --activation clamp --out-min 1 --out-max 8",
        "--out-type int4 --shift 3 --activation clamp --out-min 1 --out-max 0",
    ];
    assert_snapshot!(flags.map(error).join("\n"), @r#"
    `engine.zero_point` (int8) is 128: it must be from -128 to 127
    `engine.zero_point` (int8) is -129: it must be from -128 to 127
    `engine.zero_point` (int4) is 8: it must be from -8 to 7
    `engine.zero_point` is 1, and values less a zero point have a bit more than `engine.grad_type`: int16 leaves none, int15 is the widest that does
    `engine.zero_point` is 1, and values less a zero point have a bit more than `engine.input_type`: int16 leaves none, int15 is the widest that does
    `engine.packed_multipliers` has room for 24 bits, those of `engine.grad_type`, one more for `engine.zero_point`, and twice those of `engine.weight_type`: int8 and int8 take 25; use narrower types, or leave packing out
    `engine.out_zero_point` is given, but nothing is scaled: set `engine.out_type` to one of "int2" to "int16", or leave `engine.out_zero_point` out
    `engine.activation` is given, but nothing is scaled: set `engine.out_type` to one of "int2" to "int16", or leave `engine.activation` out
    `engine.out_min` is given, but nothing is scaled: set `engine.out_type` to one of "int2" to "int16", or leave `engine.out_min` out
    `engine.out_max` is given, but nothing is scaled: set `engine.out_type` to one of "int2" to "int16", or leave `engine.out_max` out
    `engine.out_zero_point` (int4) is 8: it must be from -8 to 7
    `engine.activation` is "tanh": it must be one of "relu", "relu6", "clamp"
    `engine.out_min` is 0, but no activation has bounds: set `engine.activation` to "clamp", or leave `engine.out_min` out
    `engine.out_max` is 0, but no activation has bounds: set `engine.activation` to "relu6" or "clamp", or leave `engine.out_max` out
    `engine.out_max` is 3, but "relu" keeps what is not below `engine.out_zero_point`: set `engine.activation` to "relu6" or "clamp", or leave `engine.out_max` out
    `engine.out_min` is 0, but "relu" keeps what is not below `engine.out_zero_point`: set `engine.activation` to "clamp", or leave `engine.out_min` out
    `engine.out_max` is missing: `engine.activation` = "relu6" needs it, the value of `engine.out_type` that stands for 6; give it in the layer file, or as --out-max
    `engine.out_min` is 0, but "relu6" begins at `engine.out_zero_point`: set `engine.activation` to "clamp", or leave `engine.out_min` out
    `engine.out_max` is -3: it must not be less than `engine.out_zero_point`, which is -2, or no value is left
    `engine.out_min` is missing: `engine.activation` = "clamp" needs it, the least value that leaves; give it in the layer file, or as --out-min
    `engine.out_max` is missing: `engine.activation` = "clamp" needs it, the greatest value that leaves; give it in the layer file, or as --out-max
    `engine.out_min` (int4) is -9: it must be from -8 to 7
    `engine.out_max` (int4) is 8: it must be from -8 to 7
    `engine.out_max` is 0: it must not be less than `engine.out_min`, which is 1, or no value is left
    "#);
}

/// With stages behind it, an accumulator and what is made of it have to fit 64 bits.
#[test]
fn output_stages_of_wide_accumulators() {
    let wide = "--in-channels 1 --out-channels 65535 --in-size 400 --kernel 400 --grad-type int16 --weight-type int16";
    let flags = [
        format!("{wide} --with-mask --simd 4000"),
        "--in-channels 4200 --pe 4200 --grad-type int2 --weight-type int2 --with-accumulate"
            .to_owned(),
    ];
    assert_snapshot!(flags.map(|flags| error(&flags)).join("\n"), @r"
    the layer is too large: bits of an accumulator with a stage behind it would be 65, and at most 63 are possible
    `engine.simd` = 1 and `engine.pe` = 4200 make 67200 bits a beat of the grad_input stream: at most 65536 are possible, so use fewer lanes
    ");
}

/// A flag turns an option of the file off as well as on.
#[test]
fn options_are_overridden_both_ways() {
    let given = |flags: &str, text: &str| {
        let file = read(&format!("{VALID}[engine]\n{text}")).unwrap();
        let words = ["program"].into_iter().chain(flags.split_whitespace());
        let args = Program::try_parse_from(words).unwrap().layer;
        let layer = args.over(file).validate().unwrap();
        (layer.accumulate(), layer.mask())
    };
    assert_eq!(given("", "accumulate = true"), (true, false));
    assert_eq!(given("--with-accumulate --with-mask", ""), (true, true));
    let off = "--with-accumulate=false --with-mask=false";
    assert_eq!(given(off, "accumulate = true\nmask = true"), (false, false));
}

/// The words of a layer file come back as they were.
#[test]
fn output_stages_survive_a_round_trip() {
    let engine = "[engine]\nzero_point = -4\nbias = true\naccumulate = true\nmask = true\nout_type = \"int5\"\n\
        scale_per = \"channel\"\nscale_bits = 7\nshift = 9\nrounding = \"stochastic\"\nout_zero_point = -3\n\
        activation = \"clamp\"\nout_min = -8\nout_max = 7\n";
    let layer = read(&format!("{VALID}{engine}"))
        .unwrap()
        .validate()
        .unwrap();
    let file = layer.to_file();
    assert_eq!(file.validate().unwrap(), layer);
    let text = file.to_toml();
    for line in engine.lines().skip(1) {
        assert!(text.contains(line), "{line} in {text}");
    }
    // Defaults are stated, once anything is scaled; nothing is where nothing is.
    let engine = "[engine]\nout_type = \"int8\"\nshift = 1";
    let text = read(&format!("{VALID}{engine}"))
        .unwrap()
        .validate()
        .unwrap()
        .to_file()
        .to_toml();
    assert!(text.contains("scale_bits = 16") && text.contains("rounding = \"nearest_even\""));
    assert!(text.contains("scale_per = \"tensor\""));
    let text = read(VALID).unwrap().validate().unwrap().to_file().to_toml();
    for key in [
        "accumulate",
        "mask",
        "out_type",
        "scale",
        "shift",
        "rounding",
        "zero_point",
        "bias",
        "activation",
        "out_m",
    ] {
        assert!(!text.contains(key), "{key} in {text}");
    }
}

#[test]
fn names() {
    let long = format!("--name {}", "a".repeat(65));
    let flags = [
        "--name 2d",
        "--name a-b",
        "--name wire",
        "--name logic",
        "--name busy",
        "--name é",
        &long,
    ];
    let empty = "--name=";
    let mut all: Vec<String> = flags.map(error).into();
    all.push(error(empty));
    assert_snapshot!(all.join("\n"), @r#"
    `name` is "2d", which is no Verilog identifier: use a letter or underscore, then letters, digits and underscores, 64 characters at most
    `name` is "a-b", which is no Verilog identifier: use a letter or underscore, then letters, digits and underscores, 64 characters at most
    `name` is "wire", a keyword of Verilog or SystemVerilog: use another, like "wire_engine"
    `name` is "logic", a keyword of Verilog or SystemVerilog: use another, like "logic_engine"
    `name` is "busy", which engines have a port or net for: use another, like "busy_engine"
    `name` is "é", which is no Verilog identifier: use a letter or underscore, then letters, digits and underscores, 64 characters at most
    `name` is "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", which is no Verilog identifier: use a letter or underscore, then letters, digits and underscores, 64 characters at most
    `name` is "", which is no Verilog identifier: use a letter or underscore, then letters, digits and underscores, 64 characters at most
    "#);
}

#[test]
fn products_that_overflow() {
    let flags = [
        "--in-size 65535 --kernel 1",
        "--in-size 65535 --kernel 1 --stride 4000",
        "--in-channels 65535 --out-channels 65535 --kernel 1",
        "--in-size 4000 --padding 2000 --kernel 4000 --in-channels 1 --out-channels 1",
    ];
    assert_snapshot!(flags.map(error).join("\n"), @r"
    the layer is too large: beats of grad_output in a frame would be 17179344900, and at most 2147483648 are possible
    the layer is too large: beats of grad_input in a frame would be 25769017350, and at most 2147483648 are possible
    the layer is too large: words of weights would be 4294836225, and at most 2147483648 are possible
    the layer is too large: cycles of a frame would be 144048004000000, and at most 1099511627776 are possible
    ");
}

#[test]
fn files_that_are_no_layer_files() {
    let texts = [
        "[layer]\nin_channel = 3",
        "[layers]\n",
        "[engine]\nlanes = [3, 4]",
        "[layer]\nkernel_size = 3",
        "[layer]\nkernel = [1, 2, 3]",
        "[layer]\npadding = [1, 1, 1]",
        "[layer]\n\n# a comment\nkernel = \"3x3\"",
        "[layer]\nkernel = [1, 2.5]",
        "[layer]\nin_channels = 3.5",
        "[layer]\nin_channels = { c = 3 }",
        "[layer]\nin_channels = [3]",
        "[layer]\nin_channels = 99999999999999999999",
        "[layer]\nkernel = true",
        "[engine]\ngrad_type = 8",
        "[engine]\nmask = \"yes, expected\"",
        "engine = \"engine.toml\"",
        "layer = 3",
        "name = 3",
        "[layer]\nkernel = 3\nkernel = 4",
        "[layer",
        "\u{89}PNG",
    ];
    let messages = texts.map(|text| read(text).unwrap_err());
    assert_snapshot!(messages.join("\n"), @r#"
    layer.toml:2: unknown key `in_channel`: expected one of `op`, `pass`, `in_channels`, `out_channels`, `in_size`, `kernel`, `stride`, `dilation`, `padding`, `groups`, `batch`, `out_size`, `output_padding`
    layer.toml:1: unknown key `layers`: expected one of `name`, `layer`, `engine`
    layer.toml:2: unknown key `lanes`: here they are `simd` and `pe` in [engine]
    layer.toml:2: unknown key `kernel_size`: the size of the kernel is `kernel`
    layer.toml:2: `layer.kernel` has 3 items: it must be one integer, or a list of 2 (rows, columns)
    layer.toml:2: `layer.padding` has 3 items: it must be one integer, or a list of 2 (top and bottom, left and right) or 4 (top, bottom, left, right)
    layer.toml:4: `layer.kernel` is "3x3": it must be one integer, or a list of 2 (rows, columns)
    layer.toml:2: `layer.kernel` is 2.5: it must be an integer
    layer.toml:2: `layer.in_channels` is 3.5: it must be an integer
    layer.toml:2: `layer.in_channels` is a table: it must be an integer
    layer.toml:2: `layer.in_channels` is a list: it must be an integer
    layer.toml:2: `layer.in_channels` is 99999999999999999999: it must be an integer
    layer.toml:2: `layer.kernel` is true: it must be one integer, or a list of 2 (rows, columns)
    layer.toml:2: `engine.grad_type` is 8: it must be a text in quotes
    layer.toml:2: `engine.mask` is "yes, expected": it must be true or false
    layer.toml:1: `engine` is "engine.toml": it must be a table
    layer.toml:1: `layer` is 3: it must be a table
    layer.toml:1: `name` is 3: it must be a text in quotes
    layer.toml:3: duplicate key
    layer.toml:1: unclosed table, expected `]`
    layer.toml:1: key with no value, expected `=`
    "#);
}

/// Each kind of file in the place of each other.
#[test]
fn files_of_another_kind_are_told_with_who_takes_them() {
    let kinds = [
        "[layer]\nin_channels = 3",
        "[engine]\nmode = \"programmable\"",
        "name = \"n\"\n[[layer]]\nname = \"a\"\nconv = { kernel = 3 }",
        "[[layer]]\nname = \"a\"\nlanes = [1, 1]",
    ];
    let messages = kinds.map(|text| {
        let mut all = Vec::new();
        let mut add = |error: Option<String>| all.extend(error);
        let said = |error: &dyn std::error::Error| error.to_string();
        add(LayerFile::parse(text, "f").err().map(|it| said(&it)));
        add(EngineFile::parse(text, "f").err().map(|it| said(&it)));
        add(NetworkFile::parse(text, "f").err().map(|it| said(&it)));
        add(layer_list::parse(text, "f").err().map(|it| said(&it)));
        assert_eq!(all.len(), 3, "{text}: {all:?}");
        all.join("\n")
    });
    assert_snapshot!(messages.join("\n"), @r"
    f: this is the file of a layer, not of a programmable engine; gen-verilog takes it, and run, verify, estimate and synth of bpa
    f: this is the file of a layer, not of a network; gen-verilog takes it, and run, verify, estimate and synth of bpa
    f: this is the file of a layer, not of a list of layers; gen-verilog takes it, and run, verify, estimate and synth of bpa
    f: this is the file of a programmable engine, not of a layer; gen-verilog takes it, and `--engine` of estimate, bench and run-network
    f: this is the file of a programmable engine, not of a network; gen-verilog takes it, and `--engine` of estimate, bench and run-network
    f: this is the file of a programmable engine, not of a list of layers; gen-verilog takes it, and `--engine` of estimate, bench and run-network
    f: this is the file of a network, not of a layer; `bpa run-network` takes it, and `bpa explore`
    f: this is the file of a network, not of a programmable engine; `bpa run-network` takes it, and `bpa explore`
    f: this is the file of a network, not of a list of layers; `bpa run-network` takes it, and `bpa explore`
    f: this is the file of a list of layers, not of a layer; `bpa bench --layers` takes it
    f: this is the file of a list of layers, not of a programmable engine; `bpa bench --layers` takes it
    f: this is the file of a list of layers, not of a network; `bpa bench --layers` takes it
    ");
}

#[test]
fn a_file_that_is_not_there() {
    let error = LayerFile::read(Path::new("no/such/layer.toml")).unwrap_err();
    assert_snapshot!(error, @"no/such/layer.toml: cannot read the file: No such file or directory (os error 2)");
}

/// On one engine for all, whose lanes count.
#[test]
fn a_list_for_an_engine_needs_no_lanes() {
    let parse = |lanes, text| layer_list::parse_for(lanes, text, "list");
    let lanes = "[[layer]]\nname = \"a\"\nlanes = [2, 3]";
    for (text, own) in [(lanes, true), ("[[layer]]\nname = \"a\"", false)] {
        assert_eq!(parse(Lanes::Own, text).is_ok(), own);
        assert_eq!(parse(Lanes::OfAnEngine, text).unwrap()[0].name, "a");
    }
    assert!(parse(Lanes::OfAnEngine, &lanes.replace("2, 3", "2")).is_err());
}

#[test]
fn lists() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.toml");
    let message = |text: &str| {
        std::fs::write(&path, text).unwrap();
        without(folder.path(), &layer_list::read(&path).unwrap_err())
    };
    let texts = [
        "[[layer]]\nlanes = [1, 1]",
        "\n[[layer]]\nname = \"a\"",
        "[[layer]]\nname = \"a\"\nlanes = [1]",
        "[[layer]]\nname = \"a\"\nlanes = 1",
        "[[layer]]\nname = \"a\"\nlanes = [1, 1]\nstrides = 2",
        "[[layer]]\nname = \"a\"\nlanes = [1, 1]\nkernel = \"3\"",
        "[[layer]]\nname = 3\nlanes = [1, 1]",
        "layer = [3]",
        "[[layers]]\nname = \"a\"",
        "[[layer]]\n[engine]\nsimd = 3",
        "",
    ];
    assert_snapshot!(texts.map(message).join("\n"), @r#"
    list.toml:1: layer 1: `name` is missing: give `name = "..."`, what tables call it
    list.toml:2: layer 1 ("a"): `lanes` is missing: give `lanes = [simd, pe]`, its lanes over out_channels and over in_channels, like [1, 1]
    list.toml:3: `lanes` has 1 item: it must be [simd, pe] or [simd, pe, pixels]
    list.toml:3: `lanes` is 1: it must be a list
    list.toml:4: unknown key `strides`: expected one of `op`, `pass`, `in_channels`, `out_channels`, `in_size`, `kernel`, `stride`, `dilation`, `padding`, `groups`, `batch`, `out_size`, `output_padding`
    list.toml:4: `kernel` is "3": it must be one integer, or a list of 2 (rows, columns)
    list.toml:2: `name` is 3: it must be a text in quotes
    list.toml:1: `layer` is 3: it must be a table
    list.toml:1: unknown key `layers`: expected `layer`
    list.toml:2: unknown key `engine`: expected `layer`
    list.toml:1: `layer` is missing
    "#);
}
