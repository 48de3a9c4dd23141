//! A page about a network on an engine: when each of its jobs ran.

use serde::Serialize;

use super::filled;
use crate::layer::Pass;
use crate::network::{JobSpan, Report};

const PAGE: &str = include_str!("network.html");
const STYLE: &str = include_str!("page.css");
const MORE_STYLE: &str = include_str!("network.css");
const SCRIPT: &str = include_str!("network.js");

/// Jobs that a page tells one by one at most: its text stays far below 2 MB.
const MOST_JOBS: usize = 20_000;

/// The data of the page.
#[derive(Serialize)]
struct Data<'a> {
    title: String,
    engine: &'a str,
    report: &'a Report,
    rows: Vec<RowData>,
    /// Whether jobs are told one by one.
    jobs_told: bool,
}

/// A pass of a layer.
#[derive(Serialize)]
struct RowData {
    pass: &'static str,
    begin: u64,
    end: u64,
    /// Of each job: its begin, when its last beat of what is stationary was taken, of what moves, and its end.
    jobs: Vec<[u64; 4]>,
}

/// The page's text, of what ran on the engine called so. `spans` are those of the rows of the report.
pub fn network_page(report: &Report, engine: &str, spans: &[Vec<JobSpan>]) -> String {
    let jobs: usize = spans.iter().map(Vec::len).sum();
    let jobs_told = jobs <= MOST_JOBS;
    let rows = report.layers.iter().zip(spans);
    let rows = rows.map(|(row, spans)| RowData {
        pass: pass_words(row.pass),
        begin: spans.first().map_or(0, |span| span.begin),
        end: spans.last().map_or(0, |span| span.end),
        jobs: spans
            .iter()
            .filter(|_| jobs_told)
            .map(|span| [span.begin, span.stationary, span.moving, span.end])
            .collect(),
    });
    let data = Data {
        title: format!("{} on {engine}", report.name),
        engine,
        rows: rows.collect(),
        jobs_told,
        report,
    };
    let json = serde_json::to_string(&data).expect("text and finite numbers are always valid JSON");
    let style = format!("{STYLE}\n{MORE_STYLE}");
    filled(PAGE, &data.title, &style, SCRIPT, &json)
}

fn pass_words(pass: Pass) -> &'static str {
    match pass {
        Pass::GradInput => "data gradient",
        Pass::Forward => "forward",
        Pass::GradWeight => "weight gradient",
    }
}
