//! What need not be reached, each with its reason: `tests/engine/coverage/waivers.toml`.

use std::cell::Cell;

use serde::Deserialize;

use super::points::{Kind, Point};

/// A point, or those of a pattern.
pub struct Waiver {
    /// Engines that it is for; all where there is none.
    engines: Vec<String>,
    kind: Kind,
    module: String,
    what: String,
    bits: Bits,
    /// Points that needed it.
    pub used: Cell<usize>,
    /// As it stands in the file.
    pub text: String,
}

/// Of a signal.
enum Bits {
    All,
    From(usize),
    These(Vec<usize>),
}

impl Bits {
    /// `8..`, or `5 6`.
    fn parse(text: &str) -> Self {
        let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("no bit: {text}"));
        match (text, text.strip_suffix("..")) {
            ("", _) => Self::All,
            (_, Some(from)) => Self::From(number(from)),
            (these, None) => Self::These(these.split(' ').map(number).collect()),
        }
    }

    fn has(&self, bit: usize) -> bool {
        match self {
            Self::All => true,
            Self::From(from) => bit >= *from,
            Self::These(bits) => bits.contains(&bit),
        }
    }
}

/// Points with the same reason. A bit is `module signal bits`, a branch or line `module text`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    reason: String,
    #[serde(default)]
    engines: Vec<String>,
    #[serde(default)]
    bits: Vec<String>,
    #[serde(default)]
    branches: Vec<String>,
    #[serde(default)]
    lines: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    waiver: Vec<Group>,
}

/// All waivers.
pub fn read() -> Vec<Waiver> {
    let file: File = toml::from_str(include_str!("waivers.toml")).unwrap();
    let of_group = |group: Group| {
        assert!(group.reason.len() > 20, "a reason: {}", group.reason);
        let waiver = |kind: Kind, text: &String| {
            let (module, rest) = text.split_once(' ').expect("module and what");
            let (what, bits) = match kind {
                Kind::Toggle => rest.split_once(' ').unwrap_or((rest, "")),
                Kind::Line | Kind::Branch => (rest, ""),
            };
            Waiver {
                engines: group.engines.clone(),
                kind,
                module: module.to_owned(),
                what: what.to_owned(),
                bits: Bits::parse(bits),
                used: Cell::new(0),
                text: text.clone(),
            }
        };
        let bits = group.bits.iter().map(|text| waiver(Kind::Toggle, text));
        let branches = group.branches.iter().map(|text| waiver(Kind::Branch, text));
        let lines = group.lines.iter().map(|text| waiver(Kind::Line, text));
        bits.chain(branches).chain(lines).collect::<Vec<_>>()
    };
    file.waiver.into_iter().flat_map(of_group).collect()
}

impl Waiver {
    /// Whether it is for some engines alone, and all of them are among these.
    pub fn is_for_some(&self, engines: &[String]) -> bool {
        !self.engines.is_empty() && self.engines.iter().all(|it| engines.contains(it))
    }

    pub fn covers(&self, engine: &str, point: &Point) -> bool {
        let Self {
            engines,
            kind,
            module,
            what,
            bits,
            ..
        } = self;
        (engines.is_empty() || engines.iter().any(|it| it == engine))
            && *kind == point.kind
            && like(module, &point.module)
            && like(what, &point.what)
            && bits.has(point.bit)
    }
}

/// Whether the text is what the pattern says, `*` being any text.
fn like(pattern: &str, text: &str) -> bool {
    let Some((before, behind)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(rest) = text.strip_prefix(before) else {
        return false;
    };
    (0..=rest.len())
        .filter(|at| rest.is_char_boundary(*at))
        .any(|at| like(behind, &rest[at..]))
}

#[test]
fn patterns_are_compared_with_whole_names() {
    assert!(like("a*c", "abc") && like("*", "") && like("a*b*c", "aXbYbc") && like("a", "a"));
    assert!(!like("a*c", "abcd") && !like("a", "ab") && !like("*b", "abc"));
    assert!(Bits::parse("8..").has(9) && Bits::parse("5 6").has(6) && Bits::parse("").has(0));
    assert!(!Bits::parse("8..").has(7) && !Bits::parse("5 6").has(7));
}
