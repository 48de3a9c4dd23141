//! `bpa` at work.

use std::os::unix::fs::{symlink, FileTypeExt};
use std::path::Path;
use std::process::Command;

use bpa_engine::layer::LayerFile;
use bpa_engine::reference::{reference, scatter, StageArrays};
use bpa_engine::run::Arrays;
use ndarray::Array4;
use npyz::NpyFile;
use serde_json::Value;

use crate::{npy, npy_of_bytes, numbers, ran, Folder, Ran, GRAD_OUTPUT_SHAPE, WEIGHT_SHAPE};

const RUN: &str = "run tiny.toml --grad-output dy.npy --weight w.npy --grad-input da.npy";

/// The one JSON object on standard output, whose keys are these, in this order.
fn figures(ran: &Ran) -> Value {
    assert_eq!(ran.stdout.lines().count(), 1);
    let figures: Value = serde_json::from_str(&ran.stdout).unwrap();
    let keys = [
        "frames",
        "mismatches",
        "cycles_total",
        "cycles_first_frame",
        "cycles_per_frame_steady",
        "bound_cycles",
        "useful_macs",
        "zero_insertion_cycles",
        "line_buffer_pixels",
        "live_span_pixels",
    ];
    assert_eq!(figures.as_object().unwrap().len(), keys.len());
    let places = keys.map(|key| ran.stdout.find(&format!("\"{key}\":")).unwrap());
    assert!(places.is_sorted());
    figures
}

fn success(ran: Ran) -> Ran {
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran
}

fn array(shape: [usize; 4]) -> Array4<i32> {
    let values = numbers(shape).map(|value| value as i32).collect();
    Array4::from_shape_vec(shape, values).unwrap()
}

/// The file's type and values, which must be in C order.
fn read_result<T: npyz::Deserialize + Into<i64>>(path: &Path) -> (String, Vec<i64>) {
    let bytes = std::fs::read(path).unwrap();
    let file = NpyFile::new(&bytes[..]).unwrap();
    assert_eq!(file.order(), npyz::Order::C);
    let descr = file.dtype().descr();
    let values: Vec<T> = file.into_vec().unwrap();
    (descr, values.into_iter().map(Into::into).collect())
}

/// Integers of any size, byte order and memory order give the reference's result.
#[test]
fn arrays_of_any_integer_type_give_the_reference_s_result() {
    let folder = Folder::new();
    let layer = LayerFile::read(&folder.path().join("tiny.toml")).unwrap();
    let layer = layer.validate().unwrap();
    let (grad_output, weight) = (array(GRAD_OUTPUT_SHAPE), array(WEIGHT_SHAPE));
    let expected = scatter(&layer, &grad_output, &weight);
    let file = |array: &Array4<i32>, descr: &str, fortran: bool| {
        let values: Vec<i32> = match fortran {
            true => array.t().iter().copied().collect(),
            false => array.iter().copied().collect(),
        };
        let size = descr[2..].parse::<usize>().unwrap();
        let data: Vec<u8> = values
            .into_iter()
            .flat_map(|value| match descr.starts_with('>') {
                true => i64::from(value).to_be_bytes()[8 - size..].to_vec(),
                false => i64::from(value).to_le_bytes()[..size].to_vec(),
            })
            .collect();
        npy_of_bytes(descr, fortran, array.shape(), &data)
    };
    for (grad_type, grad_fortran, weight_type, weight_fortran) in [
        ("|i1", false, "<i2", true),
        (">i2", true, ">i8", false),
        ("<i4", true, "|i1", true),
        ("<i8", false, ">i4", false),
    ] {
        folder.write("dy.npy", file(&grad_output, grad_type, grad_fortran));
        folder.write("w.npy", file(&weight, weight_type, weight_fortran));
        let ran = success(ran(folder.bpa(RUN).args(["--check", "--json"])));
        let figures = figures(&ran);
        assert_eq!(
            (&figures["frames"], &figures["mismatches"]),
            (&2.into(), &0.into())
        );
        assert_eq!(ran.said(), "");
        let (descr, values) = read_result::<i32>(&folder.path().join("da.npy"));
        assert_eq!(descr, "'<i4'");
        assert_eq!(values, expected.iter().copied().collect::<Vec<_>>());
        std::fs::remove_file(folder.path().join("da.npy")).unwrap();
    }
}

/// Every output stage, from files; and the same seed again gives the same result.
#[test]
fn output_stages_take_their_arrays() {
    let folder = Folder::new();
    let engine = "accumulate = true\nmask = true\nout_type = \"int7\"\nscale_per = \"channel\"\nscale_bits = 6\nshift = 5\n\
        rounding = \"stochastic\"\n";
    folder.write("staged.toml", crate::LAYER.to_owned() + engine);
    let layer = LayerFile::read(&folder.path().join("staged.toml")).unwrap();
    let layer = layer.validate().unwrap();
    let shape = [2, 2, 4, 5];
    let values: Vec<i8> = numbers(shape).map(|value| value as i8).collect();
    let mask: Vec<i8> = numbers(shape)
        .map(|value| i8::from(value % 3 != 0))
        .collect();
    folder.write("skip.npy", npy("|i1", false, shape, values));
    folder.write("relu.npy", npy("|b1", false, shape, mask));
    folder.write("s.npy", npy_of_bytes("|i1", false, &[2], &[31, 0xe3]));
    let words = format!(
        "{} --scale s.npy --accumulate skip.npy --mask relu.npy --check --json",
        RUN.replace("tiny", "staged")
    );
    let result = |seed: &str| {
        let ran = success(ran(folder.bpa(&words).args(["--rounding-seed", seed])));
        let figures: Value = serde_json::from_str(&ran.stdout).unwrap();
        let (descr, values) = read_result::<i32>(&folder.path().join("da.npy"));
        assert_eq!(descr, "'<i4'");
        (figures["saturations"].as_u64().unwrap(), values)
    };
    let arrays = Arrays {
        moving: array(GRAD_OUTPUT_SHAPE),
        stationary: array(WEIGHT_SHAPE),
        stages: StageArrays {
            bias: None,
            scale: Some(vec![31, -29].into()),
            accumulate: Some(array(shape).mapv(i64::from)),
            mask: Some(array(shape).mapv(|value| value % 3 != 0)),
            rounding_seed: 5,
        },
    };
    let expected = reference(&layer, &arrays);
    assert!(expected.saturations > 0);
    let first = result("5");
    assert_eq!(first.0, expected.saturations);
    assert_eq!(first.1, expected.result.iter().copied().collect::<Vec<_>>());
    assert_eq!(result("5"), first);
    assert_ne!(result("6").1, first.1);

    // Random arrays for all of it; the estimate knows the stages' cycles.
    let json = |words: &str| -> Value {
        serde_json::from_str(&success(ran(&mut folder.bpa(words))).stdout).unwrap()
    };
    let verify = json("verify staged.toml --json");
    assert_eq!(verify["mismatches"], 0);
    let estimate = json("estimate staged.toml --json");
    for key in [
        "cycles_total",
        "cycles_first_frame",
        "cycles_per_frame_steady",
    ] {
        assert_eq!(estimate[key], verify[key], "{key}");
    }
    assert!(estimate.get("saturations").is_none());
}

#[test]
fn a_wide_accumulator_gives_int64() {
    let folder = Folder::new();
    let bytes = |shape: [usize; 4]| -> Vec<u8> {
        vec![-32768_i16; shape.iter().product()]
            .into_iter()
            .flat_map(i16::to_le_bytes)
            .collect()
    };
    for (name, shape) in [("dy.npy", GRAD_OUTPUT_SHAPE), ("w.npy", WEIGHT_SHAPE)] {
        folder.write(name, npy_of_bytes("<i2", false, &shape, &bytes(shape)));
    }
    let mut command = folder.bpa(RUN);
    command.args(["--check", "--grad-type", "int16", "--weight-type", "int16"]);
    success(ran(&mut command));
    let (descr, values) = read_result::<i64>(&folder.path().join("da.npy"));
    assert_eq!(descr, "'<i8'");
    // 3 taps in a row, 1 row, 3 channels.
    assert_eq!(values.iter().max(), Some(&(9 << 30)));
}

#[test]
fn json_is_all_there_is_on_standard_output() {
    let folder = Folder::new();
    let json = |words: &str| figures(&success(ran(&mut folder.bpa(words))));

    let run = json(&format!("{RUN} --json"));
    assert_eq!(run["mismatches"], Value::Null);
    assert_eq!(run["frames"], 2);
    assert_eq!(run["cycles_per_frame_steady"], Value::Null);

    let verify = json("verify tiny.toml --json");
    assert_eq!(verify["mismatches"], 0);
    assert_eq!(verify["frames"], 3);
    assert!(verify["cycles_per_frame_steady"].is_u64());
    // H x W x R x S issues for 2 blocks of K.
    assert_eq!(verify["zero_insertion_cycles"], 4 * 5 * 2 * 3 * 2);

    // Event by event, where that is asked for.
    let watched = success(ran(&mut folder.bpa("verify tiny.toml --events --json")));
    let with_events: Value = serde_json::from_str(&watched.stdout).unwrap();
    let events = &with_events["events"];
    assert_eq!(events["parting"], Value::Null);
    assert_eq!(events["results"], 3 * 4 * 5);
    assert_eq!(with_events["cycles_total"], verify["cycles_total"]);

    // The model predicts what is measured, whatever the values.
    let mut estimate = json("estimate tiny.toml --frames 2 --json");
    assert_eq!(estimate, run);
    estimate = json("estimate tiny.toml --json");
    assert_eq!(estimate["mismatches"], Value::Null);
    estimate["mismatches"] = 0.into();
    assert_eq!(estimate, verify);
}

#[test]
fn an_estimate_for_a_device_has_its_cells() {
    let folder = Folder::new();
    let words = "estimate tiny.toml --target ice40-up5k";
    let json = success(ran(&mut folder.bpa(&format!("{words} --json"))));
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["target"], "ice40-up5k");
    assert_eq!((&json["dsps"], &json["brams"]), (&4.into(), &6.into()));
    assert!(json["bound_cycles"].is_u64());
    let text = success(ran(&mut folder.bpa(words))).stdout;
    for (what, cells, available) in [("  multipliers ", 4, 8), ("  block RAMs ", 6, 30)] {
        let line = text.lines().find(|line| line.starts_with(what)).unwrap();
        let end = format!(" {cells}  cells of ice40-up5k, which has {available}");
        assert!(line.ends_with(&end), "{line}");
    }
}

/// What a device has not is said, with how much, and the exit code tells it.
#[test]
fn an_estimate_beyond_its_device_says_what_does_not_fit() {
    let folder = Folder::new();
    let layer = "estimate --in-channels 64 --out-channels 64 --in-size 8 --name wide";
    let counts = [
        "dsps",
        "dsps_available",
        "dsps_missing",
        "brams",
        "brams_available",
        "brams_missing",
    ];
    let told = |flags: &str| {
        let words = format!("{layer} {flags}");
        let text = ran(&mut folder.bpa(&words));
        let json = ran(&mut folder.bpa(&format!("{words} --json")));
        assert_eq!((json.code, &json.stderr), (text.code, &text.stderr));
        let figures: Value = serde_json::from_str(&json.stdout).unwrap();
        let counts = counts.map(|key| figures[key].as_u64());
        let words = text.stdout.matches("TOO MANY").count();
        (text.code, text.stderr, counts, words)
    };
    let fits = told("--simd 2 --pe 4 --kernel 1 --target ice40-up5k");
    assert_eq!((fits.0, fits.1.as_str(), fits.3), (0, "", 0));
    assert_eq!(fits.2[..3], [Some(8), Some(8), Some(0)]);
    let wide = told("--simd 4 --pe 4 --kernel 3 --target ice40-up5k");
    assert_eq!((wide.0, wide.3), (1, 2));
    assert_eq!(wide.2[..3], [Some(16), Some(8), Some(8)]);
    // 9 x 16 x 16 words of 128 bits are 9 x 8 of the blocks; line buffer and output FIFO are the others.
    let [brams, available, missing] = [3, 4, 5].map(|index| wide.2[index].unwrap());
    assert!(brams > 72 && available == 30 && missing == brams - 30);
    let expected = format!(
        "ice40-up5k is too small for `wide`: it takes 16 multipliers, and there are 8: 8 too many; \
         {brams} block RAMs, and there are 30: {missing} too many\n"
    );
    assert_eq!(wide.1, expected);
    // A device without multipliers takes none; Gowin's of 18 x 18 are two of 9 x 9.
    let hx8k = told("--simd 4 --pe 4 --kernel 1 --target ice40-hx8k");
    assert_eq!((hx8k.0, hx8k.2[0], hx8k.2[1]), (0, Some(0), Some(0)));
    let lanes = "--simd 8 --pe 8 --kernel 1 --target gowin-gw2a";
    assert_eq!(told(lanes).0, 0);
    let wide = told(&format!("{lanes} --weight-type int10"));
    assert_eq!((wide.0, wide.2[1], wide.2[2]), (1, Some(48), Some(16)));
    // Of these no size is known.
    for target in ["xilinx-xc7", "generic"] {
        let any = told(&format!("--simd 64 --pe 64 --kernel 3 --target {target}"));
        assert_eq!((any.0, any.2[1], any.2[4]), (0, None, None));
    }
}

#[test]
fn stalls_cost_cycles_and_no_values() {
    let folder = Folder::new();
    let json = |flags: &str| {
        let words = format!("verify tiny.toml --frames 4 --json {flags}");
        figures(&success(ran(&mut folder.bpa(&words))))
    };
    let free = json("--seed 7");
    let stalled = [
        "--stall-input 0.9",
        "--stall-output 0.9",
        "--stall-input 0.5 --stall-output 0.5",
    ];
    for flags in stalls(&stalled) {
        let figures = json(&flags);
        assert_eq!(figures["mismatches"], 0);
        assert!(figures["cycles_total"].as_u64() > free["cycles_total"].as_u64());
        assert_eq!(json(&flags), figures, "a seed gives one run");
    }
    let other = json("--seed 8 --stall-input 0.5");
    assert_ne!(
        other["cycles_total"],
        json("--seed 7 --stall-input 0.5")["cycles_total"]
    );
}

fn stalls(flags: &[&str]) -> Vec<String> {
    flags
        .iter()
        .map(|flags| format!("--seed 7 {flags}"))
        .collect()
}

/// Only a regular file is replaced; and a link keeps its target.
#[test]
fn results_go_where_links_fifos_and_devices_lead() {
    let folder = Folder::new();
    success(ran(&mut folder.bpa(RUN)));
    let expected = std::fs::read(folder.path().join("da.npy")).unwrap();
    let run_to = |name: &str| ran(&mut folder.bpa(&RUN.replace("da.npy", name)));

    symlink("behind.npy", folder.path().join("link.npy")).unwrap();
    success(run_to("link.npy"));
    let link = std::fs::read_link(folder.path().join("link.npy")).unwrap();
    assert_eq!(link, Path::new("behind.npy"));
    let behind = std::fs::read(folder.path().join("behind.npy")).unwrap();
    assert_eq!(behind, expected);

    let fifo = folder.path().join("fifo");
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let reader = std::thread::spawn({
        let fifo = fifo.clone();
        move || std::fs::read(fifo).unwrap()
    });
    success(run_to("fifo"));
    assert_eq!(reader.join().unwrap(), expected);
    let kind = std::fs::symlink_metadata(&fifo).unwrap().file_type();
    assert!(kind.is_fifo());

    symlink("/dev/full", folder.path().join("full")).unwrap();
    let full = run_to("full");
    assert_eq!((full.code, full.stdout.as_str()), (2, ""));
    insta::assert_snapshot!(full.said(), @"error: full: cannot write: No space left on device (os error 28)");
    let link = std::fs::read_link(folder.path().join("full")).unwrap();
    assert_eq!(link, Path::new("/dev/full"));
}

#[test]
fn a_person_gets_a_report() {
    let folder = Folder::new();
    let ran = success(ran(&mut folder.bpa("verify tiny.toml")));
    assert!(
        ran.stdout.starts_with("tiny: all 120 values exact\n"),
        "{}",
        ran.stdout
    );
    assert_eq!(ran.said(), "");
}

#[test]
fn programs_share_a_fresh_cache_at_the_same_time() {
    let folder = Folder::new();
    let running: Vec<_> = (0..3)
        .map(|_| {
            let mut command = folder.bpa("verify tiny.toml --name together --json");
            command.env("BPA_CACHE_DIR", folder.path().join("cache"));
            command
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    let outputs: Vec<_> = running
        .into_iter()
        .map(|child| child.wait_with_output().unwrap())
        .collect();
    for output in &outputs {
        assert!(output.status.success());
        assert_eq!(output.stdout, outputs[0].stdout);
    }
}

/// As `verify` has them: its result for the same seed is that of a run on these, cycle by cycle.
#[test]
fn vectors_are_those_of_verify() {
    let folder = Folder::new();
    let stages = "--with-accumulate --with-mask --out-type int7 --shift 9 --scale-per channel --grad-type int5 \
        --with-bias --zero-point -3 --out-zero-point=-8 --activation clamp --out-min -60 --out-max 50";
    let make = format!("vectors tiny.toml --out arrays --frames 2 --seed 5 {stages}");
    let made = success(ran(&mut folder.bpa(&make)));
    insta::assert_snapshot!(made.stderr, @r"
    wrote arrays/grad_output.npy
    wrote arrays/weight.npy
    wrote arrays/bias.npy
    wrote arrays/scale.npy
    wrote arrays/accumulate.npy
    wrote arrays/mask.npy
    ");
    let file = |name: &str| std::fs::read(folder.path().join("arrays").join(name)).unwrap();
    let shape = |name: &str, descr: &str| {
        let bytes = file(name);
        let file = NpyFile::new(&bytes[..]).unwrap();
        assert_eq!(file.dtype().descr(), descr);
        file.shape().to_vec()
    };
    assert_eq!(shape("grad_output.npy", "'|i1'"), [2, 3, 2, 4]);
    assert_eq!(shape("weight.npy", "'|i1'"), [3, 2, 2, 3]);
    assert_eq!(shape("bias.npy", "'<i4'"), [2]);
    assert_eq!(shape("scale.npy", "'<i2'"), [2]);
    assert_eq!(shape("accumulate.npy", "'<i4'"), [2, 2, 4, 5]);
    assert_eq!(shape("mask.npy", "'|b1'"), [2, 2, 4, 5]);
    let run = format!(
        "run tiny.toml {stages} --grad-output arrays/grad_output.npy --weight arrays/weight.npy --bias arrays/bias.npy \
         --scale arrays/scale.npy --accumulate arrays/accumulate.npy --mask arrays/mask.npy --grad-input da.npy --check --json --seed 5"
    );
    let verify = format!("verify tiny.toml {stages} --frames 2 --json --seed 5");
    let ran = [run, verify].map(|words| success(ran(&mut folder.bpa(&words))).stdout);
    assert!(ran[0].contains("\"saturations\":"), "{}", ran[0]);
    assert_eq!(ran[0], ran[1]);
    // The same again for the same seed, others for another.
    let before = file("mask.npy");
    success(crate::ran(&mut folder.bpa(&make)));
    assert_eq!(file("mask.npy"), before);
    success(crate::ran(
        &mut folder.bpa(&make.replace("seed 5", "seed 6")),
    ));
    assert_ne!(file("mask.npy"), before);
}

/// This memory could not hold all of these frames with their results. They go through without a gap, and stochastic rounding
/// goes on from batch to batch.
#[test]
fn memory_does_not_grow_with_frames() {
    let folder = Folder::new();
    let layer = "--in-channels 8 --out-channels 1 --in-size 64 --kernel 1 --stride 8 --pe 8 --json";
    let stages = "--with-accumulate --with-mask --out-type int8 --shift 8 --rounding stochastic";
    let limited = |words: &str| {
        success(ran(&mut folder.bpa(&format!("{words} --frames 1"))));
        let mut shell = folder.command("sh", "");
        shell
            .args(["-c", "ulimit -v 80000 && exec \"$0\" \"$@\" --frames 150"])
            .arg(env!("CARGO_BIN_EXE_bpa"))
            .args(words.split_whitespace())
            // What each thread reserves is not the matter.
            .envs([("RAYON_NUM_THREADS", "1"), ("MALLOC_ARENA_MAX", "1")]);
        let ran = success(ran(&mut shell));
        let estimate = words.replace("verify", "estimate") + " --frames 150";
        let json = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
        let estimate = json(&success(crate::ran(&mut folder.bpa(&estimate))).stdout);
        let figures = json(&ran.stdout);
        assert_eq!(figures["mismatches"], 0);
        for key in ["cycles_total", "cycles_per_frame_steady"] {
            assert_eq!(figures[key], estimate[key], "{key}");
        }
    };
    limited(&format!("verify {layer}"));
    limited(&format!("verify {layer} {stages}"));
}
