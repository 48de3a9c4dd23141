//! What the bridge costs beside the model: `cargo bench -p bpa-sim`.

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::Path;
use std::time::Instant;

use bpa_sim::{Cache, Model, SimError};
use support::{beats, slice};

const BEATS: usize = 1_000_000;

fn main() -> Result<(), SimError> {
    let fresh = tempfile::tempdir().map_err(|source| SimError::Cache {
        path: std::env::temp_dir(),
        source,
    })?;
    let seconds = |cache: &Cache, bytes: usize| {
        let begin = Instant::now();
        let model = Model::build(&slice(bytes), cache)?;
        println!(
            "build of a slice of {bytes} bytes: {:.3} s{}",
            begin.elapsed().as_secs_f64(),
            if model.was_cached() { " (cached)" } else { "" }
        );
        Ok::<(), SimError>(())
    };
    let cache = Cache::new(fresh.path());
    seconds(&cache, 1)?; // With Verilator's runtime
    seconds(&cache, 4)?;
    seconds(&cache, 4)?;

    println!();
    println!("bytes  stall   cycles   ns/cycle  eval ns  bridge ns  with profiling: share of eval");
    let cache = Cache::new(Path::new(env!("CARGO_TARGET_TMPDIR")).join("models"));
    for bytes in [1, 4, 9, 32] {
        let model = Model::build(&slice(bytes), &cache)?;
        let mut instance = model.instance(1);
        for stall in [0.0, 0.3] {
            let mut measure = |profiling: bool| -> Result<(u64, f64), SimError> {
                instance.source(0).set_stall(stall, 1);
                instance.sink(0).set_stall(stall, 2);
                instance.reset(2);
                let (data, last) = beats(BEATS, bytes, 1000);
                instance.source(0).load(&data, &last)?;
                instance.set_profiling(profiling);
                let begin = Instant::now();
                let status = instance.run(u64::MAX, Some(BEATS as u64));
                let ns = begin.elapsed().as_secs_f64() * 1e9;
                Ok((status.cycles, ns / status.cycles as f64))
            };
            measure(false)?; // Memory is there after this
            let (cycles, ns) = measure(false)?;
            measure(true)?;
            let profile = instance.profile();
            let eval = profile.eval.as_secs_f64() * 1e9 / profile.cycles as f64;
            println!(
                "{bytes:5}  {stall:5.1}  {cycles:7}  {ns:9.1}  {eval:7.1}  {:9.1}  {:5.1} %",
                ns - eval,
                100.0 * profile.eval_share()
            );
        }
    }
    Ok(())
}
