//! Promise: what `bpa compile` makes of a network gives, run by the C driver on the engine, what the reference gives,
//! with stalls of any stream and with interrupts, and again in the same memory.

use bpa_engine::network::compile::{c_header, c_source};

use crate::rig::{tool, Rig, WARNINGS};

/// A skip connection and a sum of branches, a stride, merged groups, partial sums, padded lanes, a transposed
/// convolution, channels cut in several ways, two frames.
pub const NETWORK: &str = "name = \"driven\"
frames = 2
passes = [\"forward\", \"grad_input\"]
[[layer]]
name = \"top\"
conv = { in_channels = 6, out_channels = 4, in_size = 5, kernel = 1 }
[[layer]]
name = \"depthwise\"
shift = 5
output_shift = 5
conv = { in_channels = 6, out_channels = 6, in_size = 5, kernel = 3, padding = 1, groups = 6 }
[[layer]]
name = \"strided\"
shift = 8
output_shift = 9
conv = { in_channels = 11, out_channels = 6, in_size = 9, kernel = 3, padding = 1, stride = 2 }
[[layer]]
name = \"beside\"
shift = 7
output_shift = 7
conv = { in_channels = 5, out_channels = 11, in_size = 9, kernel = 3, padding = 1 }
[[layer]]
name = \"beside_it\"
skip = [\"beside\"]
conv = { in_channels = 5, out_channels = 11, in_size = 9, kernel = 1 }";

#[test]
fn networks_are_bit_exact() {
    for (rig, sums) in [(Rig::accumulates(), 2), (Rig::adds(), 1)] {
        let compiled = rig.compile(NETWORK, 5);
        let blob_sums = compiled
            .program
            .jobs
            .iter()
            .map(|job| job.sums as u32)
            .max();
        assert_eq!(
            blob_sums,
            Some(sums),
            "partial sums are made as they are meant to be"
        );
        let arena = compiled.arena();
        for traffic in [
            ["0", "1", "0", "1"],
            ["40", "2", "0", "1"],
            ["15", "3", "1", "2"],
        ] {
            let (said, after) = rig.run(&compiled.blob, &arena, traffic);
            assert!(said.starts_with("BPA_OK\n"), "{traffic:?}: {said}");
            assert_eq!(compiled.check(&after), 3, "outputs");
            let jobs = format!(
                "jobs {} frames {}",
                compiled.program.jobs.len(),
                2 * compiled.program.jobs.len()
            );
            assert!(said.contains(&jobs), "{said}");
        }
    }
}

/// A stride, a depthwise layer, a transposed one, a layer in tiles; each with what a quantised layer has.
const QUANTISED: &str = "name = \"narrow\"
frames = 2
passes = [\"forward\"]
[[layer]]
name = \"up\"
stages = { zero_point = 4, bias = true, shift = 7 }
conv = { op = \"conv_transpose\", in_channels = 4, out_channels = 3, in_size = 5, kernel = 3, stride = 2 }
[[layer]]
name = \"wide\"
stages = { zero_point = -32, shift = 8, out_zero_point = 4, activation = \"clamp\", out_min = -9, out_max = 30 }
conv = { in_channels = 9, out_channels = 4, in_size = 5, kernel = 3, padding = 1 }
[[layer]]
name = \"depthwise\"
stages = { zero_point = -1, bias = true, shift = 6, out_zero_point = -32, activation = \"relu\" }
conv = { in_channels = 9, out_channels = 9, in_size = 5, kernel = 3, padding = 1, groups = 9 }
[[layer]]
name = \"down\"
stages = { zero_point = 31, bias = true, shift = 7, out_zero_point = -1 }
conv = { in_channels = 5, out_channels = 9, in_size = 9, kernel = 3, padding = 1, stride = 2 }";

#[test]
fn quantised_networks_are_bit_exact() {
    let rig = Rig::narrows();
    let compiled = rig.compile(QUANTISED, 5);
    assert!(compiled.program.jobs.len() > 4);
    let arena = compiled.arena();
    for traffic in [["0", "1", "0", "1"], ["30", "2", "1", "2"]] {
        let (said, after) = rig.run(&compiled.blob, &arena, traffic);
        assert!(said.starts_with("BPA_OK\n"), "{traffic:?}: {said}");
        assert_eq!(compiled.check(&after), 1, "outputs");
    }
}

/// Arrays that are not alive at once share their places: the arena is smaller than all of them.
#[test]
fn memory_is_used_again() {
    let program = Rig::accumulates().compile(NETWORK, 5).program;
    let all: u64 = program.buffers.iter().map(|buffer| buffer.bytes()).sum();
    assert!(
        u64::from(program.arena_bytes) * 2 < all,
        "{} of {all}",
        program.arena_bytes
    );
    for (index, one) in program.buffers.iter().enumerate() {
        for other in &program.buffers[..index] {
            let live = one.live.start < other.live.end && other.live.start < one.live.end;
            let [from, to] =
                [one, other].map(|it| u64::from(it.offset)..u64::from(it.offset) + it.bytes());
            let share = from.start < to.end && to.start < from.end;
            assert!(!(live && share), "{} and {}", one.name, other.name);
        }
    }
}

/// The blob as C holds the same bytes, at a multiple of four.
#[test]
fn the_c_file_is_the_blob() {
    let compiled = Rig::adds().compile(NETWORK, 5);
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "driven_blob.c",
        &c_source(&compiled.program, &compiled.blob),
    );
    write(
        "driven_blob.h",
        &c_header(&compiled.program, &compiled.blob),
    );
    write(
        "main.c",
        "#include <stdio.h>
        #include \"driven_blob.h\"
        int main(void)
        {
            FILE *file = fopen(\"blob\", \"wb\");
            fwrite(driven_blob, 1, sizeof driven_blob, file);
            fclose(file);
            printf(\"%u %u %u\", DRIVEN_BLOB_BYTES, DRIVEN_ARENA_BYTES, DRIVEN_TOP_GRAD_OUTPUT);
            return 0;
        }
",
    );
    let words = [&WARNINGS[..], &["-o", "main", "main.c", "driven_blob.c"]].concat();
    tool(folder.path(), "gcc", &words);
    let said = tool(folder.path(), "./main", &[]);
    assert_eq!(
        std::fs::read(folder.path().join("blob")).unwrap(),
        compiled.blob
    );
    let program = &compiled.program;
    let buffers = program.buffers.iter();
    let gradient = buffers
        .clone()
        .position(|it| it.name == "top.grad_output")
        .unwrap();
    assert_eq!(
        said,
        format!("{} {} {gradient}", compiled.blob.len(), program.arena_bytes)
    );
}

/// What an engine with a bus runs: a skip connection, branches, a stride, merged groups that fill beats, slices of tensors,
/// partial sums that go back in, channels that fill no beat, two frames.
pub const IN_MEMORY: &str = "name = \"driven\"
frames = 2
passes = [\"forward\", \"grad_input\"]
[[layer]]
name = \"top\"
conv = { in_channels = 8, out_channels = 3, in_size = 5, kernel = 1 }
[[layer]]
name = \"depthwise\"
shift = 5
output_shift = 5
conv = { in_channels = 8, out_channels = 8, in_size = 5, kernel = 3, padding = 1, groups = 8 }
[[layer]]
name = \"strided\"
shift = 8
output_shift = 9
conv = { in_channels = 11, out_channels = 8, in_size = 9, kernel = 3, padding = 1, stride = 2 }
[[layer]]
name = \"beside\"
shift = 3
output_shift = 7
conv = { in_channels = 5, out_channels = 11, in_size = 9, kernel = 3, padding = 1 }
[[layer]]
name = \"beside_it\"
skip = [\"beside\"]
conv = { in_channels = 5, out_channels = 11, in_size = 9, kernel = 1 }";

/// The engine reads and writes the arrays by itself.
#[test]
fn networks_in_memory_are_bit_exact() {
    let rig = Rig::memory();
    let compiled = rig.compile(IN_MEMORY, 5);
    let sums = compiled.program.jobs.iter().map(|job| job.sums as u32);
    assert_eq!(sums.max(), Some(2), "partial sums go back in");
    let arena = compiled.arena();
    for traffic in [
        ["0", "1", "0", "1"],
        ["40", "2", "0", "1"],
        ["15", "3", "1", "2"],
    ] {
        let (said, after) = rig.run(&compiled.blob, &arena, traffic);
        assert!(said.starts_with("BPA_OK\n"), "{traffic:?}: {said}");
        assert_eq!(compiled.check(&after), 3, "outputs");
        let jobs = format!("jobs {} ", compiled.program.jobs.len());
        assert!(said.contains(&jobs), "{said}");
    }
}
