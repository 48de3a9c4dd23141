//! Engines in Verilator behind the C driver's bus, as programs that run a blob.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use bpa_engine::emit::Target;
use bpa_engine::network::compile::{blob, Buffer, Operation, Program, Role};
use bpa_engine::network::{reference, Network, NetworkArrays, NetworkFile};
use bpa_engine::programmable::{EngineFile, ProgrammableEngine};
use bpa_hdl::rtl::print_verilog;
use bpa_hdl::shell::programmable::Programmable;
use ndarray::Array4;

/// Partial sums go back in by a stream, and values are whole bytes.
pub const ACCUMULATES: &str = "name = \"accumulates\"
[engine]
mode = \"programmable\"
simd = 4
pe = 2
accumulate = true
[limits]
weight_words = 96
line_words = 128
size = [16, 16]
kernel = [3, 3]
steps = 16
fifo_results = 64";

/// Partial sums are added by the driver, and values lie across bytes.
pub const ADDS: &str = "name = \"adds\"
[engine]
mode = \"programmable\"
simd = 3
pe = 3
grad_type = \"int6\"
weight_type = \"int5\"
[limits]
weight_words = 64
line_words = 128
size = [16, 16]
kernel = [3, 3]
steps = 16
fifo_results = 64";

/// Partial sums go back in from memory, where all else is as well.
pub const MEMORY: &str = "name = \"memory\"
[engine]
mode = \"programmable\"
simd = 4
pe = 2
accumulate = true
bus = \"axi4\"
bus_bits = 64
[limits]
weight_words = 96
line_words = 128
size = [16, 16]
kernel = [3, 3]
steps = 16
fifo_results = 64";

/// Results are narrow and go to the next layer as they are; weights are followed by biases and scales.
pub const NARROWS: &str = "name = \"narrows\"
[engine]
mode = \"programmable\"
simd = 3
pe = 2
grad_type = \"int6\"
weight_type = \"int5\"
zero_point = true
bias = true
out_type = \"int6\"
scale_per = \"channel\"
scale_bits = 10
shift = 12
activation = true
[limits]
weight_words = 40
line_words = 128
size = [16, 16]
kernel = [3, 3]
steps = 16
fifo_results = 64
scale_words = 8";

pub const WARNINGS: [&str; 5] = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"];
const SANITIZERS: [&str; 3] = [
    "-g",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
];

/// What a model of Verilator runs on.
const RUNTIME: [&str; 2] = ["verilated", "verilated_threads"];

/// An engine, and the programs that drive it.
pub struct Rig {
    pub engine: ProgrammableEngine,
    folder: PathBuf,
}

impl Rig {
    /// The rig of [`ACCUMULATES`], which is made once.
    pub fn accumulates() -> &'static Self {
        static RIG: OnceLock<Rig> = OnceLock::new();
        RIG.get_or_init(|| Self::new(ACCUMULATES))
    }

    /// That of [`ADDS`].
    pub fn adds() -> &'static Self {
        static RIG: OnceLock<Rig> = OnceLock::new();
        RIG.get_or_init(|| Self::new(ADDS))
    }

    /// That of [`MEMORY`].
    pub fn memory() -> &'static Self {
        static RIG: OnceLock<Rig> = OnceLock::new();
        RIG.get_or_init(|| Self::new(MEMORY))
    }

    /// That of [`NARROWS`].
    pub fn narrows() -> &'static Self {
        static RIG: OnceLock<Rig> = OnceLock::new();
        RIG.get_or_init(|| Self::new(NARROWS))
    }

    fn new(engine: &str) -> Self {
        let engine = EngineFile::parse(engine, "engine")
            .unwrap()
            .validate()
            .unwrap();
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("driver_{}", engine.name()));
        std::fs::create_dir_all(&folder).unwrap();
        let rig = Self { engine, folder };
        rig.build();
        rig
    }

    pub fn hardware(&self) -> Programmable {
        self.engine.hardware(Target::Generic)
    }

    /// The model, the driver, and both together.
    fn build(&self) {
        std::fs::write(
            self.folder.join("engine.v"),
            print_verilog(&self.hardware().module),
        )
        .unwrap();
        let root = tool(&self.folder, "verilator", &["--getenv", "VERILATOR_ROOT"]);
        let root = root.trim();
        let top = self.engine.name();
        let verilate = [
            "--cc",
            "--build",
            "-O3",
            "--prefix",
            "Vengine",
            "--Mdir",
            "model",
            "-Wno-fatal",
        ];
        let verilate = [
            &verilate[..],
            &["-CFLAGS", "-O1", "--top-module", top, "engine.v"],
        ]
        .concat();
        tool(&self.folder, "verilator", &verilate);
        let objects = self.driver();
        let includes = [
            format!("-I{root}/include"),
            format!("-I{root}/include/vltstd"),
        ];
        // The simulator's own, which takes a compiler with sanitizers as long as all else.
        for name in RUNTIME {
            let source = format!("{root}/include/{name}.cpp");
            let mut words = vec!["-std=c++17", "-Imodel", "-c", &source];
            words.extend(includes.iter().map(String::as_str));
            tool(&self.folder, "g++", &words);
        }
        let bus = match self.engine.limits().bus_bits {
            None => "bus",
            Some(_) => "memory",
        };
        let bus = format!(
            "{}/driver/test/verilated_{bus}.cpp",
            env!("CARGO_MANIFEST_DIR")
        );
        let mut words = vec![
            "-std=c++17",
            "-O1",
            "-Imodel",
            "-pthread",
            "-o",
            "run_blob",
            &bus,
        ];
        words.extend(includes.iter().map(String::as_str));
        let runtime = RUNTIME.map(|name| format!("{name}.o"));
        words.extend(runtime.iter().map(String::as_str));
        let folders = driver_includes();
        words.extend(folders.iter().map(String::as_str));
        words.extend(SANITIZERS);
        words.extend(objects.iter().map(String::as_str));
        words.extend(["run_blob.o", "model/Vengine__ALL.a"]);
        if self.engine.stages().accumulate {
            words.push("-DHAS_ACCUMULATE");
        }
        tool(&self.folder, "g++", &words);
        for (name, objects) in [("fuzz_load", &objects[..4]), ("run_linux", &objects)] {
            let source = format!("{}/driver/test/{name}.c", env!("CARGO_MANIFEST_DIR"));
            let mut words = [&WARNINGS[..], &SANITIZERS, &["-O1", "-o", name, &source]].concat();
            words.extend(folders.iter().chain(objects).map(String::as_str));
            tool(&self.folder, "gcc", &words);
        }
    }

    /// Compiles the driver and what runs a blob; the driver's objects.
    fn driver(&self) -> Vec<String> {
        let mut objects = Vec::new();
        for (part, name) in [
            ("c", "bpa_engine"),
            ("c", "bpa_load"),
            ("c", "bpa_memory"),
            ("c", "bpa_run"),
            ("c", "bpa_linux"),
            ("test", "run_blob"),
        ] {
            let source = format!("{}/driver/{part}/{name}.c", env!("CARGO_MANIFEST_DIR"));
            let object = format!("{name}.o");
            let mut words = [
                &WARNINGS[..],
                &SANITIZERS,
                &["-O1", "-c", "-o", &object, &source],
            ]
            .concat();
            let folders = driver_includes();
            words.extend(folders.iter().map(String::as_str));
            tool(&self.folder, "gcc", &words);
            objects.push(object);
        }
        objects.retain(|it| it != "run_blob.o");
        objects
    }

    /// What `run_blob` says of a blob, and the arena afterwards. `traffic` is what it takes behind the arena.
    pub fn run(&self, blob: &[u8], arena: &[u8], traffic: [&str; 4]) -> (String, Vec<u8>) {
        let files = tempfile::tempdir().unwrap();
        let [blob_path, arena_path] = ["blob", "arena"].map(|name| files.path().join(name));
        std::fs::write(&blob_path, blob).unwrap();
        std::fs::write(&arena_path, arena).unwrap();
        let mut words = [&blob_path, &arena_path]
            .map(|path| path.to_str().unwrap())
            .to_vec();
        words.extend(traffic);
        let said = tool(&self.folder, "./run_blob", &words);
        (said, std::fs::read(&arena_path).unwrap())
    }

    /// What `fuzz_load` says.
    pub fn fuzz(&self, blob: &[u8], cases: u32, seed: u32) -> String {
        let files = tempfile::tempdir().unwrap();
        let path = files.path().join("blob");
        std::fs::write(&path, blob).unwrap();
        let [cases, seed] = [cases, seed].map(|it| it.to_string());
        tool(
            &self.folder,
            "./fuzz_load",
            &[path.to_str().unwrap(), &cases, &seed],
        )
    }

    /// What `run_linux` says of a file of registers.
    pub fn open_file(&self, file: &Path, offset: u64, bytes: u64) -> String {
        let [offset, bytes] = [offset, bytes].map(|it| it.to_string());
        tool(
            &self.folder,
            "./run_linux",
            &[file.to_str().unwrap(), &offset, &bytes],
        )
    }

    /// A network of this text, compiled for the engine.
    pub fn compile(&self, network: &str, seed: u64) -> Compiled {
        let network = NetworkFile::parse(network, "network").unwrap();
        let network = network.validate(&self.engine).unwrap();
        let arrays = NetworkArrays::random(&network, seed);
        let program = Program::new(&network, &self.engine, &self.hardware(), &arrays).unwrap();
        Compiled {
            blob: blob(&program).unwrap(),
            network,
            arrays,
            program,
        }
    }
}

/// What a tool of the folder says; it has to succeed.
pub fn tool(folder: &Path, program: &str, words: &[&str]) -> String {
    let program = match program.strip_prefix("./") {
        Some(own) => folder.join(own),
        None => PathBuf::from(program),
    };
    let output = Command::new(&program)
        .args(words)
        .current_dir(folder)
        .output()
        .unwrap();
    let [said, failed] = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
    assert!(
        output.status.success(),
        "{} {words:?}: {said}{failed}",
        program.display()
    );
    said.into_owned()
}

fn driver_includes() -> [String; 2] {
    ["c", "test"].map(|part| format!("-I{}/driver/{part}", env!("CARGO_MANIFEST_DIR")))
}

/// A network and its blob.
pub struct Compiled {
    pub network: Network,
    pub arrays: NetworkArrays,
    pub program: Program,
    pub blob: Vec<u8>,
}

impl Compiled {
    /// The arena with the inputs in it, and with nonsense elsewhere.
    pub fn arena(&self) -> Vec<u8> {
        let mut arena = vec![0xa5; self.program.arena_bytes as usize];
        let inputs = self.program.buffers.iter();
        for buffer in inputs.filter(|buffer| buffer.role == Role::Input) {
            let (layer, what) = buffer.name.rsplit_once('.').unwrap();
            let step = self
                .network
                .steps()
                .iter()
                .position(|step| step.name() == layer)
                .unwrap();
            let array = match what {
                "input" => &self.arrays.inputs[step],
                _ => &self.arrays.grad_outputs[step],
            };
            put(&mut arena, buffer, array.as_ref().unwrap());
        }
        arena
    }

    /// Holds the outputs in the arena against the reference; how many there are.
    pub fn check(&self, arena: &[u8]) -> usize {
        let (tasks, expected) = (self.network.tasks(), reference(&self.network, &self.arrays));
        let mut outputs = 0;
        for operation in &self.program.operations {
            let Operation::Run { task, result, .. } = operation else {
                continue;
            };
            let buffer = &self.program.buffers[*result];
            if buffer.role == Role::Output {
                outputs += 1;
                let index = tasks.iter().position(|it| it == task).unwrap();
                let found = taken(arena, buffer);
                assert_eq!(found, expected[index].result, "{}", buffer.name);
            }
        }
        outputs
    }
}

/// Puts an array (N, C, H, W) where a buffer is.
fn put(arena: &mut [u8], buffer: &Buffer, array: &Array4<i32>) {
    let bytes = buffer.element_bytes as usize;
    let values = array.view().permuted_axes([0, 2, 3, 1]);
    let pixels = arena[buffer.offset as usize..].chunks_exact_mut(buffer.pitch as usize * bytes);
    for (pixel, values) in pixels.zip(values.rows()) {
        for (place, value) in pixel.chunks_exact_mut(bytes).zip(values) {
            place.copy_from_slice(&value.to_le_bytes()[..bytes]);
        }
    }
}

/// The array (N, C, H, W) of a buffer.
fn taken(arena: &[u8], buffer: &Buffer) -> Array4<i64> {
    let bytes = buffer.element_bytes as usize;
    let [n, h, w, c] = buffer.shape.map(|size| size as usize);
    let pixels = arena[buffer.offset as usize..].chunks_exact(buffer.pitch as usize * bytes);
    let pixels = pixels.take(n * h * w);
    let values = pixels.flat_map(|pixel| pixel.chunks_exact(bytes).take(c));
    let values = values.map(|place| {
        let mut wide = [if place[bytes - 1] >> 7 == 1 { 0xff } else { 0 }; 8];
        wide[..bytes].copy_from_slice(place);
        i64::from_le_bytes(wide)
    });
    let array = Array4::from_shape_vec((n, h, w, c), values.collect()).unwrap();
    array
        .permuted_axes([0, 3, 1, 2])
        .as_standard_layout()
        .into_owned()
}
