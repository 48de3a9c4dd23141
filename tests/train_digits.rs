//! The example `train_digits`: a very short training from end to end, and its gradients against those in floating
//! point.

use bpa_sim::Cache;
use clap::Parser;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

#[path = "../examples/train_digits/main.rs"]
#[allow(dead_code)] // Its `main`, which is for the command line
mod train_digits;

use train_digits::data::Digits;
use train_digits::engine::{plans, Engines};
use train_digits::float::Float;
use train_digits::network::{cross_entropy, Backward, Network};
use train_digits::{run, Args};

fn cache() -> Cache {
    Cache::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/models"))
}

#[test]
fn a_short_training_prints_and_draws_both_curves() {
    let folder = tempfile::tempdir().unwrap();
    let chart = folder.path().join("new/chart.svg");
    let words = "train_digits --epochs 1 --samples 40 --seed 3 --check --chart";
    let words = words
        .split(' ')
        .map(Into::into)
        .chain([chart.clone().into_os_string()]);
    let mut out = Vec::new();
    run(&Args::parse_from(words), &cache(), &mut out).unwrap();

    let out = String::from_utf8(out).unwrap();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "seed 3");
    let epoch: Vec<&str> = lines[3].split_whitespace().collect();
    assert_eq!((epoch.len(), epoch[0], epoch[3]), (7, "1", "%"), "{out}");
    assert!(lines[4].starts_with("engine - float: "), "{out}");
    assert!(lines[5].contains(" saturated"), "{out}");
    assert_eq!(lines[6..], [chart.to_str().unwrap()]);
    let svg = std::fs::read_to_string(&chart).unwrap();
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    assert_eq!(svg.matches("<circle").count(), 4);
}

#[test]
fn a_chart_that_cannot_be_written_is_refused_first() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let chart = folder.path().join("file/chart.svg");
    let words = ["train_digits", "--chart", chart.to_str().unwrap()];
    let refused = run(&Args::parse_from(words), &cache(), &mut Vec::new());
    let message = refused.unwrap_err().to_string();
    let expected = format!("{}: cannot write: ", chart.display());
    assert!(message.starts_with(&expected), "{message}");
}

/// What is left is rounding, of weights and of gradients, which adds up from the last layer to the first.
#[test]
fn gradients_from_engines_are_those_in_floating_point() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let (batch, _) = Digits::read().unwrap().split(32, 0, &mut rng);
    let network = Network::new(&mut rng).unwrap();
    let seen = network.forward(&batch.images);
    let (_, of_logits) = cross_entropy(&seen.logits, &batch.labels);

    let plans = plans(&network);
    let mut engines = Engines::build(&plans, &cache(), 5, true).unwrap();
    let float = Float.gradients(&network, &seen, of_logits.clone()).unwrap();
    // The second time, scales are those that the first one found.
    for _ in 0..2 {
        let found = engines
            .gradients(&network, &seen, of_logits.clone())
            .unwrap();
        for (layer, (found, float)) in found.iter().zip(&float).enumerate() {
            let error = (found - float).pow2().sum().sqrt() / float.pow2().sum().sqrt();
            assert!(error < 0.05, "layer {layer}: {error}");
        }
    }
}
