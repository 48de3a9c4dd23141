//! Promise: the test vectors notice an engine that is wrong anywhere. Yosys draws mutations of the emitted Verilog: a bit
//! that is stuck, inverted, or mixed with another, at any port of any cell. Each has to change what the engine does under
//! the vectors, or a proof has to say that it changes nothing.
//!
//! All mutations of an engine are in one model; an input says which is in force. The engine itself is held against the
//! reference and the cycle model first; a mutant is killed where anything differs from that: a value, a `tlast`, a cycle in
//! which a stream moved, a status output.
//!
//! One of the engines and a hundred mutations, drawn anew for each commit. All engines and more mutations:
//! `scripts/mutations.sh`. `BPA_MUTATIONS_SEED=17 BPA_MUTATIONS=500` are other ones.

mod engines;
mod handshakes;
mod netlist;
mod proof;
mod vector;
mod vectors;

#[path = "../shared/choices.rs"]
mod choices;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use bpa_engine::emit;
use bpa_sim::{Cache, Model};
use rayon::prelude::*;

use engines::Engine;
use netlist::Mutation;
use proof::Verdict;
use vectors::{Observed, Vectors};

/// Mutations of all engines together, unless the environment says otherwise.
const MUTATIONS: usize = 100;

/// Of a hundred, those that may be neither killed nor proved: some change what no reachable state has, which takes a proof
/// longer than a test can.
const MOST_OPEN: usize = 8;
/// Seconds for a proof.
const PROOF_SECONDS: u64 = 25;

/// What became of the mutations of an engine.
#[derive(Default)]
struct Outcome {
    /// Killed, by what differed first.
    killed: BTreeMap<&'static str, usize>,
    /// Those that a proof found to change nothing.
    harmless: Vec<Mutation>,
    /// Those that neither a vector nor a proof can tell from the engine.
    survivors: Vec<(Mutation, Verdict)>,
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

/// A seed of the commit's hash, so that each commit has mutations of its own; that of no commit is 1.
fn seed() -> u64 {
    number("BPA_MUTATIONS_SEED").unwrap_or_else(|| {
        let folder = env!("CARGO_MANIFEST_DIR");
        let head = Command::new("git")
            .args(["-C", folder, "rev-parse", "HEAD"])
            .output();
        let hash = head.map(|it| String::from_utf8_lossy(&it.stdout).into_owned());
        let start: String = hash.unwrap_or_default().chars().take(7).collect();
        u64::from_str_radix(&start, 16).unwrap_or(1)
    })
}

/// Runs so many mutations of the engine against its vectors.
fn run(engine: &Engine, mutations: usize, seed: u64, seconds: u64) -> Outcome {
    let layer = engine.layer();
    let plan = bpa_engine::plan::Plan::new(&layer);
    let verilog = emit::verilog(&plan);
    let vectors = Vectors::of(&plan);

    let mutated = netlist::mutated(layer.name(), &verilog, mutations, seed);
    let spec = handshakes::spec(&plan, &mutated.verilog, Some(mutated.select_bits));
    let model = Model::build(&spec, &Cache::from_env().unwrap()).unwrap();

    let right: Vec<Observed> = vectors.check_engine(&model);
    let fates: Vec<Option<&'static str>> = (0..mutated.mutations.len())
        .into_par_iter()
        .map(|index| vectors.difference(&model, index as u64 + 1, &right))
        .collect();
    let verdicts: Vec<Option<Verdict>> = mutated
        .mutations
        .par_iter()
        .zip(&fates)
        .map(|(mutation, fate)| match fate {
            Some(_) => None,
            None => Some(proof::verdict(&plan, mutation, seconds)),
        })
        .collect();
    let mut outcome = Outcome::default();
    for ((mutation, fate), verdict) in mutated.mutations.into_iter().zip(fates).zip(verdicts) {
        match (fate, verdict) {
            (Some(what), _) => *outcome.killed.entry(what).or_default() += 1,
            (None, Some(Verdict::Harmless)) => outcome.harmless.push(mutation),
            (None, open) => outcome
                .survivors
                .push((mutation, open.unwrap_or(Verdict::Open))),
        }
    }
    outcome
}

impl Outcome {
    fn all(&self) -> usize {
        self.killed.values().sum::<usize>() + self.harmless.len() + self.survivors.len()
    }

    fn survivors_with(&self, verdict: &Verdict) -> usize {
        let survivors = self.survivors.iter();
        survivors.filter(|(_, found)| found == verdict).count()
    }

    fn told(&self, engine: &str) -> String {
        let killed: usize = self.killed.values().sum();
        let all = self.all();
        let mut text = format!(
            "{engine}: {all} mutations, {killed} killed, {} proved harmless, {} survive\n",
            self.harmless.len(),
            self.survivors.len()
        );
        for (what, count) in &self.killed {
            let _ = writeln!(text, "  {count:5} by {what}");
        }
        for mutation in &self.harmless {
            let _ = writeln!(text, "  harmless: {mutation}");
        }
        for (mutation, verdict) in &self.survivors {
            let _ = writeln!(text, "  survives, {verdict:?}: {mutation}");
        }
        text
    }
}

#[test]
fn every_mutation_is_noticed_or_harmless() {
    let seed = seed();
    let engines = engines::all();
    let (chosen, mutations) = match number("BPA_MUTATIONS") {
        Some(all) => (engines.iter().collect(), all as usize),
        // Each costs a model.
        None => {
            let index = seed as usize % engines.len();
            (vec![&engines[index]], MUTATIONS)
        }
    };
    let seconds = number("BPA_MUTATIONS_PROOF").unwrap_or(PROOF_SECONDS);
    println!("BPA_MUTATIONS_SEED={seed}");
    let (mut all, mut shown, mut open) = (0, 0, 0);
    for engine in &chosen {
        let outcome = run(engine, mutations.div_ceil(chosen.len()), seed, seconds);
        print!("{}", outcome.told(engine.name));
        all += outcome.all();
        shown += outcome.survivors_with(&Verdict::Shown);
        open += outcome.survivors_with(&Verdict::Open);
    }
    assert_eq!(
        shown, 0,
        "BPA_MUTATIONS_SEED={seed}: the vectors miss what a proof shows"
    );
    assert!(
        100 * open <= MOST_OPEN * all,
        "BPA_MUTATIONS_SEED={seed}: {open} of {all} are open"
    );
}
