//! The emitted Verilog as one flat netlist with many mutations in it, by Yosys.

use std::fmt;
use std::path::Path;
use std::process::Command;

/// The input that says which mutation is in force, counted from 1; 0 is none.
pub const MUTANT: &str = "mutant";

/// One mutation, in the words of `mutate`.
#[derive(Clone, Debug)]
pub struct Mutation {
    /// Its line of the script, which has the input and its number.
    line: String,
}

impl Mutation {
    /// The command that makes it for good, without an input.
    pub fn for_good(&self) -> String {
        let (_, rest) = self.line.split_once(MUTANT).expect("every line has it");
        let rest = rest.trim_start().splitn(3, ' ').nth(2);
        format!("mutate {}", rest.expect("width and value come first"))
    }

    fn argument(&self, name: &str) -> &str {
        let mut words = self.line.split(' ').skip_while(|word| *word != name);
        words.nth(1).unwrap_or_default()
    }
}

impl fmt::Display for Mutation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let argument = |name| self.argument(name);
        write!(
            out,
            "{} of bit {} of {} of {}",
            argument("-mode"),
            argument("-portbit"),
            argument("-port"),
            argument("-cell"),
        )?;
        if !argument("-wire").is_empty() {
            write!(out, ", {}[{}]", argument("-wire"), argument("-wirebit"))?;
        }
        write!(out, ", {}", argument("-src"))
    }
}

/// A netlist, and what is in it.
pub struct Mutated {
    pub verilog: String,
    pub mutations: Vec<Mutation>,
    /// Width of [`MUTANT`].
    pub select_bits: usize,
}

/// What comes before mutations, and before their proof, too: names of cells are those of this. The constants of the shell are
/// folded, so that no mutation is in logic that they switch off; choices become plain multiplexers, since a choice of two
/// things at once means nothing.
pub fn flat(name: &str) -> String {
    format!("read_verilog engine.v\nhierarchy -top {name}\nproc\nflatten\nopt -full\npmuxtree\nopt -full\n")
}

/// Lints that a netlist does not pass.
const UNTIDY: [&str; 12] = [
    "WIDTH",
    "UNUSED",
    "UNDRIVEN",
    "CMPCONST",
    "UNSIGNED",
    "CASEINCOMPLETE",
    "CASEOVERLAP",
    "UNOPTFLAT",
    "VARHIDDEN",
    "COMBDLY",
    "SYMRSVDWORD",
    "MULTIDRIVEN",
];

/// So many mutations of the module `name`.
pub fn mutated(name: &str, verilog: &str, mutations: usize, seed: u64) -> Mutated {
    let folder = tempfile::tempdir().unwrap();
    let select_bits = (usize::BITS - mutations.leading_zeros()) as usize;
    std::fs::write(folder.path().join("engine.v"), verilog).unwrap();
    // Memories stay as they are: what is wrong at a port of one is so at the cell that drives it. Seeds have 31 bits.
    let seed = seed % (1 << 31);
    let script = flat(name)
        + &format!(
            "mutate -list {mutations} -o list.ys -seed {seed} -ctrl {MUTANT} {select_bits} 1 * t:$mem* %d\n\
             script list.ys\nwrite_verilog -noattr mutated.v\n"
        );
    yosys(folder.path(), &script).unwrap_or_else(|said| panic!("{said}"));
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let waivers: String = UNTIDY
        .iter()
        .map(|what| format!("/* verilator lint_off {what} */\n"))
        .collect();
    Mutated {
        verilog: waivers + &read("mutated.v"),
        mutations: read("list.ys")
            .lines()
            .map(|line| Mutation {
                line: line.to_owned(),
            })
            .collect(),
        select_bits,
    }
}

/// Runs a script in the folder; what it said where it failed.
pub fn yosys(folder: &Path, script: &str) -> Result<(), String> {
    std::fs::write(folder.join("run.ys"), script).unwrap();
    let output = Command::new("yosys")
        .args(["-q", "-s", "run.ys"])
        .current_dir(folder)
        .output()
        .unwrap_or_else(|error| panic!("yosys: {error}"));
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    match output.status.success() {
        true => Ok(()),
        false => Err(said),
    }
}
