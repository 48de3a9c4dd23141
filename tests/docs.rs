//! The pages: what they link to is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All pages, from the root of the repository.
fn pages() -> Vec<PathBuf> {
    let in_folder = |folder: &str| {
        let entries = fs::read_dir(root().join(folder)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let pages = paths.filter(|path| path.extension().is_some_and(|end| end == "md"));
        pages.collect::<Vec<_>>()
    };
    let mut pages: Vec<PathBuf> = ["", "docs", "examples/data"]
        .into_iter()
        .flat_map(in_folder)
        .collect();
    pages.sort();
    pages
}

/// The page's lines that are no code.
fn prose(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let mut in_code = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if !in_code && !line.starts_with("    ") {
            lines.push(line.to_owned());
        }
    }
    lines
}

/// What the page links to, pictures included; code between backticks is none of it.
fn links(path: &Path) -> Vec<String> {
    let text = prose(path).join("\n");
    let text: String = text.split('`').step_by(2).collect();
    let mut links = Vec::new();
    let mut rest = text.as_str();
    while let Some((_, after)) = rest.split_once("](") {
        let (link, behind) = after.split_once(')').unwrap();
        links.push(link.to_owned());
        rest = behind;
    }
    links
}

/// The anchors of a page's headings, as GitHub and mdBook make them.
fn anchors(path: &Path) -> BTreeSet<String> {
    let headings = prose(path).into_iter().filter(|line| line.starts_with('#'));
    let anchor = |heading: String| -> String {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words
            .chars()
            .filter(|it| it.is_alphanumeric() || " -_".contains(*it));
        kept.map(|it| if it == ' ' { '-' } else { it }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut seen = 0;
    for page in pages() {
        for link in links(&page) {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = match file {
                "" => page.clone(),
                file => page.parent().unwrap().join(file),
            };
            assert!(target.exists(), "{}: {link}", page.display());
            if !anchor.is_empty() {
                let anchors = anchors(&target);
                assert!(
                    anchors.contains(anchor),
                    "{}: {link}: {anchors:?}",
                    page.display()
                );
            }
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn every_page_is_in_the_book() {
    let summary = root().join("docs/SUMMARY.md");
    let folder = fs::canonicalize(root().join("docs")).unwrap();
    let listed = links(&summary).into_iter();
    let listed: BTreeSet<PathBuf> = listed
        .map(|link| fs::canonicalize(folder.join(link)).unwrap())
        .collect();
    for page in pages() {
        let page = fs::canonicalize(page).unwrap();
        if page.starts_with(&folder) && !page.ends_with("SUMMARY.md") {
            assert!(listed.contains(&page), "{}", page.display());
        }
    }
}

/// The glossary of the architecture's page is that of the emitted files.
#[test]
fn the_glossary_has_every_word() {
    let page = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let (_, table) = page.split_once("| term | meaning |\n|---|---|\n").unwrap();
    let rows: Vec<&str> = table
        .lines()
        .take_while(|line| line.starts_with('|'))
        .collect();
    let terms = bpa_hdl::glossary::TERMS.iter();
    let wanted: Vec<String> = terms
        .map(|term| format!("| {} | {} |", term.word, term.meaning))
        .collect();
    assert_eq!(rows, wanted, "docs/architecture.md");
}
