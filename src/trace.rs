//! Waveforms of a run: which cycles, and the files that show their signals in order in a viewer.
//!
//! What a viewer shows first are the ports of the blocks, in groups: the streams, the walk, the issue loop, the datapath.
//! They come from the tree of modules that is printed as Verilog.

use std::fmt::Write as _;
use std::path::PathBuf;

use bpa_hdl::rtl::{Module, Port};

/// The file of a run's waveforms, and the cycles that it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The file, in the format FST.
    pub path: PathBuf,
    /// The first cycle, counted from the end of the reset.
    pub from: u64,
    /// How many, at most.
    pub cycles: u64,
}

/// Signals that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What they are, in words.
    pub title: String,
    /// In the order in which they are shown.
    pub signals: Vec<Signal>,
}

/// A signal of the simulated engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Its name behind those of the instances that it lies in, with points between.
    pub path: String,
    /// Bits.
    pub bits: usize,
}

/// Scope in which Verilator puts the engine.
const ROOT: &str = "TOP";
/// The instance with all that computes.
const CORE: &str = "u_core";
/// The blocks of the core, by what they do; all others belong to the datapath.
const WALK: [&str; 2] = ["u_walk", "u_tokens"];
const ISSUE: [&str; 1] = ["u_issue"];

/// The signals of an engine that are worth a look, group by group.
///
/// # Panics
/// If the module is no engine.
pub fn groups(engine: &Module) -> Vec<Group> {
    let root = format!("{ROOT}.{}", engine.name());
    let mut groups = outside(engine, &root);
    let core = engine.instances().find(|(name, _)| *name == CORE);
    let (_, core) = core.expect("an engine has a core");
    let blocks = |title: &str, wanted: &dyn Fn(&str) -> bool| {
        let blocks = core.instances().filter(|(name, _)| wanted(name));
        let signals =
            blocks.flat_map(|(name, block)| ports(block, &format!("{root}.{CORE}.{name}")));
        Group {
            title: title.to_owned(),
            signals: signals.collect(),
        }
    };
    groups.push(blocks("walk", &|name| WALK.contains(&name)));
    groups.push(blocks("issue loop", &|name| ISSUE.contains(&name)));
    groups.push(blocks("datapath", &|name| {
        !WALK.contains(&name) && !ISSUE.contains(&name)
    }));
    for (name, block) in engine.instances().filter(|(name, _)| *name != CORE) {
        groups.push(Group {
            title: name.trim_start_matches("u_").to_owned(),
            signals: ports(block, &format!("{root}.{name}")),
        });
    }
    groups
}

/// The engine's own ports: a group for each stream, and one for the others, which comes first.
fn outside(engine: &Module, root: &str) -> Vec<Group> {
    let mut groups = vec![Group {
        title: "clock and status".to_owned(),
        signals: Vec::new(),
    }];
    for port in engine.ports() {
        let title = match port.name.rsplit_once("_t") {
            Some((stream, _)) if stream.contains("_axis_") => format!("stream {stream}"),
            _ if port.name.starts_with("s_axi_") => "registers' bus".to_owned(),
            _ => groups[0].title.clone(),
        };
        let signal = signal(&port, root);
        match groups.iter_mut().find(|group| group.title == title) {
            Some(group) => group.signals.push(signal),
            None => groups.push(Group {
                title,
                signals: vec![signal],
            }),
        }
    }
    groups
}

/// The ports of a block, but for clock, reset, and what the layer is: that stands still.
fn ports(block: &Module, path: &str) -> Vec<Signal> {
    let ports = block.ports();
    let moving = ports.iter().filter(|port| {
        !matches!(port.name.as_str(), "aclk" | "aresetn") && !port.name.starts_with("cfg_")
    });
    moving.map(|port| signal(port, path)).collect()
}

fn signal(port: &Port, path: &str) -> Signal {
    Signal {
        path: format!("{path}.{}", port.name),
        bits: port.width,
    }
}

/// How GTKWave marks what a line of its save file is: a bit, a word in hexadecimal, the ends of a group.
const BIT: &str = "@28";
const WORD: &str = "@22";
const GROUP_BEGINS: &str = "@800200";
const GROUP_ENDS: &str = "@1000200";

/// The save file with which GTKWave shows the groups.
pub fn gtkwave(groups: &[Group]) -> String {
    let mut text = "[*] Signals of an engine, in groups. A nanosecond is a cycle.\n".to_owned();
    for Group { title, signals } in groups {
        let _ = writeln!(text, "{GROUP_BEGINS}\n-{title}");
        for Signal { path, bits } in signals {
            let _ = match bits {
                1 => writeln!(text, "{BIT}\n{path}"),
                _ => writeln!(text, "{WORD}\n{path}[{}:0]", bits - 1),
            };
        }
        let _ = writeln!(text, "{GROUP_ENDS}\n-{title}");
    }
    text
}

/// The command file with which Surfer shows the groups.
pub fn surfer(groups: &[Group]) -> String {
    let mut text = "# Signals of an engine, in groups. A nanosecond is a cycle.\n".to_owned();
    for Group { title, signals } in groups {
        // A command takes one word.
        let _ = writeln!(text, "divider_add {}", title.replace(' ', "_"));
        for Signal { path, .. } in signals {
            let _ = writeln!(text, "variable_add {path}");
        }
    }
    text + "zoom_fit\n"
}
