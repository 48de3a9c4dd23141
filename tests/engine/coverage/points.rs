//! What Verilator counts: lines, branches and bits of signals, of each instance of each module.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// A line, an arm of a branch, or a bit of a signal that changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    pub kind: Kind,
    /// Without the engine's name: `core`, `issue`; of the engine itself `top`.
    pub module: String,
    /// The instance, from the engine on: `u_core.u_issue`.
    pub instance: String,
    /// A signal, or the text of a line behind what Verilator says of it.
    pub what: String,
    /// Of a signal.
    pub bit: usize,
    /// In the Verilog.
    pub line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Line,
    Branch,
    Toggle,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Line, Self::Branch, Self::Toggle];

    fn of(page: &str) -> Self {
        match page {
            "v_line" => Self::Line,
            "v_branch" => Self::Branch,
            "v_toggle" => Self::Toggle,
            other => panic!("Verilator counts {other}"),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Branch => "branch",
            Self::Toggle => "toggle",
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            module,
            what,
            line,
            ..
        } = self;
        write!(f, "{} {module} {what}", kind.name())?;
        if *kind == Kind::Toggle {
            write!(f, " bit {}", self.bit)?;
        }
        write!(f, ", line {line}, {}", self.instance)
    }
}

/// All points of an engine, each with how often it was reached in the runs that left files in the folder.
pub fn read(folder: &Path, engine: &str, verilog: &str) -> BTreeMap<Point, u64> {
    let lines: Vec<&str> = verilog.lines().collect();
    let mut points = BTreeMap::new();
    for entry in folder.read_dir().unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for (point, count) in text.lines().filter_map(|line| parse(line, engine, &lines)) {
            *points.entry(point).or_default() += count;
        }
    }
    points
}

/// The point in a line of Verilator's file: `C 'keys and values' count`, each key behind a 1, its value behind a 2.
fn parse(line: &str, engine: &str, verilog: &[&str]) -> Option<(Point, u64)> {
    let (keys, count) = line.strip_prefix("C '")?.rsplit_once("' ")?;
    let value = |wanted: &str| {
        let mut keys = keys.split('\u{1}');
        let found = keys.find_map(|key| key.strip_prefix(wanted)?.strip_prefix('\u{2}'));
        found.unwrap_or_else(|| panic!("no {wanted}: {line}"))
    };
    let (page, module) = value("page").split_once('/').expect("kind and module");
    let kind = Kind::of(page);
    let module = module.strip_prefix(engine).expect("a module of the engine");
    // What stands around the engine is none of it.
    if module == AROUND {
        return None;
    }
    let line: usize = value("l").parse().expect("a line");
    let (what, bit) = match kind {
        Kind::Toggle => bit_of(value("o")),
        Kind::Line | Kind::Branch => (format!("{} `{}`", value("o"), verilog[line - 1].trim()), 0),
    };
    // A block of logic runs whenever something in it changes. Verilator counts it as the run begins, and then no more.
    if kind == Kind::Line && what == "block `always @* begin`" {
        return None;
    }
    let instance = value("h").strip_prefix("TOP.").expect("below the top");
    let instance = instance.strip_prefix(engine).expect("of the engine");
    let around = format!("{AROUND}.u_engine");
    let instance = instance.strip_prefix(&around).unwrap_or(instance);
    let point = Point {
        kind,
        module: match module.trim_start_matches('_') {
            "" => "top".to_owned(),
            module => module.to_owned(),
        },
        instance: instance.trim_start_matches('.').to_owned(),
        what,
        bit,
        line,
    };
    Some((point, count.parse().expect("a count")))
}

/// How the module around an engine is called, behind the engine's name.
const AROUND: &str = "_seen";

/// `words[3][7]` is bit 7 of `words[3]`, and `valid_q` has bit 0 alone.
fn bit_of(signal: &str) -> (String, usize) {
    let bit = signal.strip_suffix(']').and_then(|it| it.rsplit_once('['));
    match bit {
        Some((name, bit)) => (name.to_owned(), bit.parse().expect("a bit")),
        None => (signal.to_owned(), 0),
    }
}
