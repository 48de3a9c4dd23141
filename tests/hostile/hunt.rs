//! Many files, one after the other on all processors, each held against time, memory and panics.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{catch_unwind, set_hook, AssertUnwindSafe};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, Once};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::choices::Choices;

/// Files of a kind, unless the environment says otherwise.
const CASES: u64 = 1_000;
/// Files that a thread makes one after the other.
const PART: u64 = 100;
/// A file that takes longer is one that hangs; most take less than a millisecond.
const LONGEST: Duration = Duration::from_secs(20);
/// Memory beyond the file's own size times [`PER_BYTE`]: what any file may cost.
const MOST_MEMORY: usize = 24 << 20;
/// A number of a few bytes of text becomes eight, in tables more than once.
const PER_BYTE: usize = 400;

/// Counts what each thread holds.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // At the end of a thread there is nothing to count with.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

// SAFETY: all is left to the system's allocator; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        System.alloc(layout)
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        System.alloc_zeroed(layout)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        System.dealloc(pointer, layout);
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        System.realloc(pointer, layout, size)
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The files that are looked at, by thread, each since when.
static RUNNING: Mutex<BTreeMap<usize, (String, Instant)>> = Mutex::new(BTreeMap::new());

/// Ends the program where a file takes too long: nothing else would end its check.
fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::thread::spawn(|| loop {
            std::thread::sleep(Duration::from_secs(1));
            let running = RUNNING.lock().unwrap();
            let late = running
                .values()
                .find(|(_, since)| since.elapsed() > LONGEST);
            if let Some((file, _)) = late {
                eprintln!("{file}: more than {LONGEST:?}");
                std::process::exit(101);
            }
        });
    });
}

/// What a check found of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A message for the user.
    Refused,
    /// A thing that the file describes.
    Taken,
}

thread_local! {
    static SAID: Cell<Option<String>> = const { Cell::new(None) };
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

/// Makes files of a kind and checks each; `check` gets the bytes, and a folder of its thread to put them in.
pub fn hunt(
    kind: &str,
    make: impl Fn(&mut Choices) -> Vec<u8> + Sync,
    check: impl Fn(&[u8], &Path) -> Found + Sync,
) {
    let first = number("BPA_HOSTILE_SEED").unwrap_or(0);
    let cases = number("BPA_HOSTILE_CASES").unwrap_or(CASES);
    keep_what_checks_say();
    watch();
    let (taken, slowest, largest) = (AtomicU64::new(0), AtomicU64::new(0), AtomicUsize::new(0));
    let faults: Mutex<Vec<String>> = Mutex::default();
    let fault = |seed: u64, what: String| {
        let mut faults = faults.lock().unwrap();
        faults.push(format!("{kind}, BPA_HOSTILE_SEED={seed}: {what}"));
    };
    let started = Instant::now();
    let parts = cases.div_ceil(PART);
    (0..parts).into_par_iter().for_each(|part| {
        let folder = tempfile::tempdir().unwrap();
        for index in part * PART..cases.min((part + 1) * PART) {
            let seed = first + index;
            let bytes = make(&mut Choices::new(seed));
            let thread = rayon::current_thread_index().unwrap_or_default();
            let told = format!("{kind}, BPA_HOSTILE_SEED={seed}");
            RUNNING
                .lock()
                .unwrap()
                .insert(thread, (told, Instant::now()));
            let before = HELD.get();
            PEAK.set(before);
            let begun = Instant::now();
            let found = catch_unwind(AssertUnwindSafe(|| check(&bytes, folder.path())));
            let (took, memory) = (begun.elapsed(), (PEAK.get() - before).max(0) as usize);
            RUNNING.lock().unwrap().remove(&thread);
            slowest.fetch_max(took.as_micros() as u64, Ordering::Relaxed);
            largest.fetch_max(memory, Ordering::Relaxed);
            match found {
                Ok(found) => {
                    let _ = taken.fetch_add((found == Found::Taken).into(), Ordering::Relaxed);
                }
                Err(_) => fault(seed, SAID.take().unwrap_or_default()),
            }
            if memory > MOST_MEMORY + PER_BYTE * bytes.len() {
                fault(
                    seed,
                    format!("took {memory} bytes for a file of {}", bytes.len()),
                );
            }
        }
    });
    let taken = taken.into_inner();
    println!(
        "{kind}: {cases} files, {taken} taken, {} refused; the slowest {:.1} ms, the most memory {} KiB; {:.0} s",
        cases - taken,
        slowest.into_inner() as f64 / 1e3,
        largest.into_inner() >> 10,
        started.elapsed().as_secs_f64()
    );
    let faults = faults.into_inner().unwrap();
    assert!(
        faults.is_empty(),
        "{} faults, among them:\n{}",
        faults.len(),
        faults[..faults.len().min(5)].join("\n")
    );
    assert!(
        cases < CASES || taken > 0 && taken < cases,
        "{taken} of {cases} taken"
    );
}

/// A panic of a check is kept with its place, and not printed.
fn keep_what_checks_say() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        set_hook(Box::new(|info| {
            if std::thread::current().name().is_some() {
                eprintln!("{info}");
            }
            SAID.set(Some(info.to_string()));
        }));
    });
}
