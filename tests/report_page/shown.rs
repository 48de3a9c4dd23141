//! What `bpa report` makes, and what a browser shows of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bpa_engine::layer::Layer;
use bpa_engine::reference::terms;

use crate::browser::{Browser, END, ENTER, HOME, LEFT, RIGHT, TAB};
use crate::named_layers::{example, examples_folder};

pub fn bpa(folder: &Path, words: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bpa"))
        .args(words.split_whitespace())
        .current_dir(folder)
        .env(
            "BPA_CACHE_DIR",
            concat!(env!("CARGO_TARGET_TMPDIR"), "/models"),
        )
        .output()
        .unwrap()
}

/// The page of a layer, in a folder that is not there yet.
fn page(folder: &Path, words: &str) -> PathBuf {
    let ran = bpa(folder, &format!("report {words} --out made/pages"));
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert_eq!(ran.stdout, b"");
    only_itself(&folder.join("made/pages/index.html"))
}

/// The path of a page, which is small and asks nothing of anybody.
pub fn only_itself(page: &Path) -> PathBuf {
    let text = fs::read_to_string(page).unwrap();
    assert!(text.len() < 2_000_000, "{} bytes", text.len());
    let text = text.replace("http://www.w3.org/2000/svg", "");
    for outside in [
        "http:", "https:", "src=\"", "@import", "url(//", "fetch(", "XMLHttp",
    ] {
        assert!(!text.contains(outside), "{outside}");
    }
    page.to_owned()
}

fn file(name: &str) -> String {
    examples_folder()
        .join(name)
        .with_extension("toml")
        .display()
        .to_string()
}

/// What a page shows of one issue.
#[derive(Debug)]
struct Shown {
    issue: u64,
    cycle: u64,
    result: (u32, u32),
    equation: String,
    products: Vec<String>,
}

/// Numbers in a text, thousands with commas.
fn numbers(text: &str) -> Vec<u64> {
    let plain = text.replace(',', "");
    let words = plain.split(|letter: char| !letter.is_ascii_digit());
    words.filter_map(|word| word.parse().ok()).collect()
}

fn shown(browser: &mut Browser) -> Shown {
    let words = browser.text("issue");
    let (head, place) = words.split_once('[').unwrap();
    let head = numbers(head);
    let (row, col) = place.split(']').next().unwrap().split_once(", ").unwrap();
    Shown {
        issue: head[0],
        cycle: head[2],
        result: (row.parse().unwrap(), col.parse().unwrap()),
        equation: browser.text("equation"),
        products: browser.texts("#taps li"),
    }
}

/// Holds what is shown against the terms that the reference reads off the forward equations.
fn hold_against_the_reference(browser: &mut Browser, layer: &Layer) -> Shown {
    let shown = shown(browser);
    let (h, w) = shown.result;
    let terms = terms(layer, h, w);
    let product = |p, q, r, s| format!("dL/dY[{p}, {q}] · w[{r}, {s}]");
    let expected: BTreeSet<String> = terms
        .iter()
        .map(|it| product(it.p, it.q, it.r, it.s))
        .collect();
    let products = shown.products.iter();
    let products: Vec<&str> = products.map(|it| it.split(": ").next().unwrap()).collect();
    let distinct: BTreeSet<String> = products.iter().map(|it| (*it).to_owned()).collect();
    assert_eq!(distinct, expected, "{shown:?}");
    let (left, right) = shown.equation.split_once(" += ").unwrap();
    assert_eq!(left, format!("dL/dx[{h}, {w}]"));
    assert!(expected.contains(right), "{shown:?}");
    // Every pixel that it takes from is in the line buffer, the one in use marked as such.
    let of_line = |browser: &mut Browser, class: &str| -> BTreeSet<String> {
        browser
            .texts(&format!("#line .{class}"))
            .into_iter()
            .collect()
    };
    let used = of_line(browser, "use");
    let mut held = of_line(browser, "tap");
    held.extend(used.clone());
    let wanted = terms.iter().map(|it| format!("{}, {}", it.p, it.q));
    assert_eq!(held, wanted.collect());
    // Of all that are alive none is hidden by one that was there before.
    let places = browser.texts("#line .alive, #line .tap, #line .use").len() as u64;
    assert_eq!(places, numbers(&browser.text("line-note"))[0]);
    assert_eq!(used.len(), 1);
    let used = used.into_iter().next().unwrap();
    assert!(
        right.starts_with(&format!("dL/dY[{used}]")),
        "{used}: {right}"
    );
    shown
}

/// Three issues, by real keys, each as the reference has it; nothing is written to the console.
#[test]
fn the_slider_shows_each_issue_as_the_reference_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let layer = example("strided_dilated");
    let page = page(folder.path(), &file("strided_dilated"));
    let mut browser = Browser::new();
    browser.open(&page, "");
    let first = hold_against_the_reference(&mut browser, &layer);
    assert_eq!(first.issue, 1);
    let begin = (0..layer.rows().in_size)
        .flat_map(|h| (0..layer.cols().in_size).map(move |w| (h, w)))
        .find(|&(h, w)| !terms(&layer, h, w).is_empty());
    assert_eq!(Some(first.result), begin);

    browser.keys("slider", &RIGHT.repeat(57));
    let middle = hold_against_the_reference(&mut browser, &layer);
    assert_eq!(middle.issue, 58);
    assert!(middle.cycle > first.cycle);
    browser.keys("slider", &format!("{END}{LEFT}"));
    let end = hold_against_the_reference(&mut browser, &layer);
    // All issues of the frame, and what of the next begins within its cycles.
    let all = numbers(&browser.text("issue"))[1];
    assert_eq!(end.issue, all - 1);
    assert!(all >= 704, "{all}");
    browser.keys("slider", HOME);
    assert_eq!(shown(&mut browser).issue, 1);

    // Each of the buttons is reached and pressed by keys.
    for (button, issue) in [
        ("next-issue", 2),
        ("next-issue", 3),
        ("previous-issue", 2),
        ("first-issue", 1),
    ] {
        browser.keys(button, ENTER);
        assert_eq!(shown(&mut browser).issue, issue, "{button}");
    }
    browser.keys("next-result", ENTER);
    let second = hold_against_the_reference(&mut browser, &layer);
    assert_eq!(second.issue, 1 + first_issues(&first));
    browser.keys("previous-result", ENTER);
    assert_eq!(shown(&mut browser).issue, 1);
    // And by its cycle.
    browser.eval("document.getElementById('cycle').select()");
    browser.keys("cycle", &format!("{}{TAB}", middle.cycle));
    assert_eq!(shown(&mut browser).issue, 58);
    browser.open(&page, "#issue=58");
    let opened = hold_against_the_reference(&mut browser, &layer);
    assert_eq!(opened.cycle, middle.cycle);
    assert_eq!(browser.console(), Vec::<String>::new());
}

/// Issues of the first accumulation: of its products, each as many as it has blocks.
fn first_issues(first: &Shown) -> u64 {
    let issues = |product: &String| match product.split_once(": ") {
        None => 1,
        Some((_, blocks)) => *numbers(blocks).last().unwrap(),
    };
    first.products.iter().map(issues).sum()
}

/// Both colour schemes, a frame of which a part is shown, what a synthesis found, and names that want to be more than text.
#[test]
fn a_large_frame_is_shown_in_part_and_text_stays_text() {
    let folder = tempfile::tempdir().unwrap();
    let hostile = "</script><img src=x onerror=console.error(1)>";
    let synth = format!(
        "{{\"target\": \"{hostile}\", \"luts\": 1234, \"lut_rams\": 5, \"ffs\": 6, \"dsps\": 7, \"brams\": 8, \
         \"fmax_mhz_median\": 200.0, \"macs\": 4, \"cells\": {{}}}}"
    );
    fs::write(folder.path().join("synth.json"), synth).unwrap();
    let words = "--in-channels 8 --out-channels 8 --in-size 60 --kernel 3 --stride 2 --padding 1 --simd 2 --pe 2";
    let page = page(folder.path(), &format!("{words} --synth synth.json"));
    let mut browser = Browser::new();
    browser.open(&page, "#issue=5000");
    let layer: Layer = {
        let text = "[layer]\nin_channels = 8\nout_channels = 8\nin_size = 60\nkernel = 3\nstride = 2\npadding = 1";
        crate::named_layers::layer(text)
    };
    hold_against_the_reference(&mut browser, &layer);
    let note = browser.text("frame-note");
    assert!(note.contains("The first 20,000 of its "), "{note}");
    let synthesis = browser.text("synthesis");
    assert!(
        synthesis.contains(hostile) && synthesis.contains("200.0 MHz"),
        "{synthesis}"
    );
    let mut seen = BTreeSet::new();
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        let colours = browser.eval("getComputedStyle(document.body).backgroundColor");
        seen.insert(colours.as_str().unwrap().to_owned());
        // The timelines are drawn anew in their colours.
        let drawn = browser.eval("document.getElementById('overview').toDataURL().length");
        assert!(drawn.as_u64() > Some(3000), "{drawn}");
    }
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert_eq!(browser.console(), Vec::<String>::new());
}

/// A layer of which nothing is issued, and channels of groups.
#[test]
fn lanes_and_layers_of_other_kinds_are_told_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut browser = Browser::new();
    let depthwise = page(folder.path(), &file("depthwise"));
    browser.open(&depthwise, "");
    let words = browser.text("product");
    insta::assert_snapshot!(words, @"channels 0 to 3 of grad_input, summed over channels 0 to 1 of groups 0 to 3 of grad_output: 8 multiplications");
    let nothing = "--in-channels 2 --out-channels 2 --in-size 3 --kernel 1 --stride 9 --padding 5";
    let nothing = page(folder.path(), nothing);
    browser.open(&nothing, "");
    let hidden = "['stepper', 'no-issues'].map((id) => document.getElementById(id).hidden)";
    assert_eq!(browser.eval(hidden), serde_json::json!([true, false]));
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn what_cannot_be_shown_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |words: &str| {
        let ran = bpa(folder.path(), &format!("report {words}"));
        assert_eq!((ran.status.code(), &ran.stdout[..]), (Some(2), &b""[..]));
        String::from_utf8(ran.stderr).unwrap().trim_end().to_owned()
    };
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let strided = file("strided");
    write("file", "");
    insta::assert_snapshot!(refused(&format!("{strided} --out file/pages")), @"error: file/pages: cannot write: file is a file, where a folder is needed");
    write("synth.json", "{}");
    insta::assert_snapshot!(refused(&format!("{strided} --out pages --synth synth.json")), @"error: synth.json: this is not what `bpa synth --json` prints: missing field `target` at line 1 column 2");
    write("synth.json", "{\"target\":\"t\",\"luts\":1,\"lut_rams\":1,\"ffs\":1,\"dsps\":1,\"brams\":1,\"fmax_mhz_median\":null,\"macs\":7}");
    insta::assert_snapshot!(refused(&format!("{strided} --out pages --synth synth.json")), @"error: synth.json: this is of an engine with 7 multipliers, and `strided` has 4");
    let engine = examples_folder().join("engines/network.toml");
    let engine = refused(&format!("{} --out pages", engine.display()));
    insta::assert_snapshot!(engine.rsplit("network.toml: ").next().unwrap(), @"this is the file of a programmable engine, not of a layer; gen-verilog takes it, and `--engine` of estimate, bench and run-network");
    fs::create_dir(folder.path().join("taken")).unwrap();
    write("taken/index.html", "somebody's");
    let taken = refused(&format!("{strided} --out taken"));
    assert!(
        taken.starts_with("error: taken/index.html: a file is there"),
        "{taken}"
    );
    assert!(!folder.path().join("pages").exists());
}
