//! Faults of the programs themselves: a panic is caught, and told with what is needed to mend it.
//!
//! No input may lead here. Where one does, its user is asked to report it, and other layers of a list go on.

use std::any::Any;
use std::cell::RefCell;
use std::env;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};
use std::thread::ScopedJoinHandle;

/// A panic, and what the program was doing.
#[derive(Debug)]
pub struct InternalError {
    /// Where it was, where that is known, and its words.
    panic: String,
    /// What was being worked on, as the text of a file; empty where that is not known.
    about: String,
}

impl fmt::Display for InternalError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = env::args_os()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        write!(
            out,
            "internal error: the fault lies with the program, not with what it was given. Please report it, with all \
             that follows:\n{}\nbpa-engine {}, called as: {}",
            self.panic,
            env!("CARGO_PKG_VERSION"),
            words.join(" "),
        )?;
        match self.about.trim_end() {
            "" => Ok(()),
            about => write!(out, "\n{about}"),
        }
    }
}

impl std::error::Error for InternalError {}

thread_local! {
    /// The latest panic of this thread: its place and words.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// What the whole program works on.
static WORK: Mutex<String> = Mutex::new(String::new());

/// From here on a panic prints nothing, as [`caught`] tells it; unless RUST_BACKTRACE asks for where it came from.
pub fn keep_panics() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        PANIC.set(Some(info.to_string()));
        if env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0") {
            print(info);
        }
    }));
}

/// Says what the whole program works on from here on: the text of a layer file or of an engine's.
pub fn works_on(text: String) {
    *WORK.lock().unwrap_or_else(PoisonError::into_inner) = text;
}

/// What [`works_on`] said last.
pub fn work() -> String {
    let work = WORK.lock().unwrap_or_else(PoisonError::into_inner);
    work.clone()
}

/// Does `work`; `about` gives the text of what it works on, should it panic.
///
/// # Errors
/// It panicked.
pub fn caught<T>(
    about: impl FnOnce() -> String,
    work: impl FnOnce() -> T,
) -> Result<T, InternalError> {
    // What a panic leaves half done is dropped with `work`.
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| InternalError {
        // One of another thread, which was taken over, has left its words alone.
        panic: PANIC.take().unwrap_or_else(|| words(payload.as_ref())),
        about: about(),
    })
}

/// Waits for a thread. Its panic goes on in this one.
pub fn joined<T>(thread: ScopedJoinHandle<T>) -> T {
    let result = thread.join();
    result.unwrap_or_else(|payload| panic::resume_unwind(payload))
}

/// What a panic said.
fn words(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or(payload.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_with_what_it_was_about() {
        let fault = || -> u32 { panic!("no number") };
        let caught = caught(|| "name = \"faulty\"\n".to_owned(), fault);
        let told = caught.unwrap_err().to_string();
        let lines: Vec<&str> = told.lines().collect();
        assert!(
            lines[0].starts_with("internal error: ") && lines[0].contains("report"),
            "{told}"
        );
        assert_eq!(lines[1], "no number");
        assert!(lines[2].contains(env!("CARGO_PKG_VERSION")), "{told}");
        assert_eq!(lines[3..], ["name = \"faulty\""]);
    }

    #[test]
    fn a_panic_of_another_thread_is_told_by_the_one_that_waits() {
        let caught = caught(String::new, || {
            std::thread::scope(|scope| {
                let thread = scope.spawn(|| assert_eq!(1 + 1, 3, "a sum"));
                joined(thread);
            });
        });
        assert!(caught.unwrap_err().to_string().contains("a sum"));
    }

    #[test]
    fn what_goes_well_is_given_back() {
        assert_eq!(caught(String::new, || 3).unwrap(), 3);
    }
}
