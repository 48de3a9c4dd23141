//! The words of this project: one table, of which each emitted file has the part that it uses and `docs/architecture.md`
//! all.

use std::collections::BTreeSet;

use crate::paragraph::wrapped;

/// A word and what it means.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    /// The word, or some that belong together with commas between them.
    pub word: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

const fn term(word: &'static str, meaning: &'static str) -> Term {
    Term { word, meaning }
}

/// All of them, by the alphabet.
#[rustfmt::skip]
pub const TERMS: &[Term] = &[
    term("accumulation", "all issues of one pixel of the result and one block of its channels; once started it never pauses"),
    term("beat", "what a stream moves in one cycle"),
    term("block of channels", "as many channels of the result as there are PE lanes, or of what moves as there are SIMD lanes"),
    term("bound", "the cycles of a frame that no engine with these lanes can beat: by multiplications, beats in or beats out"),
    term("capacity", "the most of everything that the hardware is built for: one layer exactly, or all within limits"),
    term("credit counter", "a count of free places that knows a cycle ahead whether there is one"),
    term("descriptor", "a layer as plain numbers, as the hardware is told it"),
    term("frees", "pixels of what moves that are dead behind a pixel of the result: their places may be written over"),
    term("hand-over", "what a programmable engine takes between the last beat of a job and the work of the next"),
    term("issue", "one cycle of the multipliers: a word of what moves and a word of what is stationary"),
    term("job", "a layer, and how many frames of it, in a programmable engine"),
    term("lanes", "multipliers side by side: SIMD over channels of what moves, PE over the result's (depthwise: over groups)"),
    term("line buffer", "the ring of pixels of what moves that are alive"),
    term("live span", "the most pixels of what moves that are alive at once"),
    term("moving", "the array that goes through the line buffer frame by frame: grad_output for the data gradient"),
    term("needs, opens", "pixels of what moves that a pixel of the result is the first to need"),
    term("paced", "a walk that may take three cycles a token, because each pixel has three issues or more"),
    term("page", "half of a memory that a job is told into: one half is in use while the other is filled; of a row that is put in order, the memory of one stretch"),
    term("pass", "which of a convolution's three operations a layer is: data gradient, forward, weight gradient"),
    term("phase", "columns with the same taps, which are a stride apart; lanes over pixels work on one at a time"),
    term("places", "free results of the output FIFO, taken when an accumulation starts"),
    term("program", "the steps of an axis as lines, with loops"),
    term("result", "the array that an engine makes: grad_input for the data gradient"),
    term("run", "beats of zeros in a row, for pixels that no tap reaches"),
    term("run-time programmed", "told the layer through registers, instead of built for it"),
    term("sequencer", "goes through a program, a line a step"),
    term("shadow", "the registers of the job that comes next, beside those of the one that runs"),
    term("stationary", "the array in the weight memory, a set at a time: weight for the data gradient"),
    term("step", "what changes from one position with taps to the next along an axis"),
    term("stretch", "with N lanes over pixels, as many neighbouring columns as hold N of each phase"),
    term("tap", "a row or column of what is stationary that meets a pixel of the result"),
    term("token", "what the walk tells the issue loop of one pixel"),
    term("word", "a beat of what moves in the line buffer, or of a stationary set in its memory; with lanes over pixels, one column of a phase for each of them"),
];

/// Longest line of an emitted file.
const LINE: usize = 110;

fn is_no_letter(c: char) -> bool {
    !c.is_ascii_alphabetic()
}

/// Lines of comment with the words of [`TERMS`] that the text uses, in its comments or in its names.
pub fn of(text: &str) -> String {
    let used: BTreeSet<&str> = text
        .split(is_no_letter)
        .filter(|word| !word.is_empty())
        .collect();
    let is_used = |word: &str| {
        let parts: Vec<&str> = word.split(is_no_letter).collect();
        let (last, others) = parts.split_last().unwrap_or((&"", &[]));
        let plural = format!("{last}s");
        let of = |word: &str| used.contains(word);
        others.iter().all(|part| of(part)) && (of(last) || of(&plural))
    };
    let mut lines = String::from("// Words, as they are used here:\n");
    for Term { word, meaning } in TERMS {
        if !word.split(", ").any(is_used) {
            continue;
        }
        let entry = format!("{word}: {meaning}");
        lines.push_str(&wrapped(&entry, "//   ", "//     ", LINE));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_in_order_and_said_once() {
        let words: Vec<&str> = TERMS.iter().map(|term| term.word).collect();
        let mut sorted = words.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(words, sorted);
    }

    #[test]
    fn a_file_explains_what_it_uses_and_nothing_else() {
        let lines =
            of("wire [3:0] next_token; // all issues, and a live_span behind the hand-over");
        let words: Vec<&str> = lines
            .lines()
            .filter_map(|line| line.strip_prefix("//   ")?.split_once(':'))
            .map(|(word, _)| word)
            .collect();
        assert_eq!(words, ["hand-over", "issue", "live span", "token"]);
        assert!(lines.lines().all(|line| line.len() <= LINE));
    }
}
