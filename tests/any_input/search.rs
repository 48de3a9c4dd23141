//! Random inputs on all processors, and of those that make a check panic, a small one.

use std::cell::RefCell;
use std::fmt::Debug;
use std::panic::{catch_unwind, set_hook, take_hook, AssertUnwindSafe};
use std::sync::Once;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};
use rayon::prelude::*;

/// Runners side by side, each with a seed of its own.
const SHARDS: u64 = 32;
/// Steps that look for a smaller input.
const SHRINKING_STEPS: u32 = 4000;

thread_local! {
    /// Where the check that runs on this thread panicked, and with what words.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Draws about so many inputs; no check may panic.
pub fn no_panic<S: Strategy>(cases: u32, inputs: impl Fn() -> S + Sync, check: fn(&S::Value)) {
    let environment = Config::default();
    let cases = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => environment.cases,
        None => cases,
    };
    let first = match environment.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => 0,
    };
    keep_what_checks_say();
    let found: Vec<String> = (first..first + SHARDS)
        .into_par_iter()
        .filter_map(|seed| {
            let mut runner = TestRunner::new(Config {
                cases: cases.div_ceil(SHARDS as u32),
                rng_seed: RngSeed::Fixed(seed),
                failure_persistence: None,
                max_shrink_iters: SHRINKING_STEPS,
                ..Config::default()
            });
            let result = runner.run(&inputs(), |input| {
                panic_of(|| check(&input)).map_or(Ok(()), |said| Err(TestCaseError::fail(said)))
            });
            match result {
                Ok(()) => None,
                Err(TestError::Fail(said, input)) => Some(failure(seed, said.message(), &input)),
                Err(TestError::Abort(said)) => Some(format!("seed {seed}: {said}")),
            }
        })
        .collect();
    assert!(
        found.is_empty(),
        "{} of {SHARDS} seeds fail, the first so:\n{}",
        found.len(),
        found[0]
    );
}

fn failure(seed: u64, said: &str, input: &impl Debug) -> String {
    format!("PROPTEST_RNG_SEED={seed}: {said}\nfor\n{input:?}")
}

/// What `check` said where it panicked.
fn panic_of(check: impl FnOnce()) -> Option<String> {
    catch_unwind(AssertUnwindSafe(check)).err().map(|_| {
        let said = PANIC.with_borrow_mut(Option::take);
        // A thread of its own has its own words, which the payload does not hold.
        said.unwrap_or_else(|| "a panic on another thread".to_owned())
    })
}

/// While inputs shrink, thousands of checks may panic: of each, where and why is kept and nothing printed.
fn keep_what_checks_say() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let default = take_hook();
        set_hook(Box::new(move |info| {
            // The threads of the test harness itself have names.
            if std::thread::current().name().is_some() {
                default(info);
            }
            PANIC.set(Some(info.to_string()));
        }));
    });
}
