//! What a benchmark compares with, and the command that does.

use std::path::Path;
use std::process::Command;

use bpa_engine::bench::{engine_table, EngineBench, Style, LAYERS};
use bpa_engine::bound::{bound_cycles, zero_insertion_cycles};
use bpa_engine::first_frame::first_frame_limit;
use bpa_engine::layer::{Layer, LayerFile};
use bpa_engine::layer_list;
use bpa_engine::plan::Plan;
use bpa_engine::programmable::{EngineFile, ProgrammableEngine, Tiling};
use bpa_engine::reference::gather;
use bpa_engine::vectors::{random_moving, random_stationary};
use bpa_engine::zero_insertion::{equivalent_layer, finn_cycles, insert_zeros, Borders};
use bpa_sim::Cache;

fn layer(text: &str) -> Layer {
    let file: LayerFile = toml::from_str(text).unwrap();
    file.validate().unwrap()
}

fn listed(text: &str) -> Vec<Layer> {
    let files = layer_list::parse(text, "the list").unwrap();
    files.iter().map(|file| file.validate().unwrap()).collect()
}

/// Strides, dilations and paddings that differ on each axis and side, crop, and reach beyond the kernel; groups; and an
/// out_size below the formula's.
fn strided() -> Vec<Layer> {
    [
        "in_channels = 2\nout_channels = 3\nin_size = [7, 9]\nkernel = [3, 2]\nstride = [2, 3]\npadding = [1, 0, 2, 1]",
        "in_channels = 4\nout_channels = 4\nin_size = [9, 8]\nkernel = 3\nstride = [3, 2]\ndilation = [2, 3]\n\
         padding = [2, 3, 3, 1]\ngroups = 2",
        "in_channels = 3\nout_channels = 6\nin_size = [6, 6]\nkernel = [1, 2]\nstride = 2\npadding = 4\ngroups = 3",
        "in_channels = 1\nout_channels = 2\nin_size = [8, 8]\nkernel = 3\nstride = 2\npadding = 1\nout_size = [2, 3]",
        "in_channels = 2\nout_channels = 2\nin_size = [5, 5]\nkernel = 2\nstride = [5, 4]",
    ]
    .map(|geometry| layer(&format!("[layer]\n{geometry}\n")))
    .into()
}

#[test]
fn inserted_zeros_change_no_value() {
    for layer in strided() {
        let grad_output = random_moving(&layer, 2, 1);
        let weight = random_stationary(&layer, 1);
        let expected = gather(&layer, &grad_output, &weight);
        for borders in [Borders::Skipped, Borders::Padded] {
            let equivalent = equivalent_layer(&layer, borders).unwrap();
            assert_eq!((equivalent.rows().stride, equivalent.cols().stride), (1, 1));
            let grad_output = insert_zeros(&layer, borders, &grad_output);
            assert_eq!(
                gather(&equivalent, &grad_output, &weight),
                expected,
                "{layer:?} {borders:?}"
            );
        }
    }
}

/// With zeros around the gradient each pixel has each tap, as the formula of zero insertion has it; without, the taps
/// beyond the borders cost nothing.
#[test]
fn inserted_zeros_cost_what_the_formula_says() {
    for layer in &listed(LAYERS) {
        let bound = |borders| bound_cycles(&equivalent_layer(layer, borders).unwrap());
        let formula = zero_insertion_cycles(layer);
        assert_eq!(bound(Borders::Padded), formula, "{}", layer.name());
        assert!(bound(Borders::Skipped) <= formula, "{}", layer.name());
    }
}

#[test]
fn a_layer_too_large_with_zeros_has_no_equivalent() {
    let layer = layer(
        "[layer]\nin_channels = 1\nout_channels = 1\nin_size = [4000, 1]\nkernel = [3000, 1]\ndilation = [2, 1]\n\
         padding = [2000, 2000, 0, 0]\n",
    );
    assert!(equivalent_layer(&layer, Borders::Padded).is_err());
    assert!(equivalent_layer(&layer, Borders::Skipped).is_ok());
}

/// 64 channels of grad_input on 8 lanes, 128 x 3 x 3 products of each on 8 more, 56 x 56 pixels.
#[test]
fn finn_expects_what_its_formula_says() {
    let layers = listed(LAYERS);
    let named = |name: &str| layers.iter().find(|layer| layer.name() == name).unwrap();
    let down = named("resnet18_layer2_down");
    assert_eq!(finn_cycles(down), Some((64 / 8) * (128 * 9 / 8) * 56 * 56));
    assert_eq!(finn_cycles(named("mobilenet_dw_s2")), None);
    // The lanes need not divide channels, but the products of a pixel: 5 x 2 of them on 4 lanes.
    let folded = layer(
        "[layer]\nin_channels = 3\nout_channels = 5\nin_size = 4\nkernel = [1, 2]\n[engine]\nsimd = 4\npe = 2\n",
    );
    assert_eq!(finn_cycles(&folded), Some(2 * 3 * 16));
}

#[test]
fn first_frames_are_predicted_in_time() {
    for layer in strided().iter().chain(&listed(LAYERS)) {
        let first = Plan::new(layer).cycles(1).first_frame;
        let limit = first_frame_limit(layer);
        assert!(first <= limit, "{first} of {limit}: {layer:?}");
    }
}

/// Images of a pixel: nine words of weights for each multiplication; and no tap at all.
const PIXELS: &str = "
[[layer]]
name = \"one_pixel\"
in_channels = 2
out_channels = 2
in_size = [1, 1]
kernel = [3, 3]
padding = [1, 1, 1, 1]
lanes = [1, 1]

[[layer]]
name = \"no_tap\"
in_channels = 4
out_channels = 8
in_size = [1, 1]
kernel = [1, 2]
dilation = [1, 3]
padding = [0, 0, 1, 2]
lanes = [1, 1]

[[layer]]
name = \"tiles\"
in_channels = 8
out_channels = 4
in_size = [1, 1]
kernel = [3, 3]
padding = [1, 1, 1, 1]
lanes = [1, 1]
";

const LIST: &str = "
[[layer]]
name = \"strided\"
in_channels = 3
out_channels = 4
in_size = [5, 6]
kernel = [3, 3]
stride = [2, 2]
padding = [1, 1, 1, 1]
lanes = [2, 2]

[[layer]]
name = \"pointwise\"
in_channels = 2
out_channels = 2
in_size = [3, 4]
kernel = [1, 1]
lanes = [1, 1]
";

/// Compiled models.
const MODELS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/models");

/// Cycles of a layer that a test runs.
const MOST_CYCLES: u64 = 1_500_000;

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn bench(folder: &Path, words: &str) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_bpa"))
        .arg("bench")
        .args(words.split_whitespace())
        .current_dir(folder)
        .env("BPA_CACHE_DIR", MODELS)
        .output()
        .unwrap();
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_list_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("list.toml"), LIST).unwrap();
    let ran = bench(folder.path(), "--layers list.toml --json --chart chart.svg");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let [strided, pointwise] = &json["layers"].as_array().unwrap()[..] else {
        panic!("{json}");
    };
    assert_eq!(
        (&strided["name"], &strided["frames"]),
        (&"strided".into(), &3.into())
    );
    assert_eq!(strided["mismatches"], 0);
    assert_eq!(strided["model_agrees"], true);
    // (5 + 2) x (6 + 2) taps less those in the padding, for 2 x 2 pairs of blocks.
    assert_eq!(strided["bound_cycles"], 7 * 8 * 4);
    let formula = 30 * 9 * 4;
    assert_eq!(strided["zero_insertion_cycles"], formula);
    let measured = &strided["zero_insertion_measured"];
    assert_eq!(measured["mismatches"], 0);
    let cycles = |key: &str| measured[key].as_u64().unwrap();
    assert!(
        (formula..formula * 11 / 10).contains(&cycles("cycles")),
        "{json}"
    );
    assert!(cycles("cycles_borders_skipped") < formula, "{json}");
    assert!(pointwise["zero_insertion_measured"].is_null());
    assert!(pointwise["eval_share"].as_f64().unwrap() > 0.0);

    let chart = std::fs::read_to_string(folder.path().join("chart.svg")).unwrap();
    for text in ["strided", "pointwise", "224 (1.00)", "the bound"] {
        assert!(chart.contains(text), "{text}: {chart}");
    }

    let ran = bench(
        folder.path(),
        "--layers list.toml --markdown --no-zero-insertion --jobs 1",
    );
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("| strided   |"), "{}", ran.stdout);
    assert_eq!(
        ran.stdout.matches("-:|").count(),
        9 + 6 + 4,
        "{}",
        ran.stdout
    );
    assert_eq!(ran.stderr.lines().count(), 2, "{}", ran.stderr);
}

/// Two lanes of each kind, and a weight memory that `strided` does not fit.
const ENGINE: &str = "name = \"two_by_two\"
[engine]
mode = \"programmable\"
simd = 2
pe = 2
[limits]
weight_words = 20
line_words = 64
size = 16
kernel = 3
steps = 12
fifo_results = 16
";

#[test]
fn a_list_is_measured_on_one_engine() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("list.toml", LIST);
    write("engine.toml", ENGINE);
    let ran = bench(
        folder.path(),
        "--engine engine.toml --layers list.toml --json",
    );
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["engine"], "two_by_two");
    let [strided, pointwise] = &json["layers"].as_array().unwrap()[..] else {
        panic!("{json}");
    };
    assert_eq!(
        (&strided["name"], &strided["tiles"]),
        (&"strided".into(), &2.into())
    );
    assert_eq!(strided["bound_cycles"], 7 * 8 * 4);
    assert_eq!(
        (&pointwise["tiles"], &pointwise["frames"]),
        (&1.into(), &3.into())
    );
    // One issue a pixel, whose 4 multiplications are all of the layer.
    assert_eq!(pointwise["cycles_per_frame"], 12);
    assert_eq!(pointwise["multipliers_in_use"], 1.0);
    for row in [strided, pointwise] {
        assert_eq!(
            (&row["mismatches"], &row["model_agrees"]),
            (&0.into(), &true.into())
        );
    }

    let table = bench(
        folder.path(),
        "--engine engine.toml --layers list.toml --markdown --jobs 1",
    );
    assert_eq!(table.code, Some(0), "{}", table.stderr);
    assert!(table.stdout.contains("| strided   |"), "{}", table.stdout);

    // Like is divided by like: weights are in both or in neither.
    write("pixels.toml", PIXELS);
    let ran = bench(
        folder.path(),
        "--engine engine.toml --layers pixels.toml --json",
    );
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let told: Vec<_> = json["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            assert!(row["ratio"].as_f64().unwrap() >= 1.0, "{row}");
            let number = |key: &str| row[key].as_u64().unwrap();
            let counted = row["counted"].as_str().unwrap().to_owned();
            (counted, number("bound_cycles"), number("tiles"))
        })
        .collect();
    let of = |counted: &str, bound, tiles| (counted.to_owned(), bound, tiles);
    assert_eq!(
        told,
        [
            // One multiplication; as many beats out.
            of("steady_frame", 1, 1),
            // Two beats out, four in.
            of("steady_frame", 4, 1),
            // 4 x 2 blocks of 9 words of weights, for three frames.
            of("all_frames", 24, 4),
        ]
    );

    let refusal = |words: &str| {
        let ran = bench(folder.path(), &format!("--engine engine.toml {words}"));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
        ran.stderr
    };
    // The built-in list: its first layer has a kernel of 7 x 7.
    assert!(refusal("").starts_with("error: the built-in list: layer \"resnet50_conv1\": "));
    assert!(refusal("--layers list.toml --chart a.svg").contains("--chart"));
    write("engine.toml", &ENGINE.replace("simd = 2", "simd = 0"));
    assert!(refusal("--layers list.toml").starts_with("error: engine.toml:4: `engine.simd` is 0"));
}

#[test]
fn a_faulty_list_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = |text: &str, words: &str| {
        std::fs::write(folder.path().join("list.toml"), text).unwrap();
        let ran = bench(folder.path(), &format!("--layers list.toml {words}"));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
        ran.stderr
    };
    let wide = LIST.replace("lanes = [2, 2]", "lanes = [9, 2]");
    let message = refusal(&wide, "");
    assert!(
        message.starts_with("error: list.toml:10: layer \"strided\": `engine.simd` is 9"),
        "{message}"
    );
    assert!(refusal("layer = []", "").contains("no layer"));
    assert!(refusal(LIST, "--chart none/chart.svg").contains("cannot write"));
    assert!(refusal(LIST, "--frames 2").contains("--frames"));
    let large = LIST.replace("in_size = [5, 6]", "in_size = [30000, 30000]");
    let message = refusal(&large, "");
    let start =
        "error: layer \"strided\": the layer is too large: the arrays of a frame would hold ";
    assert!(message.starts_with(start), "{message}");
}

/// The cells of the rows of the tables in `docs/benchmarks.md` that begin with this name.
fn documented(name: &str) -> Vec<Vec<String>> {
    let document = include_str!("../docs/benchmarks.md");
    let cells = |line: &str| {
        let cells = line.trim_matches('|').split('|');
        cells
            .map(|cell| cell.trim().replace(',', ""))
            .collect::<Vec<_>>()
    };
    let rows = document.lines().filter(|line| line.starts_with('|'));
    rows.map(cells).filter(|row| row[0] == name).collect()
}

/// Measured figures are those of the model, which other tests see to: so the page can be checked without a simulation.
/// Where this fails, the page is to be made again with the commands that it names.
#[test]
fn the_page_of_benchmarks_is_that_of_this_engine() {
    let scale = include_str!("../examples/scale_layers.toml");
    for layer in listed(LAYERS).iter().chain(&listed(scale)) {
        let plan = Plan::new(layer);
        let cycles = plan.cycles(3);
        let found = documented(layer.name());
        let [of_cycles, of_zero_insertion, of_memory, ..] = &found[..] else {
            panic!("{} is in {} tables", layer.name(), found.len());
        };
        let steady = cycles.per_frame_steady.unwrap();
        let numbers = |numbers: &[u64]| numbers.iter().map(u64::to_string).collect::<Vec<_>>();
        let bound = bound_cycles(layer);
        assert_eq!(of_cycles[2..4], numbers(&[steady, bound]), "{of_cycles:?}");
        let first = numbers(&[cycles.first_frame, first_frame_limit(layer)]);
        assert_eq!(of_cycles[5..7], first, "{of_cycles:?}");
        assert_eq!(of_cycles[7..], ["yes"; 3], "{of_cycles:?}");
        let zeros = numbers(&[steady, zero_insertion_cycles(layer)]);
        assert_eq!(of_zero_insertion[1..3], zeros, "{of_zero_insertion:?}");
        let pixels = [plan.line_buffer_pixels(), plan.live_span_pixels()];
        assert_eq!(of_memory[1..3], numbers(&pixels), "{of_memory:?}");
        assert_eq!(
            of_memory[4..],
            numbers(&[plan.fifo_results()]),
            "{of_memory:?}"
        );
    }
}

/// The engine of the page's last table, and the layers on it.
fn on_engine() -> (ProgrammableEngine, Vec<(String, Tiling)>) {
    let file = include_str!("../examples/engines/benchmark.toml");
    let file = EngineFile::parse(file, "benchmark.toml").unwrap();
    let engine = file.validate().unwrap();
    let tiling = |file: LayerFile| {
        let layer = engine.layer(file.layer).unwrap();
        (file.name, engine.tiling(&layer, 3).unwrap())
    };
    let layers = layer_list::parse(LAYERS, "the list").unwrap();
    let layers = layers.into_iter().map(tiling).collect();
    (engine, layers)
}

/// The page says of the other passes what the model says.
#[test]
fn the_tables_of_the_other_passes_are_of_these_engines() {
    for file in layer_list::parse(LAYERS, "the list").unwrap() {
        let rows = documented(&file.name);
        for (pass, cells) in [("forward", &rows[3]), ("grad_weight", &rows[4])] {
            let mut file = file.clone();
            file.layer.pass = Some(pass.to_owned());
            file.layer.batch = Some(8);
            let layer = file.validate().unwrap_or_else(|_| {
                (file.engine.simd, file.engine.pe) = (file.engine.pe, file.engine.simd);
                file.validate().unwrap()
            });
            let plan = Plan::new(&layer);
            let steady = plan.cycles(3).per_frame_steady.unwrap();
            let bound = bound_cycles(&layer);
            let expected = [
                format!("{} x {}", layer.simd(), layer.pe()),
                steady.to_string(),
                bound.to_string(),
                format!("{:.4}", steady as f64 / bound as f64),
                plan.line_buffer_pixels().to_string(),
                plan.live_span_pixels().to_string(),
            ];
            assert_eq!(cells[1..], expected, "{} {pass}", file.name);
        }
    }
}

/// At full size, in 64 KiB of weights and 16 KiB of line buffer; and the page says what the model says.
#[test]
fn every_layer_fits_the_engine_of_the_page_in_tiles() {
    let (engine, layers) = on_engine();
    let lanes = engine.lanes();
    let limits = engine.limits();
    let weights = limits.weight_words as usize * lanes.simd * lanes.pe * lanes.weight_bits;
    let line = limits.line_words as usize * lanes.simd * lanes.grad_bits;
    assert_eq!((weights / 8, line / 8), (64 << 10, 16 << 10));
    assert_eq!(layers.len(), 13);
    for (name, tiling) in &layers {
        let rows = documented(name);
        let [.., cells] = &rows[..] else {
            panic!("{name} is in no table")
        };
        assert_eq!(rows.len(), 6, "{name}");
        let parts = tiling.parts();
        assert_eq!(cells[1], tiling.merge().each().to_string(), "{name}");
        assert_eq!(cells[2], tiling.tiles().len().to_string(), "{name}");
        let cuts = [parts.groups, parts.result_channels, parts.moving_channels];
        assert_eq!(
            cells[3],
            cuts.map(|runs| runs.to_string()).join(" x "),
            "{name}"
        );
        let bound = tiling.bound_cycles(3).div_ceil(3);
        assert_eq!(cells[6], bound.to_string(), "{name}");
        let cycles: u64 = cells[5].parse().unwrap();
        match tiling.tiles() {
            [tile] => {
                assert_eq!(cells[4], "steady frame", "{name}");
                let steady = tile.plan.cycles(3).per_frame_steady.unwrap();
                assert_eq!(cycles, steady, "{name}");
                // Groups that the lanes hold at once: all of these layers reach their bound.
                assert!(100 * steady <= 101 * bound, "{name}: {steady}, {bound}");
            }
            _ => {
                assert_eq!(cells[4], "all frames", "{name}");
                assert!(
                    (bound..=tiling.cycles(3) / 3).contains(&cycles),
                    "{name}: {cycles}"
                );
            }
        }
        assert_eq!(cells[9..], ["yes"; 3], "{name}");
    }
}

/// The layers that are done soon, run again: the page's rows are those of a fresh run. The others take a minute with
/// `bpa bench`.
#[test]
fn the_page_says_what_an_engine_does() {
    let (engine, layers) = on_engine();
    let bench = EngineBench::new(&engine, &Cache::new(MODELS)).unwrap();
    let mut measured = 0;
    for (name, tiling) in &layers {
        if tiling.cycles(3) > MOST_CYCLES {
            continue;
        }
        let row = bench.measure(name, tiling, 3).unwrap();
        assert_eq!(row.faults(), [""; 0], "{name}");
        let table = engine_table(&[row], Style::Markdown);
        let line = table.lines().last().unwrap();
        let cells: Vec<String> = line
            .trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().replace(',', ""))
            .collect();
        assert_eq!(documented(name).last(), Some(&cells), "{name}");
        measured += 1;
    }
    assert_eq!(measured, 8);
}

/// So that the command of the page makes it anew on any machine.
#[test]
fn the_chart_of_the_page_is_as_it_was_written() {
    let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/benchmarks.svg");
    assert!(bpa_engine::seal::has_seal(Path::new(chart)).unwrap());
}
