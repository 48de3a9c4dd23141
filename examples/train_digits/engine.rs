//! All passes of all layers from one programmable engine, job by job, from int8 to int8: forward with biases and the skip
//! connection added, backward with the ReLU's mask, and the gradients of the weights.

use std::collections::HashMap;

use anyhow::{bail, ensure, Context};
use bpa_engine::compare::compare;
use bpa_engine::driver::{Driver, Simulated};
use bpa_engine::emit::Target;
use bpa_engine::layer::{Geometry, Layer, Pass, Requantise};
use bpa_engine::operands::{moving_of, result_of, stationary_of};
use bpa_engine::plan::Plan;
use bpa_engine::programmable::{EngineFile, ProgrammableEngine, UsedStages};
use bpa_engine::reference::{reference, StageArrays};
use bpa_engine::run::Arrays;
use bpa_hdl::rtl::print_verilog;
use bpa_hdl::shell::programmable::Programmable;
use bpa_sim::{Cache, Model};
use ndarray::{arr1, Array1, Array4, Axis};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::conv::{Conv, Gradient};
use super::network::{Network, Passes};
use super::quantise::{self, Quantised};
use super::range::{Range, Verdict};

const ENGINE: &str = include_str!("engine.toml");

/// The engine, compiled.
pub struct Compiled {
    engine: ProgrammableEngine,
    requantise: Requantise,
    hardware: Programmable,
    model: Model,
}

impl Compiled {
    /// Compiles the engine's Verilog, or finds it compiled in the cache.
    pub fn new(cache: &Cache) -> anyhow::Result<Self> {
        let engine = EngineFile::parse(ENGINE, "engine.toml")?.validate()?;
        let requantise = engine.requantise().context("it does not requantise")?;
        let hardware = engine.hardware(Target::Generic);
        let text = print_verilog(&hardware.module);
        let model = Simulated::model(&engine, &hardware, &text, cache)?;
        Ok(Self {
            engine,
            requantise,
            hardware,
            model,
        })
    }
}

/// A training's passes on the engine.
pub struct OnEngine<'a> {
    compiled: &'a Compiled,
    driver: Driver<'a, Simulated>,
    /// What each pass of each layer is scaled by.
    ranges: HashMap<(usize, Pass), Range>,
    /// By layer, pass and images of a batch.
    plans: HashMap<(usize, Pass, usize), Plan>,
    rng: ChaCha8Rng,
    check: bool,
    /// What each layer took in the last forward pass.
    inputs: Vec<Quantised>,
    pub totals: Totals,
}

/// What the engine did.
#[derive(Default)]
pub struct Totals {
    pub cycles: u64,
    pub values: u64,
    pub saturations: u64,
}

/// A pass of a layer, and the arrays that it takes as PyTorch has them.
struct Job<'a> {
    layer: usize,
    conv: &'a Conv,
    pass: Pass,
    moving: Array4<i32>,
    stationary: Array4<i32>,
    accumulate: Option<Array4<i64>>,
    mask: Option<Array4<bool>>,
}

impl<'a> OnEngine<'a> {
    /// With `check`, each result is compared with the software reference.
    pub fn new(compiled: &'a Compiled, seed: u64, check: bool) -> anyhow::Result<Self> {
        let device = Simulated::new(&compiled.model, seed);
        Ok(Self {
            driver: Driver::open(&compiled.engine, &compiled.hardware, device)?,
            compiled,
            ranges: HashMap::new(),
            plans: HashMap::new(),
            rng: ChaCha8Rng::seed_from_u64(seed),
            check,
            inputs: Vec::new(),
            totals: Totals::default(),
        })
    }

    /// The results as PyTorch has them, and the sums for each one of them. The scale is chosen here.
    fn run(&mut self, job: Job) -> anyhow::Result<(Array4<i32>, f64)> {
        let plan = self.plan(&job)?;
        let layer = plan.layer();
        let mut arrays = Arrays {
            moving: moving_of(layer, job.moving),
            stationary: stationary_of(layer, job.stationary),
            stages: StageArrays {
                accumulate: job.accumulate,
                mask: job.mask,
                rounding_seed: self.rng.random_range(0..1 << 31),
                ..StageArrays::default()
            },
        };
        let Requantise {
            shift, scale_type, ..
        } = self.compiled.requantise;
        // What is added may make the sum a bit longer.
        let bound = 2_f64.powi(layer.sum_bits() as i32);
        let range = self.ranges.entry((job.layer, job.pass));
        let range = range.or_insert_with(|| Range::new(bound, shift, scale_type.max()));
        loop {
            let scale = range.scale();
            arrays.stages.scale = Some(arr1(&[scale]));
            let before = self.driver.value("saturations")?;
            let submitted = self.driver.submit(plan.clone(), &arrays)?;
            let result = self.driver.collect(&submitted)?;
            let saturations = self.driver.value("saturations")?.wrapping_sub(before);
            if self.check {
                check(layer, &arrays, &result, saturations)?;
            }
            self.totals.values += result.len() as u64;
            self.totals.saturations += u64::from(saturations);
            let greatest = result.iter().map(|value| value.abs()).max().unwrap_or(0);
            if range.see(greatest, saturations.into(), scale) == Verdict::Good {
                let values = result_of(layer, result).mapv(|value| value as i32);
                return Ok((values, range.sums_per_one(scale)));
            }
        }
    }

    /// The job's layer in the engine's memories.
    fn plan(&mut self, job: &Job) -> anyhow::Result<Plan> {
        let images = job.moving.len_of(Axis(0));
        let key = (job.layer, job.pass, images);
        if let Some(plan) = self.plans.get(&key) {
            return Ok(plan.clone());
        }
        let geometry = Geometry {
            pass: Some(job.pass.to_string()),
            batch: Some(i64::try_from(images)?),
            ..job.conv.layer().to_file().layer
        };
        let stages = UsedStages {
            accumulate: job.accumulate.is_some(),
            mask: job.mask.is_some(),
            ..UsedStages::default()
        };
        let engine = &self.compiled.engine;
        let plan = engine.plan(&engine.staged_layer(geometry, stages)?)?;
        self.plans.insert(key, plan.clone());
        Ok(plan)
    }
}

impl Passes for OnEngine<'_> {
    fn forward(&mut self, network: &Network, images: &Array4<f32>) -> anyhow::Result<Array4<f32>> {
        self.inputs.clear();
        let mut values = quantise::pixels(images);
        for (layer, conv) in network.layers().iter().enumerate() {
            if layer > 0 {
                values.values.mapv_inplace(|value| value.max(0));
            }
            let (weight, per_one) = quantise::weights(&conv.weight());
            // Sums are in the unit of the values times that of the weights.
            let unit = values.unit / f64::from(per_one);
            let around = conv.skip().then_some((&values.values, per_one));
            let (output, sums_per_one) = self.run(Job {
                layer,
                conv,
                pass: Pass::Forward,
                moving: values.values.clone(),
                stationary: weight,
                accumulate: Some(added(conv, images.len_of(Axis(0)), unit, around)),
                mask: None,
            })?;
            self.inputs.push(values);
            values = Quantised {
                values: output,
                unit: unit * sums_per_one,
            };
        }
        self.totals.cycles = self.driver.busy_cycles()?;
        Ok(values.to_real())
    }

    fn backward(
        &mut self,
        network: &Network,
        of_logits: Array4<f32>,
    ) -> anyhow::Result<Vec<Gradient>> {
        let mut gradients = Vec::new();
        let mut gradient = quantise::stochastic(&of_logits, &mut self.rng);
        let inputs = std::mem::take(&mut self.inputs);
        for (layer, (conv, input)) in network.layers().iter().zip(&inputs).enumerate().rev() {
            let (of_weight, sums_per_one) = self.run(Job {
                layer,
                conv,
                pass: Pass::GradWeight,
                moving: input.values.clone(),
                stationary: gradient.values.clone(),
                accumulate: None,
                mask: None,
            })?;
            let of_weight = Quantised {
                values: of_weight,
                unit: input.unit * gradient.unit * sums_per_one,
            };
            gradients.push(Gradient {
                weight: of_weight.to_real(),
                bias: of_bias(&gradient),
            });
            // Nothing needs the gradient of the images.
            if layer > 0 {
                let (weight, per_one) = quantise::weights(&conv.weight());
                let around = |value| i64::from(value) * i64::from(per_one);
                let (values, sums_per_one) = self.run(Job {
                    layer,
                    conv,
                    pass: Pass::GradInput,
                    moving: gradient.values.clone(),
                    stationary: weight,
                    accumulate: conv.skip().then(|| gradient.values.mapv(around)),
                    mask: Some(input.values.mapv(|input| input > 0)),
                })?;
                gradient = Quantised {
                    values,
                    unit: gradient.unit / f64::from(per_one) * sums_per_one,
                };
            }
        }
        self.totals.cycles = self.driver.busy_cycles()?;
        gradients.reverse();
        Ok(gradients)
    }
}

/// What is added to a layer's sums, which have this unit: its biases, and what goes around it, times the integers that make 1
/// of a weight.
fn added(
    conv: &Conv,
    images: usize,
    unit: f64,
    around: Option<(&Array4<i32>, i32)>,
) -> Array4<i64> {
    let [channels, height, width] = bpa_engine::reference::grad_output_shape(conv.layer());
    let bias = conv
        .bias()
        .mapv(|bias| (f64::from(bias) / unit).round() as i64);
    let shape = (images, channels, height, width);
    let mut added = Array4::from_shape_fn(shape, |(_, channel, _, _)| bias[channel]);
    if let Some((values, per_one)) = around {
        added += &values.mapv(|value| i64::from(value) * i64::from(per_one));
    }
    added
}

/// The gradient of the biases, summed in integers.
fn of_bias(gradient: &Quantised) -> Array1<f32> {
    let sums = gradient
        .values
        .sum_axis(Axis(3))
        .sum_axis(Axis(2))
        .sum_axis(Axis(0));
    sums.mapv(|sum| (f64::from(sum) * gradient.unit) as f32)
}

fn check(
    layer: &Layer,
    arrays: &Arrays,
    result: &Array4<i64>,
    saturations: u32,
) -> anyhow::Result<()> {
    let (pass, expected) = (layer.pass(), reference(layer, arrays));
    if let Some(first) = compare(result, &expected.result).first {
        bail!("{pass}: {}", first.of(layer));
    }
    ensure!(
        u64::from(saturations) == expected.saturations,
        "{pass}: the engine counted {saturations} saturated values, the reference {}",
        expected.saturations
    );
    Ok(())
}
