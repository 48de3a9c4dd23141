//! The backward pass by engines: each layer's Verilog turns the gradient of the layer's output into that of the layer
//! before, in one pass from int8 to int8.

use anyhow::{bail, ensure, Context};
use bpa_engine::compare::compare;
use bpa_engine::emit;
use bpa_engine::interface::accumulate_bits;
use bpa_engine::plan::Plan;
use bpa_engine::reference::{reference, StageArrays};
use bpa_engine::run::{Arrays, Measured, Simulator, Traffic};
use bpa_sim::Cache;
use ndarray::{arr1, Array4};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::network::{Backward, Network, Seen};
use super::quantise::{self, Quantised};
use super::range::{Range, Verdict};

/// Engines for all layers of a network but the first.
pub struct Engines<'a> {
    engines: Vec<Engine<'a>>,
    rng: ChaCha8Rng,
    check: bool,
    pub totals: Totals,
}

/// What the engines did.
#[derive(Default)]
pub struct Totals {
    pub cycles: u64,
    pub values: u64,
    pub saturations: u64,
}

struct Engine<'a> {
    plan: &'a Plan,
    simulator: Simulator<'a>,
    range: Range,
}

/// The plans of the engines, which hold on to them.
pub fn plans(network: &Network) -> Vec<Plan> {
    let layers = network.layers().iter().skip(1);
    layers.map(|conv| Plan::new(conv.layer())).collect()
}

impl<'a> Engines<'a> {
    /// Compiles the Verilog of all engines, or finds it compiled in the cache. With `check`, each result is compared
    /// with the software reference.
    pub fn build(plans: &'a [Plan], cache: &Cache, seed: u64, check: bool) -> anyhow::Result<Self> {
        let engines = plans
            .par_iter()
            .map(|plan| Engine::build(plan, cache))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            engines,
            rng: ChaCha8Rng::seed_from_u64(seed),
            check,
            totals: Totals::default(),
        })
    }
}

impl Backward for Engines<'_> {
    fn gradients(
        &mut self,
        network: &Network,
        seen: &Seen,
        of_logits: Array4<f32>,
    ) -> anyhow::Result<Vec<Array4<f32>>> {
        let mut gradient = quantise::stochastic(&of_logits, &mut self.rng);
        let mut gradients = vec![gradient.to_real()];
        let layers = network.layers().iter().zip(&seen.inputs).skip(1);
        for (engine, (conv, input)) in self.engines.iter_mut().zip(layers).rev() {
            let (weight, per_one) = quantise::weights(&conv.weight());
            let layer = engine.plan.layer();
            let around = |value| i64::from(value) * i64::from(per_one);
            let stages = StageArrays {
                bias: None,
                scale: None,
                accumulate: layer.accumulate().then(|| gradient.values.mapv(around)),
                mask: layer.mask().then(|| input.mapv(|input| input > 0.0)),
                rounding_seed: self.rng.random_range(0..1 << 31),
            };
            let arrays = Arrays {
                moving: gradient.values,
                stationary: weight,
                stages,
            };
            let (values, sums_per_one) = engine.run(arrays, self.check, &mut self.totals)?;
            // Sums are in the unit of the gradients times that of the weights.
            gradient = Quantised {
                values,
                unit: gradient.unit / f64::from(per_one) * sums_per_one,
            };
            gradients.push(gradient.to_real());
        }
        gradients.reverse();
        Ok(gradients)
    }
}

impl<'a> Engine<'a> {
    fn build(plan: &'a Plan, cache: &Cache) -> anyhow::Result<Self> {
        let name = plan.layer().name();
        let requantise = plan.layer().requantise();
        let requantise = requantise.with_context(|| format!("{name} does not requantise"))?;
        let bound = 2_f64.powi(accumulate_bits(plan) as i32 - 1);
        Ok(Self {
            plan,
            simulator: Simulator::build(plan, &emit::verilog(plan), cache)?,
            range: Range::new(bound, requantise.shift, requantise.scale_type.max()),
        })
    }

    /// The results for a batch, which goes through the engine as frames back to back, and the sums for each one of them.
    /// The scale is chosen here.
    fn run(
        &mut self,
        mut arrays: Arrays,
        check: bool,
        totals: &mut Totals,
    ) -> anyhow::Result<(Array4<i32>, f64)> {
        loop {
            let scale = self.range.scale();
            arrays.stages.scale = Some(arr1(&[scale]));
            let traffic = Traffic::default();
            let measured = self.simulator.run(&arrays, &traffic, &mut |_| ())?;
            if check {
                self.check(&arrays, &measured)?;
            }
            totals.add(&measured);
            let greatest = measured.result.iter().map(|value| value.abs()).max();
            let greatest = greatest.unwrap_or(0);
            if self.range.see(greatest, measured.saturations, scale) == Verdict::Good {
                let values = measured.result.mapv(|value| value as i32);
                return Ok((values, self.range.sums_per_one(scale)));
            }
        }
    }

    fn check(&self, arrays: &Arrays, measured: &Measured) -> anyhow::Result<()> {
        let (name, expected) = (
            self.plan.layer().name(),
            reference(self.plan.layer(), arrays),
        );
        if let Some(first) = compare(&measured.result, &expected.result).first {
            bail!("{name}: {first}");
        }
        ensure!(
            measured.saturations == expected.saturations,
            "{name}: the engine counted {} saturated values, the reference {}",
            measured.saturations,
            expected.saturations
        );
        Ok(())
    }
}

impl Totals {
    fn add(&mut self, measured: &Measured) {
        self.cycles += measured.cycles.total;
        self.values += measured.result.len() as u64;
        self.saturations += measured.saturations;
    }
}
