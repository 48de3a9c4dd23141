//! What is wrong with an engine file, or with a layer for its engine, is said with the key and what would be right.

use bpa_engine::layer::{Geometry, LayerFile, PerItem};
use bpa_engine::programmable::{EngineFile, NoFit, ProgrammableEngine, UsedStages};
use insta::assert_snapshot;

fn file(text: &str) -> EngineFile {
    EngineFile::parse(text, "engine.toml").unwrap()
}

fn mistake(text: &str) -> String {
    file(text).validate().unwrap_err().to_string()
}

#[test]
fn every_key_has_a_default_and_survives_writing() {
    let file = file("[engine]\nmode = \"programmable\"");
    assert!(file.validate().is_ok());
    assert_eq!(self::file(&file.to_toml()), file);
    let full = file.validate().unwrap().to_file();
    assert_eq!(full.limits.steps, PerItem([32; 2]));
    assert_eq!(self::file(&full.to_toml()), full);
    assert_eq!(full.validate().unwrap(), file.validate().unwrap());
    assert!(EngineFile::is_meant(&file.to_toml()));
    // A mode that is written wrong is told as such, and limits are of no layer.
    for meant in ["[engine]\nmode = \"programable\"", "[limits]"] {
        assert!(EngineFile::is_meant(meant), "{meant}");
    }
    for other in ["", "[engine]\nsimd = 2", "engine = 3", "["] {
        assert!(!EngineFile::is_meant(other), "{other}");
    }
}

#[test]
fn a_number_outside_its_range_is_named() {
    assert_snapshot!(mistake("[limits]\nline_words = 1"), @"`limits.line_words` is 1: it must be from 2 to 16777216");
    assert_snapshot!(mistake("[limits]\nsize = [64, 0]"), @"`limits.size` (columns) is 0: it must be from 2 to 65535");
    assert_snapshot!(mistake("[limits]\nkernel = -3"), @"`limits.kernel` (rows) is -3: it must be from 1 to 4095");
    assert_snapshot!(mistake("[limits]\nsteps = 7"), @"`limits.steps` (rows) is 7: it must be from 8 to 1024");
    assert_snapshot!(mistake("[limits]\nzero_run = 0"), @"`limits.zero_run` is 0: it must be from 1 to 2147483647");
    assert_snapshot!(mistake("[engine]\nsimd = 0"), @"`engine.simd` is 0: it must be from 1 to 65535");
}

#[test]
fn other_mistakes_are_named() {
    assert_snapshot!(mistake("[limits]\nfifo_results = 48"), @"`limits.fifo_results` is 48: it must be a power of two");
    assert_snapshot!(mistake("[engine]\nmode = \"fixed\""), @r#"`engine.mode` is "fixed": with limits it must be "programmable""#);
    assert_snapshot!(mistake("[engine]\ngrad_type = \"int1\""), @r#"`engine.grad_type` is "int1": it must be one of "int2" to "int16""#);
    assert_snapshot!(
        mistake("[engine]\nsimd = 100\npe = 100"),
        @"`engine.simd` = 100 and `engine.pe` = 100 make 80000 bits a beat of the weight stream: at most 65536 are possible, so use fewer lanes"
    );
    assert_snapshot!(mistake("[engine]\nbus = \"wishbone\""), @r#"`engine.bus` is "wishbone": the one that there is is "axi4"; without the key, the engine has streams"#);
    assert_snapshot!(mistake("[engine]\nbus = \"axi4\"\nbus_bits = 48"), @"`engine.bus_bits` is 48: it must be 32, 64, 128, 256 or 512");
    assert_snapshot!(mistake("[engine]\nbus_bits = 64"), @r#"`engine.bus_bits` is given, but there is no bus: set `engine.bus` to "axi4", or leave it out"#);
    assert_snapshot!(mistake("[engine]\npixels = 33"), @"`engine.pixels` is 33: it must be from 1 to 32");
    assert_snapshot!(mistake("[engine]\npixels = 2\n[limits]\nstretch_beats = 1"), @"`limits.stretch_beats` is 1: it must be from 2 to 4096");
    assert_snapshot!(mistake("[limits]\nstretch_beats = 8"), @"`limits.stretch_beats` is given, but there is one lane over pixels: set `engine.pixels`, or leave it out");
    assert_snapshot!(mistake("[engine]\npixels = 2\nbus = \"axi4\""), @"`engine.pixels` is 2: with `engine.bus` it must be 1; without a bus, the engine has streams");
    let parsed = |text| {
        let error = EngineFile::parse(text, "engine.toml").unwrap_err();
        error.to_string()
    };
    assert_snapshot!(
        parsed("[layer]\nin_channels = 3"),
        @"engine.toml: this is the file of a layer, not of a programmable engine; gen-verilog takes it, and run, verify, estimate and synth of bpa"
    );
    assert_snapshot!(
        parsed("[limits]\nwords = 3"),
        @"engine.toml:2: unknown key `words`: expected one of `weight_words`, `line_words`, `size`, `kernel`, `steps`, `fifo_results`, `zero_run`, `scale_words`, `stretch_beats`"
    );
    assert_snapshot!(parsed("[limits]\nsize = \"big\""), @r#"engine.toml:2: `limits.size` is "big": it must be one integer, or a list of 2 (rows, columns)"#);
    assert_snapshot!(parsed("[engine]\nmode = 1\n"), @"engine.toml:2: `engine.mode` is 1: it must be a text in quotes");
}

#[test]
fn every_example_is_valid_and_keeps_what_it_says() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/engines");
    let mut stages = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = EngineFile::read(&entry.unwrap().path()).unwrap();
        let engine = file.validate().unwrap();
        assert_eq!(
            self::file(&engine.to_file().to_toml()).validate().unwrap(),
            engine
        );
        stages += u32::from(engine.requantise().is_some());
    }
    assert_eq!(stages, 3);
}

fn engine() -> ProgrammableEngine {
    let text = "[limits]\nsize = 16\nkernel = 3\nsteps = 9\nweight_words = 40\nline_words = 64\nzero_run = 20";
    file(text).validate().unwrap()
}

/// What the engine says of a layer with these changes.
fn no_fit(change: impl FnOnce(&mut Geometry)) -> String {
    let mut geometry = Geometry {
        in_channels: Some(2),
        out_channels: Some(2),
        in_size: Some(PerItem([8; 2])),
        kernel: Some(PerItem([3; 2])),
        ..Geometry::default()
    };
    change(&mut geometry);
    let engine = engine();
    match engine.layer(geometry).and_then(|layer| engine.plan(&layer)) {
        Ok(_) => "it fits".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_layer_beyond_a_limit_is_refused_with_the_limit() {
    assert_snapshot!(no_fit(|_| ()), @"it fits");
    assert_snapshot!(
        no_fit(|layer| layer.in_size = Some(PerItem([17, 8]))),
        @"the layer needs rows of grad_input = 17, and the engine has `limits.size` = 16"
    );
    assert_snapshot!(
        no_fit(|layer| layer.padding = PerItem([0, 0, 9, 9])),
        @"the layer needs columns of grad_output = 24, and the engine has `limits.size` = 16"
    );
    assert_snapshot!(
        no_fit(|layer| layer.kernel = Some(PerItem([1, 4]))),
        @"the layer needs columns of the kernel = 4, and the engine has `limits.kernel` = 3"
    );
    assert_snapshot!(
        no_fit(|layer| (layer.in_size, layer.dilation) = (Some(PerItem([12, 8])), PerItem([4, 1]))),
        @"the layer needs steps of the rows = 13, and the engine has `limits.steps` = 9"
    );
    assert_snapshot!(
        no_fit(|layer| layer.in_channels = Some(3)),
        @"the layer needs words of weights = 54, and the engine has `limits.weight_words` = 40"
    );
    assert_snapshot!(
        no_fit(|layer| {
            layer.in_channels = Some(1);
            layer.out_channels = Some(4);
            layer.padding = PerItem([1; 4]);
        }),
        @"the layer needs words of line buffer = 76, and the engine has `limits.line_words` = 64"
    );
    assert_snapshot!(
        no_fit(|layer| {
            layer.kernel = Some(PerItem([1; 2]));
            layer.stride = PerItem([2, 1]);
            layer.in_size = Some(PerItem([15, 12]));
        }),
        @"the layer needs beats without a tap = 24, and the engine has `limits.zero_run` = 20"
    );
    assert_snapshot!(
        no_fit(|layer| layer.groups = 3),
        @"`layer.groups` is 3: it must divide `layer.in_channels`, which is 2"
    );
}

/// Limits are those of what moves, what is stationary and what is made, by the names that these have in the pass.
#[test]
fn a_layer_of_another_pass_is_held_against_what_it_needs() {
    let in_pass = |pass: &str, batch, in_size, kernel, stride| {
        no_fit(|layer| {
            layer.pass = Some(pass.to_owned());
            layer.batch = Some(batch);
            layer.in_size = Some(PerItem(in_size));
            layer.kernel = Some(PerItem(kernel));
            layer.stride = PerItem(stride);
        })
    };
    let forward = |in_size, kernel, stride| in_pass("forward", 1, in_size, kernel, stride);
    assert_snapshot!(forward([8, 8], [3, 3], [1, 1]), @"it fits");
    assert_snapshot!(forward([8, 17], [3, 3], [1, 1]), @"the layer needs columns of input = 17, and the engine has `limits.size` = 16");
    assert_snapshot!(forward([8, 8], [4, 3], [1, 1]), @"the layer needs rows of the kernel = 4, and the engine has `limits.kernel` = 3");
    assert_snapshot!(forward([16, 16], [1, 1], [4, 4]), @"the layer needs words of line buffer = 86, and the engine has `limits.line_words` = 64");
    let grad_weight =
        |batch, in_size, kernel| in_pass("grad_weight", batch, in_size, kernel, [1, 1]);
    assert_snapshot!(grad_weight(2, [5, 5], [3, 3]), @"it fits");
    assert_snapshot!(grad_weight(2, [8, 8], [8, 3]), @"the layer needs columns of grad_output as a kernel = 6, and the engine has `limits.kernel` = 3");
    assert_snapshot!(grad_weight(2, [17, 8], [15, 8]), @"the layer needs rows of input = 17, and the engine has `limits.size` = 16");
    assert_snapshot!(grad_weight(3, [5, 5], [3, 3]), @"the layer needs words of grad_output = 54, and the engine has `limits.weight_words` = 40");
    assert_snapshot!(in_pass("grad_weight", 0, [5, 5], [3, 3], [1, 1]), @"`layer.batch` is 0: it must be from 1 to 65535");
    assert_snapshot!(in_pass("backward", 1, [5, 5], [3, 3], [1, 1]), @r#"`layer.pass` is "backward": it must be one of "grad_input", "forward", "grad_weight""#);
    // No tile of it either: one has a row of an image at the least.
    let layer = Geometry {
        pass: Some("grad_weight".to_owned()),
        batch: Some(2),
        in_channels: Some(2),
        out_channels: Some(2),
        in_size: Some(PerItem([8; 2])),
        kernel: Some(PerItem([2; 2])),
        ..Geometry::default()
    };
    let engine = file("[limits]\nweight_words = 6").validate().unwrap();
    let tiling = engine
        .layer(layer)
        .and_then(|layer| engine.tiling(&layer, 1));
    assert_snapshot!(tiling.unwrap_err(), @"the layer fits in no tiles: the smallest needs words of grad_output = 7, and the engine has `limits.weight_words` = 6; 7 would do");
}

/// A stretch of a row, by the stride of what moves and of the result, with all blocks of channels.
#[test]
fn rows_that_are_put_in_order_are_held_against_their_pages() {
    let engine = file("[engine]\npixels = 4\n[limits]\nstretch_beats = 6").validate();
    let engine = engine.unwrap();
    let fits = |pass: &str, channels: [i64; 2], stride| {
        let layer = engine.layer(Geometry {
            pass: Some(pass.to_owned()),
            in_channels: Some(channels[0]),
            out_channels: Some(channels[1]),
            in_size: Some(PerItem([8; 2])),
            kernel: Some(PerItem([3; 2])),
            stride: PerItem([stride; 2]),
            ..Geometry::default()
        });
        let plan = layer.and_then(|layer| engine.plan(&layer));
        plan.map_or_else(|error| error.to_string(), |_| "it fits".to_owned())
    };
    assert_snapshot!(fits("grad_input", [3, 6], 2), @"it fits");
    assert_snapshot!(
        fits("grad_input", [4, 1], 2),
        @"the layer needs beats of a stretch of a row of grad_input = 8, and the engine has `limits.stretch_beats` = 6"
    );
    assert_snapshot!(
        fits("grad_input", [1, 7], 1),
        @"the layer needs beats of a stretch of a row of grad_output = 7, and the engine has `limits.stretch_beats` = 6"
    );
    assert_snapshot!(
        fits("forward", [4, 1], 2),
        @"the layer needs beats of a stretch of a row of input = 8, and the engine has `limits.stretch_beats` = 6"
    );
}

#[test]
fn a_stage_that_was_not_built_is_named() {
    let geometry = || Geometry {
        in_channels: Some(2),
        out_channels: Some(2),
        in_size: Some(PerItem([8; 2])),
        kernel: Some(PerItem([3; 2])),
        ..Geometry::default()
    };
    let of = |accumulate, mask, shift| UsedStages {
        accumulate,
        mask,
        shift,
        ..UsedStages::default()
    };
    let (accumulate, mask) = (of(true, false, None), of(false, true, None));
    let with = |text: &str, stages| {
        let text = format!("[engine]\n{text}");
        let engine = file(&text).validate().unwrap();
        let layer = engine.staged_layer(geometry(), stages);
        layer.map_or_else(|error| error.to_string(), |_| "it is there".to_owned())
    };
    assert_snapshot!(with("mask = true", mask), @"it is there");
    assert_snapshot!(with("accumulate = true", accumulate), @"it is there");
    assert_snapshot!(
        with("mask = true", accumulate),
        @"the layer asks for `accumulate`, which the engine was built without: `engine.accumulate` in its file"
    );
    assert_snapshot!(
        with("accumulate = true", mask),
        @"the layer asks for `mask`, which the engine was built without: `engine.mask` in its file"
    );
    assert_snapshot!(
        with("accumulate = true", of(false, false, Some(3))),
        @"the layer asks for `out_type`, which the engine was built without: `engine.out_type` in its file"
    );
    let scaled = |rounding: &str, shift| {
        let text = format!("out_type = \"int8\"\nshift = 9\nrounding = \"{rounding}\"");
        with(&text, of(false, false, shift))
    };
    assert_snapshot!(scaled("floor", Some(0)), @"it is there");
    assert_snapshot!(scaled("floor", None), @"it is there");
    assert_snapshot!(
        scaled("floor", Some(10)),
        @"the layer is to be shifted by 10 bits, and the engine shifts by 0 to 9 (`engine.shift`)"
    );
    assert_snapshot!(
        scaled("stochastic", Some(0)),
        @"the layer is to be shifted by 0 bits, and the engine shifts by 1 to 9 (`engine.shift`)"
    );
}

/// Biases, zero points and bounds are built in only where they are asked for.
#[test]
fn what_a_quantised_layer_needs_is_named_if_it_was_not_built() {
    let geometry = Geometry {
        in_channels: Some(2),
        out_channels: Some(2),
        in_size: Some(PerItem([8; 2])),
        kernel: Some(PerItem([3; 2])),
        ..Geometry::default()
    };
    let with = |engine: &str, layer: &str| {
        let engine = file(&format!("[engine]\n{engine}")).validate().unwrap();
        let file = LayerFile::parse(&format!("[engine]\n{layer}"), "here").unwrap();
        let layer = UsedStages::of_file(&file.engine)
            .map_err(NoFit::from)
            .and_then(|stages| engine.staged_layer(geometry.clone(), stages))
            .and_then(|layer| engine.plan(&layer));
        layer.map_or_else(|error| error.to_string(), |_| "it is there".to_owned())
    };
    let scaled = "out_type = \"int8\"\nshift = 3\n";
    let keys = [
        "zero_point = -3".to_owned(),
        "bias = true".to_owned(),
        format!("{scaled}out_zero_point = 5"),
        format!("{scaled}activation = \"relu\""),
    ];
    let all = format!("{scaled}zero_point = true\nbias = true\nactivation = true");
    for layer in &keys {
        assert_eq!(with(&all, layer), "it is there");
    }
    let refused = keys.map(|layer| with(scaled, &layer)).join("\n");
    assert_snapshot!(refused, @r"
    the layer asks for `zero_point`, which the engine was built without: `engine.zero_point` in its file
    the layer asks for `bias`, which the engine was built without: `engine.bias` in its file
    the layer asks for `out_zero_point`, which the engine was built without: `engine.activation` in its file
    the layer asks for `activation`, which the engine was built without: `engine.activation` in its file
    ");
    assert_snapshot!(with(&all, "zero_point = 70000"), @"`engine.zero_point` (int16) is 70000: it must be from -32768 to 32767");
    assert_snapshot!(with(&all, "zero_point = 128"), @"`engine.zero_point` (int8) is 128: it must be from -128 to 127");
    let narrow = all.replace("int8", "int4");
    assert_snapshot!(with(&narrow, &format!("{scaled}out_zero_point = 8")), @"`engine.out_zero_point` (int4) is 8: it must be from -8 to 7");
    assert_snapshot!(
        mistake("[engine]\nactivation = true"),
        @r#"`engine.activation` is given, but nothing is scaled: set `engine.out_type` to one of "int2" to "int16", or leave `engine.activation` out"#
    );
    assert_snapshot!(
        mistake("[engine]\nzero_point = true\ngrad_type = \"int16\""),
        @"`engine.zero_point` is set, and values less a zero point have a bit more than `engine.grad_type`: int16 leaves none, int15 is the widest that does"
    );
    assert_snapshot!(
        mistake("[engine]\nbias = true\npe = 2500"),
        @"`engine.simd` = 1 and `engine.pe` = 2500 make 70000 bits a beat of the weight stream: at most 65536 are possible, so use fewer lanes"
    );
    let biased = format!("[engine]\n{all}\n[limits]\nscale_words = 2\nsteps = 8");
    let biased = file(&biased);
    assert_eq!(
        file(&biased.validate().unwrap().to_file().to_toml()),
        biased.validate().unwrap().to_file()
    );
    assert_snapshot!(
        mistake("[engine]\nbias = true\n[limits]\nscale_words = 1"),
        @"`limits.scale_words` is 1: it must be from 2 to 16777216"
    );
}

#[test]
fn an_engine_with_stages_survives_writing_and_is_not_too_wide() {
    let staged = file("[engine]\naccumulate = true\nmask = true\n[limits]\nsteps = 8");
    assert_eq!(staged.validate().unwrap().to_file(), staged);
    assert_eq!(file(&staged.to_toml()), staged);
    let scaled = file(
        "[engine]\nout_type = \"int4\"\nscale_per = \"channel\"\nscale_bits = 9\nshift = 3\nrounding = \"floor\"\n\
         [limits]\nsteps = 8\nscale_words = 20",
    );
    assert_eq!(scaled.validate().unwrap().to_file(), scaled);
    assert_eq!(file(&scaled.to_toml()), scaled);
    assert_snapshot!(
        mistake("[engine]\nshift = 3"),
        @r#"`engine.shift` is given, but nothing is scaled: set `engine.out_type` to one of "int2" to "int16", or leave `engine.shift` out"#
    );
    assert_snapshot!(
        mistake("[engine]\nout_type = \"int8\""),
        @r#"`engine.shift` is missing: `engine.out_type` = "int8" needs it, the greatest of any job"#
    );
    assert_snapshot!(
        mistake("[engine]\nout_type = \"int8\"\nshift = 3\n[limits]\nscale_words = 20"),
        @r#"`limits.scale_words` is given, but no channel has a scale or a bias: set `engine.scale_per` to "channel" or `engine.bias` to true, or leave it out"#
    );
    assert_snapshot!(
        mistake("[engine]\nout_type = \"int8\"\nshift = 3\nscale_per = \"channel\"\n[limits]\nscale_words = 1"),
        @"`limits.scale_words` is 1: it must be from 2 to 16777216"
    );
    assert_snapshot!(
        mistake("[engine]\nmask = true\npe = 2100"),
        @"`engine.simd` = 1 and `engine.pe` = 2100 make 67200 bits a beat of the grad_input stream: at most 65536 are possible, so use fewer lanes"
    );
    assert_snapshot!(
        mistake(
            "[engine]\nmask = true\nsimd = 4000\ngrad_type = \"int16\"\nweight_type = \"int16\"\n[limits]\n\
             weight_words = 16777216"
        ),
        @"`limits.weight_words`, `engine.simd` and the types make an accumulator of 67 bits: with a stage behind it at most 63 are possible"
    );
}

/// An accumulator too wide for any stage is none for a layer without.
#[test]
fn an_engine_without_stages_may_have_wide_sums() {
    let wide = "[engine]\nsimd = 4000\ngrad_type = \"int16\"\nweight_type = \"int16\"\n[limits]\nweight_words = 16777216";
    let engine = file(wide).validate().unwrap();
    let layer = engine.layer(Geometry {
        in_channels: Some(2),
        out_channels: Some(2),
        in_size: Some(PerItem([8; 2])),
        kernel: Some(PerItem([3; 2])),
        ..Geometry::default()
    });
    assert!(engine.tiling(&layer.unwrap(), 1).is_ok());
}

/// More lanes than a group has channels are no mistake here.
#[test]
fn lanes_may_stand_idle() {
    let wide = file("[engine]\nsimd = 8\npe = 8").validate().unwrap();
    let layer = wide
        .layer(Geometry {
            in_channels: Some(4),
            out_channels: Some(4),
            groups: 4,
            in_size: Some(PerItem([8; 2])),
            kernel: Some(PerItem([3; 2])),
            ..Geometry::default()
        })
        .unwrap();
    assert_eq!(
        (
            layer.operation().moving_blocks(),
            layer.operation().result_blocks(),
            layer.operation().group_blocks()
        ),
        (1, 1, 4)
    );
    assert!(wide.plan(&layer).is_ok());
}
