//! The words of a command line, and what is said of those that cannot be.

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::Parser;

use super::print_error;

/// Flags that people know from elsewhere, and what does here as they do there.
const ELSEWHERE: [(&str, &str); 4] = [
    ("--output_padding", IN_SIZE),
    ("--kernel-size", "the size of the kernel is '--kernel'"),
    ("--kernel_size", "the size of the kernel is '--kernel'"),
    (
        "-o",
        "the result of run goes to '--grad-input', the chart of bench to '--chart', what synth leaves to '--keep'",
    ),
];
const IN_SIZE: &str =
    "'--output-padding' is for '--op conv_transpose'; else '--in-size' is the size of grad_input, whichever of those that give the \
     same grad_output";

/// The words that a program was called with.
pub(super) struct CommandLine(Vec<OsString>);

impl CommandLine {
    /// Those of this process.
    pub(super) fn of_process() -> Self {
        Self(joined(env::args_os()))
    }

    /// Whether whatever is said on standard output has to be JSON.
    pub(super) fn asks_for_json(&self) -> bool {
        let mut words = self.0.iter().take_while(|word| *word != "--");
        words.any(|word| word == "--json")
    }

    /// What the words ask for. Where they cannot be understood, or ask for help, that is said here, and the exit code is all
    /// that is left to do.
    pub(super) fn parse<P: Parser>(&self) -> Result<P, ExitCode> {
        P::try_parse_from(&self.0).map_err(|error| {
            let error = with_hint(error);
            // Help and version are no errors, and not JSON either.
            if error.use_stderr() && self.asks_for_json() {
                print_error(&plain(&error), true);
            } else {
                // Where nobody listens any more there is nobody to tell.
                let _ = error.print();
            }
            match error.use_stderr() {
                true => ExitCode::from(2),
                false => ExitCode::SUCCESS,
            }
        })
    }
}

/// The words, but `--flag -5` as `--flag=-5`: no flag here begins with a digit, so that such a word is a value.
fn joined(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut all: Vec<OsString> = Vec::new();
    let mut only_values = false;
    for word in words {
        only_values |= word == "--";
        match all.last_mut() {
            Some(flag) if !only_values && is_flag(flag) && is_negative(&word) => {
                flag.push("=");
                flag.push(word);
            }
            _ => all.push(word),
        }
    }
    all
}

/// Whether it is a flag by its name, without a value.
fn is_flag(word: &OsString) -> bool {
    let text = word.to_string_lossy();
    text.starts_with("--") && text.len() > 2 && !text.contains('=')
}

/// Whether it begins as a number below zero.
fn is_negative(word: &OsString) -> bool {
    let text = word.to_string_lossy();
    let number = text.strip_prefix('-').unwrap_or("");
    number.starts_with(|first: char| first.is_ascii_digit() || first == '.')
}

/// The error of an unknown flag with what would be right, where it is known from elsewhere.
fn with_hint(mut error: clap::Error) -> clap::Error {
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let hint = ELSEWHERE.iter().find(|(flag, _)| flag == word);
    // No file's name begins like a flag, which is what the tip to write `--` before it is about.
    error.remove(ContextKind::Suggested);
    if let Some((_, hint)) = hint {
        error.remove(ContextKind::SuggestedArg);
        let hint = ContextValue::StyledStrs(vec![(*hint).into()]);
        error.insert(ContextKind::Suggested, hint);
    }
    error
}

/// The message without what is for people at a terminal alone.
fn plain(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let end = ["\n\nUsage:", "\n\nFor more information"]
        .iter()
        .filter_map(|end| text.find(end))
        .min();
    text[..end.unwrap_or(text.len())].trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_below_zero_is_the_value_of_the_flag_before_it() {
        let joined = |words: &str| {
            let words = joined(words.split_whitespace().map(OsString::from));
            let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
            words.join(" ")
        };
        for (words, expected) in [
            ("p --padding -5,1,0,0 f", "p --padding=-5,1,0,0 f"),
            ("p --stall-input -.5", "p --stall-input=-.5"),
            ("p --seed=3 -1", "p --seed=3 -1"),
            ("p --seed -o", "p --seed -o"),
            ("p -- --seed -1", "p -- --seed -1"),
            ("p file -1", "p file -1"),
        ] {
            assert_eq!(joined(words), expected);
        }
    }
}
