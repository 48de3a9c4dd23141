//! From a specification to a shared library.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use crate::cache::{digest, Cache};
use crate::tools::Toolchain;
use crate::{ModelSpec, SimError};

const SHIM: [(&str, &str); 4] = [
    ("shim.cpp", include_str!("../shim/shim.cpp")),
    ("streams.h", include_str!("../shim/streams.h")),
    ("memory.h", include_str!("../shim/memory.h")),
    ("profile.h", include_str!("../shim/profile.h")),
];

/// The library's name within its cache entry.
const LIBRARY: &str = "model.so";

/// `unique` leaves the initial values to be drawn when an instance is made. A warning is an error.
const VERILATOR_FLAGS: &[&str] = &[
    "--cc",
    "-O3",
    "--x-initial",
    "unique",
    "--x-assign",
    "unique",
    "--no-timing",
    "-Wall",
    "-Wno-DECLFILENAME",
];

/// The linker's list of what is visible outside a library: the shim's functions and nothing else,
/// so that any number of libraries can be loaded together.
const EXPORTS: &str = "{ global: bpa_*; local: *; };\n";

/// No flag ties the code to the machine's processor: a cache may move.
const CXX_FLAGS: &[&str] = &[
    "-std=gnu++17",
    "-fPIC",
    "-fvisibility=hidden",
    "-faligned-new",
    "-DVERILATOR=1",
    "-DVM_SC=0",
    "-DVM_TRACE_VCD=0",
    "-I.",
];

/// What a model writes beside what goes through its streams and pins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Nothing,
    Waveforms,
    Coverage,
}

/// What a model needs for what it writes.
struct Recording {
    verilator: &'static [&'static str],
    cxx: &'static [&'static str],
    link: &'static [&'static str],
    /// For the line that says what is compiled.
    told: &'static str,
}

impl Recording {
    fn of(record: Record) -> Self {
        match record {
            Record::Nothing => Recording {
                verilator: &[],
                cxx: &["-DVM_COVERAGE=0", "-DVM_TRACE=0", "-DVM_TRACE_FST=0"],
                link: &[],
                told: "",
            },
            // Words of any width, but no memories: those would be most of the file.
            Record::Waveforms => Recording {
                verilator: &["--trace-fst", "--trace-max-width", "0"],
                cxx: &["-DVM_COVERAGE=0", "-DVM_TRACE=1", "-DVM_TRACE_FST=1"],
                link: &["-lz"],
                told: ", with waveforms,",
            },
            // Words of any width here as well.
            Record::Coverage => Recording {
                verilator: &[
                    "--coverage-line",
                    "--coverage-toggle",
                    "--coverage-max-width",
                    "4096",
                ],
                cxx: &["-DVM_COVERAGE=1", "-DVM_TRACE=0", "-DVM_TRACE_FST=0"],
                link: &[],
                told: ", with counts of what is covered,",
            },
        }
    }
}

/// What runs every cycle; and what runs once.
const FAST: &str = "-O2";
const SLOW: &str = "-O0";

/// The library of a model: its path, and whether it was in the cache.
pub(crate) fn library(
    spec: &ModelSpec,
    record: Record,
    cache: &Cache,
    tools: &Toolchain,
) -> Result<(PathBuf, bool), SimError> {
    let recording = Recording::of(record);
    spec.validate()?;
    let version = tools.verilator_version(cache)?;
    let mut texts = vec![
        spec.verilog.as_str(),
        &spec.top,
        &version,
        FAST,
        SLOW,
        EXPORTS,
    ];
    texts.extend([std::env::consts::ARCH, std::env::consts::OS]);
    texts.extend(SHIM.iter().flat_map(|(name, text)| [*name, *text]));
    texts.extend(VERILATOR_FLAGS);
    texts.extend(CXX_FLAGS);
    texts.extend([recording.verilator, recording.cxx].into_iter().flatten());
    let ports = spec.ports_header("");
    texts.push(&ports);
    let key = digest(texts);

    let told = recording.told;
    let what = format!("compiling the Verilog of {}{told} with Verilator", spec.top);
    let (entry, cached) = cache.entry(&format!("model-{key}"), Some(&what), |dir| {
        let prefix = format!("Vbpa{key}");
        compile(spec, &recording, &prefix, dir, cache, tools)
    })?;
    Ok((entry.join(LIBRARY), cached))
}

/// Builds the library in `dir`, and leaves only it and the Verilog there.
fn compile(
    spec: &ModelSpec,
    recording: &Recording,
    prefix: &str,
    dir: &Path,
    cache: &Cache,
    tools: &Toolchain,
) -> Result<(), SimError> {
    let work = dir.join("work");
    fs::create_dir(&work).map_err(SimError::cache(&work))?;
    let verilog = format!("{}.v", spec.top);
    write(&dir.join(&verilog), &spec.verilog)?;

    tools
        .verilator()
        .dir(dir)
        .args(VERILATOR_FLAGS)
        .args(recording.verilator)
        .args(["--prefix", prefix, "--top-module", &spec.top])
        .args(["--Mdir", "work", &verilog])
        .run()?;
    let read = |name: String| {
        let path = work.join(name);
        fs::read_to_string(&path).map_err(SimError::cache(path))
    };
    spec.check_header(&read(format!("{prefix}.h"))?)?;
    let classes = Classes::parse(&read(format!("{prefix}_classes.mk"))?);

    for (name, text) in SHIM {
        write(&work.join(name), text)?;
    }
    write(&work.join("bpa_ports.h"), &spec.ports_header(prefix))?;
    // One unit for what runs every cycle, the shim's loop with it, and one for the rest
    write(&work.join("fast.cpp"), &unit(&classes.fast, &["shim.cpp"]))?;
    write(&work.join("slow.cpp"), &unit(&classes.slow, &[]))?;

    let include = tools.verilator_include()?;
    let flags = cxx_flags(recording, tools)?;
    let object = |unit: &str, level: &str| {
        let (source, object) = (format!("{unit}.cpp"), format!("{unit}.o"));
        compile_object(tools, &flags, &include, &work, level, &source, &object)
    };
    let (fast, slow, runtime) = thread::scope(|scope| {
        let slow = scope.spawn(|| {
            let runtime = runtime(cache, tools, &flags, &include, &classes.runtime);
            (object("slow", SLOW), runtime)
        });
        let fast = object("fast", FAST);
        let (slow, runtime) = slow.join().expect("the compiling thread does not panic");
        (fast, slow, runtime)
    });
    fast?;
    slow?;

    // The fast unit comes first: of an inline function that both hold, the first one is kept
    let mut link = tools.cxx().dir(&work).args(["-shared", "-pthread"]);
    if !cfg!(target_os = "macos") {
        write(&work.join("exports.map"), EXPORTS)?;
        link = link.args(["-Wl,-Bsymbolic", "-Wl,--version-script=exports.map"]);
    }
    link.args(["-o", "../model.so", "fast.o", "slow.o"])
        .args(runtime?)
        .args(recording.link)
        .run()?;
    fs::remove_dir_all(&work).map_err(SimError::cache(&work))
}

/// Verilator's own runtime takes as long to compile as a small model, so it is compiled once.
fn runtime(
    cache: &Cache,
    tools: &Toolchain,
    flags: &[String],
    include: &Path,
    units: &[String],
) -> Result<Vec<PathBuf>, SimError> {
    let verilator = tools.verilator_version(cache)?;
    let cxx = tools.cxx_version()?;
    let mut texts = vec![verilator.as_str(), &cxx, FAST, std::env::consts::ARCH];
    texts.extend(flags.iter().map(String::as_str));
    texts.extend(units.iter().map(String::as_str));
    let (entry, _) = cache.entry(&format!("runtime-{}", digest(texts)), None, |dir| {
        for unit in units {
            let source = include.join(format!("{unit}.cpp"));
            let source = source.to_string_lossy();
            let object = format!("{unit}.o");
            compile_object(tools, flags, include, dir, FAST, &source, &object)?;
        }
        Ok(())
    })?;
    Ok(units
        .iter()
        .map(|unit| entry.join(format!("{unit}.o")))
        .collect())
}

fn cxx_flags(recording: &Recording, tools: &Toolchain) -> Result<Vec<String>, SimError> {
    let flags = CXX_FLAGS.iter().chain(recording.cxx);
    let mut flags: Vec<String> = flags.map(|flag| flag.to_string()).collect();
    if !tools.cxx_version()?.contains("clang") {
        // GCC's unique symbols would be shared between libraries in spite of everything else
        flags.push("-fno-gnu-unique".into());
    }
    Ok(flags)
}

fn compile_object(
    tools: &Toolchain,
    flags: &[String],
    include: &Path,
    dir: &Path,
    level: &str,
    source: &str,
    object: &str,
) -> Result<(), SimError> {
    tools
        .cxx()
        .dir(dir)
        .args(flags)
        .args([level])
        .args([Path::new("-I"), include])
        .args([Path::new("-I"), &include.join("vltstd")])
        .args(["-c", "-o", object, source])
        .run()
        .map(drop)
        .map_err(|error| match error {
            // Verilator's writer of waveforms leans on it.
            SimError::Tool { tail, .. } if tail.contains("zlib.h") => SimError::ZlibMissing,
            error => error,
        })
}

/// A source file that includes others.
fn unit(classes: &[String], more: &[&str]) -> String {
    let classes = classes.iter().map(|class| format!("{class}.cpp"));
    let names = classes.chain(more.iter().map(|name| name.to_string()));
    names.map(|name| format!("#include \"{name}\"\n")).collect()
}

fn write(path: &Path, text: &str) -> Result<(), SimError> {
    fs::write(path, text).map_err(SimError::cache(path))
}

/// The source files of a model, as Verilator lists them for `make`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Classes {
    fast: Vec<String>,
    slow: Vec<String>,
    runtime: Vec<String>,
}

impl Classes {
    fn parse(makefile: &str) -> Self {
        let mut classes = Classes::default();
        let mut ignored = Vec::new();
        let mut list = None;
        for line in makefile.lines().map(str::trim) {
            if let Some(name) = line.strip_suffix("+= \\") {
                list = Some(match name.trim() {
                    "VM_CLASSES_FAST" | "VM_SUPPORT_FAST" => &mut classes.fast,
                    "VM_CLASSES_SLOW" | "VM_SUPPORT_SLOW" => &mut classes.slow,
                    "VM_GLOBAL_FAST" | "VM_GLOBAL_SLOW" => &mut classes.runtime,
                    _ => &mut ignored,
                });
            } else if let (Some(item), Some(list)) = (line.strip_suffix('\\'), &mut list) {
                list.push(item.trim().to_string());
            } else {
                list = None;
            }
        }
        classes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_makefile_names_the_sources() {
        let makefile = "VM_C11 = 1\nVM_CLASSES_FAST += \\\n\tVa \\\n\tVa__1 \\\n\n# Slow\n\
            VM_CLASSES_SLOW += \\\n\tVa__Slow \\\n\nVM_SUPPORT_FAST += \\\n\n\
            VM_SUPPORT_SLOW += \\\n\tVa__Syms \\\n\nVM_GLOBAL_FAST += \\\n\tverilated \\\n";
        let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        let expected = Classes {
            fast: names(&["Va", "Va__1"]),
            slow: names(&["Va__Slow", "Va__Syms"]),
            runtime: names(&["verilated"]),
        };
        assert_eq!(Classes::parse(makefile), expected);
    }
}
