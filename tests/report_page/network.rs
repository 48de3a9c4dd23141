//! The page of a network: its jobs by layer, in a browser.

use std::fs;

use serde_json::Value;

use crate::browser::{Browser, ENTER};
use crate::shown::{bpa, only_itself};

/// All passes, of batches of two; the weight memory holds a part of the larger layer's weights, so that it runs in tiles.
const NETWORK: &str = "name = \"three\"
frames = 2
passes = [\"forward\", \"grad_input\", \"grad_weight\"]
[[layer]]
name = \"<b>large</b>\"
conv = { in_channels = 8, out_channels = 16, in_size = 6, kernel = 3, padding = 1 }
output_shift = 8
[[layer]]
name = \"small\"
shift = 8
conv = { in_channels = 4, out_channels = 8, in_size = 6, kernel = 1 }
output_shift = 6
";
const ENGINE: &str = "name = \"tiles\"
[engine]
mode = \"programmable\"
simd = 2
pe = 2
[limits]
weight_words = 150
";

#[test]
fn jobs_are_shown_when_they_ran() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("network.toml"), NETWORK).unwrap();
    fs::write(folder.path().join("engine.toml"), ENGINE).unwrap();
    let words = "run-network network.toml --engine engine.toml --report page --json";
    let ran = bpa(folder.path(), words);
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let figures: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let layers = figures["layers"].as_array().unwrap();
    assert!(layers.iter().any(|row| row["tiles"].as_u64() > Some(1)));

    let page = only_itself(&folder.path().join("page/index.html"));
    let mut browser = Browser::new();
    browser.open(&page, "");
    assert_eq!(browser.texts("#gantt button").len(), layers.len());
    let rows = browser.texts("#figures tbody tr");
    assert_eq!(rows.len(), layers.len());
    let mut end_before = None;
    for (index, row) in layers.iter().enumerate() {
        // By keys, layer after layer
        browser.keys("next", ENTER);
        let title = browser.text("chosen-title");
        assert!(title.starts_with(row["name"].as_str().unwrap()), "{title}");
        let cells = |browser: &mut Browser, of: &str| -> Vec<u64> {
            let texts = browser.texts(&format!("{of} td")).into_iter();
            texts
                .map(|it| it.replace(',', "").parse().unwrap())
                .collect()
        };
        let jobs = cells(&mut browser, "#jobs");
        let jobs: Vec<&[u64]> = jobs.chunks(5).collect();
        assert_eq!(jobs.len() as u64, row["tiles"].as_u64().unwrap());
        for job in &jobs {
            let [begin, stationary, moving, end, cycles] = **job else {
                panic!("{job:?}");
            };
            // One behind the other; all that a job takes is in before it ends.
            assert_eq!(begin, end_before.unwrap_or(begin));
            assert_eq!(cycles, end - begin);
            assert!(stationary < end && moving < end && begin < end);
            end_before = Some(end);
        }
        // The engine counts the same cycles; of the first job, those in which it was told as well.
        let took: u64 = jobs.iter().map(|job| job[4]).sum();
        let counted = row["cycles"].as_u64().unwrap();
        match index {
            0 => assert!(counted.abs_diff(took) < 100, "{counted}, {took}"),
            _ => assert_eq!(counted, took, "{row}"),
        }
        // A bar and a mark for each
        let bars = browser.eval("document.querySelectorAll('#gantt .track i').length");
        let others = browser.eval("document.querySelectorAll('#gantt .mark').length");
        assert_eq!(others.as_u64(), row["tiles"].as_u64());
        assert!(bars.as_u64() >= Some(2 * jobs.len() as u64));
    }
    browser.keys("all", ENTER);
    assert_eq!(browser.text("chosen-title"), "All layers");
    assert_eq!(browser.console(), Vec::<String>::new());
}
