//! A block in a module of its own, driven and watched cycle by cycle, with its mutants in the same model.

use std::cell::Cell;
use std::collections::BTreeMap;

use bpa_hdl::config::descriptor::Descriptor;
use bpa_hdl::config::inputs::{Config, ConfigPort, ToldPart};
use bpa_hdl::primitives::paged_memory::{LOAD_DATA, LOAD_ENTRY, LOAD_PAGE, PAGE};
use bpa_hdl::rtl::{print_verilog, Module, Port};
use bpa_sim::{Cache, Instance, Model, ModelSpec, Pin, StreamPort};

use crate::choices::Choices;
use crate::traffic::{Gate, Pauses, Traffic};

/// Seeds of each traffic.
const SEEDS: u64 = 3;
/// Cycles of reset.
const RESET_CYCLES: u64 = 2;
/// A vector that takes longer hangs.
const MOST_CYCLES: u64 = 60_000;

/// What is wrong with a block, with the cycle.
pub type Verdict = Result<(), String>;

/// Ends a vector with a fault unless this holds.
#[macro_export]
macro_rules! must {
    ($run:expr, $holds:expr, $($told:tt)+) => {
        if !$holds {
            return Err(format!("cycle {}: {}", $run.cycle, format!($($told)+)));
        }
    };
}

/// A block's text with one thing wrong.
pub struct Mutant {
    pub what: &'static str,
    /// Text that is in the block once.
    pub line: &'static str,
    /// An expression in it, and what the mutant has instead.
    pub right: &'static str,
    pub wrong: &'static str,
}

/// A mutant, by what it is, the line, and the expression that is another there.
pub const fn mutant(
    what: &'static str,
    line: &'static str,
    right: &'static str,
    wrong: &'static str,
) -> Mutant {
    Mutant {
        what,
        line,
        right,
        wrong,
    }
}

/// A block to be driven.
pub struct Block {
    name: String,
    model: Model,
    ports: Vec<Port>,
    mutants: &'static [Mutant],
    told: Vec<ConfigPort>,
    parts: Vec<ToldPart>,
}

impl Block {
    /// A module whose configuration inputs are those of `config`. An edit of a mutant that no longer applies fails here:
    /// somebody has to say what the mutant is now.
    pub fn new(module: &Module, config: Config, mutants: &'static [Mutant]) -> Self {
        let text = print_verilog(module);
        if let Ok(folder) = std::env::var("BPA_BLOCKS_TEXT") {
            let path = std::path::Path::new(&folder).join(format!("{}.v", module.name()));
            std::fs::write(path, &text).unwrap();
        }
        let text = with_mutants(text, mutants);
        let ports = module.ports();
        let resets = ports.iter().any(|port| port.name == "aresetn");
        let ports: Vec<Port> = ports
            .into_iter()
            .filter(|port| !["aclk", "aresetn"].contains(&port.name.as_str()))
            .collect();
        let inputs = ports.iter().filter(|port| port.inward);
        let outputs = ports.iter().filter(|port| !port.inward);
        let both = |port: &Port| {
            let names = [pin(&port.name), format!("was_{}", port.name)];
            names.map(|name| Pin::new(name, port.width))
        };
        let spec = ModelSpec {
            top: "bench".to_owned(),
            verilog: bench(module.name(), resets, &ports) + &text,
            sources: vec![],
            // A model has a stream at least.
            sinks: vec![StreamPort::new("m_none", 1)],
            pins_in: inputs
                .map(|port| Pin::new(pin(&port.name), port.width))
                .chain([Pin::new("mutant", 8)])
                .collect(),
            pins_out: outputs.flat_map(both).collect(),
            memory: None,
        };
        let (told, parts) = config.into_parts();
        Block {
            name: module.name().to_owned(),
            model: Model::build(&spec, &Cache::from_env().unwrap()).unwrap(),
            ports,
            mutants,
            told,
            parts,
        }
    }

    /// Runs the vectors through the block as it is, which has to keep its promise, and through each of its mutants, which
    /// must not.
    pub fn check(&self, vector: impl Fn(&mut Run) -> Verdict) {
        let vectors = vectors();
        for &(traffic, seed) in &vectors {
            println!("{}: seed {seed}, {traffic:?}", self.name);
            if let Err(fault) = vector(&mut Run::new(self, traffic, seed, 0)) {
                panic!(
                    "{} breaks its promise, {traffic:?}: {fault}; again with BPA_BLOCKS_SEED={seed}",
                    self.name
                );
            }
        }
        for (index, mutant) in self.mutants.iter().enumerate() {
            let found = vectors.iter().find_map(|&(traffic, seed)| {
                let verdict = vector(&mut Run::new(self, traffic, seed, index as u64 + 1));
                verdict.err().map(|fault| (traffic, seed, fault))
            });
            match found {
                Some((traffic, seed, fault)) => println!(
                    "{}, {}: {fault} (seed {seed}, {traffic:?})",
                    self.name, mutant.what
                ),
                None => panic!("{}: nothing notices {}", self.name, mutant.what),
            }
        }
    }
}

/// The block with all of its mutants, of which `bench.mutant` chooses one, counted from 1.
fn with_mutants(mut text: String, mutants: &[Mutant]) -> String {
    let mut edits: BTreeMap<(&str, &str), String> = BTreeMap::new();
    for (index, mutant) in mutants.iter().enumerate() {
        let (line, right, what) = (mutant.line, mutant.right, mutant.what);
        let found = text.matches(line).count();
        assert_eq!(found, 1, "{what}: `{line}` in\n{text}");
        assert_eq!(line.matches(right).count(), 1, "{what}: `{right}`");
        let edit = edits.entry((line, right)).or_default();
        *edit += &format!("bench.mutant == 8'd{} ? ({}) : ", index + 1, mutant.wrong);
    }
    for ((line, right), wrong) in edits {
        text = text.replace(line, &line.replace(right, &format!("({wrong}({right}))")));
    }
    text
}

/// Each traffic with its seeds; one seed, where the environment names it.
fn vectors() -> Vec<(Traffic, u64)> {
    let only: Option<u64> = std::env::var("BPA_BLOCKS_SEED")
        .ok()
        .map(|seed| seed.parse().expect("BPA_BLOCKS_SEED is a number"));
    let all = Traffic::ALL.iter().enumerate();
    let all = all.flat_map(|(index, &traffic)| {
        (0..SEEDS).map(move |seed| (traffic, index as u64 * SEEDS + seed))
    });
    all.filter(|&(_, seed)| only.is_none_or(|only| only == seed))
        .collect()
}

/// The name outside of a port: not every name of the block's is one of C++.
fn pin(port: &str) -> String {
    format!("pin_{port}")
}

/// The module around the block, which has a reset or none: each output as it is, and as it was just before the latest edge.
fn bench(name: &str, resets: bool, ports: &[Port]) -> String {
    // What is edited need not be tidy, and here only the block is looked at.
    let untidy = [
        "WIDTH",
        "UNUSED",
        "UNDRIVEN",
        "CMPCONST",
        "UNSIGNED",
        "CASEINCOMPLETE",
    ];
    let mut text: String = untidy
        .iter()
        .map(|what| format!("/* verilator lint_off {what} */\n"))
        .collect();
    let mut declared = vec![
        "input wire aclk".to_owned(),
        "input wire aresetn".to_owned(),
        "input wire [7:0] mutant".to_owned(),
        "output wire m_none_tvalid".to_owned(),
        "output wire [7:0] m_none_tdata".to_owned(),
        "output wire m_none_tlast".to_owned(),
        "input wire m_none_tready".to_owned(),
    ];
    let mut bindings = vec![".aclk(aclk)".to_owned()];
    bindings.extend(resets.then(|| ".aresetn(aresetn)".to_owned()));
    let mut samples = String::new();
    for Port {
        name,
        width,
        inward,
    } in ports
    {
        let range = format!("[{}:0]", width - 1);
        if *inward {
            declared.push(format!("input wire {range} {}", pin(name)));
        } else {
            declared.push(format!("output wire {range} {}", pin(name)));
            declared.push(format!("output reg {range} was_{name}"));
            samples += &format!("    was_{name} <= {};\n", pin(name));
        }
        bindings.push(format!(".{name}({})", pin(name)));
    }
    text += &format!(
        "module bench (\n  {}\n);\n  assign m_none_tvalid = 1'b0;\n  assign m_none_tdata = 8'd0;\n  assign m_none_tlast = \
         1'b0;\n  {name} block (\n    {}\n  );\n  always @(posedge aclk) begin\n{samples}  end\nendmodule\n",
        declared.join(",\n  "),
        bindings.join(",\n    ")
    );
    text
}

/// A vector under way.
pub struct Run<'a> {
    block: &'a Block,
    instance: Instance,
    pub traffic: Traffic,
    pub choices: Choices,
    seed: u64,
    gates: Cell<u64>,
    /// Cycle that comes next; in a fault, the one that was run last.
    pub cycle: i64,
}

impl<'a> Run<'a> {
    fn new(block: &'a Block, traffic: Traffic, seed: u64, mutant: u64) -> Self {
        let mut instance = block.model.instance(seed);
        instance.poke("mutant", mutant).unwrap();
        Run {
            block,
            instance,
            traffic,
            choices: Choices::new(seed),
            seed,
            gates: Cell::new(0),
            cycle: -1,
        }
    }

    /// Tells the configuration inputs, but for memories.
    pub fn tell(&mut self, d: &Descriptor) {
        for port in &self.block.told {
            if self.block.ports.iter().any(|it| it.name == port.port) {
                self.instance.poke(&pin(&port.port), port.value(d)).unwrap();
            }
        }
    }

    /// Fills one page of the block's memories and takes it into use, by cycles that do not count.
    pub fn fill(&mut self, d: &Descriptor, page: u64) {
        self.set(LOAD_PAGE, page);
        for part in &self.block.parts {
            for (entry, numbers) in &part.entries {
                let mut low = 0;
                let mut word = 0;
                for number in numbers {
                    word |= number.value(d) << low;
                    low += number.width;
                }
                self.set(LOAD_ENTRY, *entry);
                self.set(LOAD_DATA, word);
                self.set(&part.strobe, 1);
                self.instance.run(1, None);
                self.set(&part.strobe, 0);
            }
        }
        self.set(PAGE, page);
    }

    /// A reset; the cycle behind it is number 0.
    pub fn reset(&mut self) {
        self.instance.reset(RESET_CYCLES);
        self.cycle = -1;
    }

    /// The gate of a side that gives.
    pub fn idle(&self) -> Gate {
        self.gate(self.traffic.idle)
    }

    /// The gate of a side that takes.
    pub fn back(&self) -> Gate {
        self.gate(self.traffic.back)
    }

    fn gate(&self, pauses: Pauses) -> Gate {
        self.gates.set(self.gates.get() + 1);
        Gate::new(pauses, (self.seed << 8) + self.gates.get())
    }

    /// An input, in the next cycle and until it is set again.
    pub fn set(&mut self, port: &str, value: u64) {
        self.instance.poke(&pin(port), value).unwrap();
    }

    /// Runs a cycle; whether there may be more of them.
    pub fn step(&mut self) -> Verdict {
        self.instance.run(1, None);
        self.cycle += 1;
        match (self.cycle as u64) < MOST_CYCLES {
            true => Ok(()),
            false => Err(format!("it hangs: {} cycles", self.cycle)),
        }
    }

    /// An output in the cycle that was run last, by the inputs of that cycle.
    pub fn was(&self, port: &str) -> u64 {
        self.instance.peek(&format!("was_{port}")).unwrap()
    }

    /// The same of a flag.
    pub fn high(&self, port: &str) -> bool {
        self.was(port) != 0
    }

    /// An output in the cycle that comes next, where it is a register.
    pub fn next(&self, port: &str) -> u64 {
        self.instance.peek(&pin(port)).unwrap()
    }
}
