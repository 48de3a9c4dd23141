//! The example `train_digits`: a very short training from end to end, each value of it from the engine, and its passes against
//! those in floating point.

use bpa_sim::Cache;
use clap::Parser;
use ndarray::{Array, Dimension};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

#[path = "../examples/train_digits/main.rs"]
#[allow(dead_code)] // Its `main`, which is for the command line
mod train_digits;

use train_digits::data::Digits;
use train_digits::engine::{Compiled, OnEngine};
use train_digits::float::Float;
use train_digits::network::{cross_entropy, Network, Passes};
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

/// How far an array is from another, for one of that.
fn error<D: Dimension>(found: &Array<f32, D>, float: &Array<f32, D>) -> f32 {
    (found - float).pow2().sum().sqrt() / float.pow2().sum().sqrt()
}

/// What is left is rounding, of weights, activations and gradients, which adds up from layer to layer.
#[test]
fn passes_on_the_engine_are_those_in_floating_point() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let (batch, _) = Digits::read().unwrap().split(32, 0, &mut rng);
    let network = Network::new(&mut rng).unwrap();
    let mut float = Float::default();
    let expected_logits = float.forward(&network, &batch.images).unwrap();
    let (_, of_logits) = cross_entropy(&expected_logits, &batch.labels);
    let expected = float.backward(&network, of_logits.clone()).unwrap();

    let compiled = Compiled::new(&cache()).unwrap();
    let mut engine = OnEngine::new(&compiled, 5, true).unwrap();
    // The second time, scales are those that the first one found.
    for _ in 0..2 {
        let logits = engine.forward(&network, &batch.images).unwrap();
        let of_forward = error(&logits, &expected_logits);
        println!("logits: {of_forward}");
        assert!(of_forward < 0.1, "{of_forward}");
        let found = engine.backward(&network, of_logits.clone()).unwrap();
        assert_eq!(found.len(), 4);
        for (layer, (found, float)) in found.iter().zip(&expected).enumerate() {
            let weight = error(&found.weight, &float.weight);
            let bias = error(&found.bias, &float.bias);
            println!("layer {layer}: weight {weight}, bias {bias}");
            // Where an activation is almost zero, rounding decides whether its gradient is.
            assert!(
                weight < 0.25 && bias < 0.4,
                "layer {layer}: {weight}, {bias}"
            );
        }
    }
    assert!(engine.totals.cycles > 0 && engine.totals.values > 0);
}
