//! Promise: a sequencer gives the steps of its program in order, loops unrolled, whatever the program is: for each of the
//! four forms in which an engine has one.

use bpa_hdl::config::capacity::{AxisHull, Capacity};
use bpa_hdl::config::descriptor::{Jump, Line, Program, Step};
use bpa_hdl::config::inputs::Config;
use bpa_hdl::primitives::target::Target;
use bpa_hdl::rtl::{print_verilog, Port};
use bpa_hdl::walk::{sequencer, LineFormat, TokenWidths, AHEAD_IN_LOGIC, AHEAD_IN_MEMORY, ROW};

use crate::prover::{smallest, Broken, Design, Proof};

/// Lines of a program: all that the bits of a line's number tell apart.
const LINES: u64 = 8;
/// Times that a loop is gone through, at most.
const TURNS: u64 = 5;

const WRONG_LOOPS: &[Broken] = &[
    (
        "a loop left a turn early",
        "more_q <= more_d;",
        "more_q <= more_d - (idle_q & ~idle_d);",
    ),
    (
        "a loop that is never under way",
        "idle_q <= idle_d;",
        "idle_q <= 1'd1;",
    ),
    (
        "a program that begins again with its first line",
        "place_q <= place_d;",
        "place_q <= (fetch & place_d == 1) ? place_d - (filled_q & told_wrap) : place_d;",
    ),
];

const NO_LOOPS: &[Broken] = &[
    (
        "a step passed over",
        "place_q <= place_d;",
        "place_q <= (fetch & place_q == 2) ? place_d + 1'd1 : place_d;",
    ),
    (
        "a program that goes on behind its end",
        "will_jump = filled_q & told_wrap;",
        "will_jump = filled_q & told_wrap & ~place_q[2];",
    ),
];

/// A program whose lines are not those that are proved: they say how wide everything is.
fn hull(loops: bool, ahead: usize) -> AxisHull {
    let line = |ahead: Jump| Line {
        step: Step::default(),
        ahead,
        comment: String::new(),
    };
    let mut lines = vec![Line::default(); LINES as usize - 2];
    lines.push(line(Jump::Wrap));
    lines.push(match loops {
        true => line(Jump::Loop {
            start: LINES - 1,
            turns: TURNS,
        }),
        false => Line::default(),
    });
    AxisHull {
        lines: LINES,
        turns: if loops { TURNS } else { 0 },
        program: Some(Program { lines, ahead }),
        taps: 2,
        size: 4,
    }
}

/// The sequencer alone: what it reads of its memory is an input; where and when it does, and how far it is with its loop,
/// are outputs.
fn alone(name: &str, design: &str, format: &LineFormat) -> Design {
    let (bits, place) = (format.bits(), format.place);
    let from = design.find(" u_program (").unwrap();
    let from = design[..from].rfind('\n').unwrap();
    let to = from + design[from..].find(");").unwrap() + 2;
    let net = |name: &str, bits: usize| format!("wire [{}:0] {name}", bits - 1);
    let declared = format!("  {};", net("line", bits));
    let header = format!("module {name} (");
    let text = [&design[..from], &design[to..]].concat();
    assert_eq!(text.matches(&declared).count(), 1, "{declared}");
    let text = text.replace(&declared, "");
    let mut shown = vec![("fetching", "fetch", 1), ("place", "place_q", place)];
    if let Some(turns) = format.turns {
        shown.extend([("idle", "idle_q", 1), ("more", "more_q", turns)]);
    }
    let mut header_with = format!("{header}\n  input {},", net("line", bits));
    let assigned = "  assign there = filled_q;";
    assert_eq!(text.matches(assigned).count(), 1);
    let mut assigned_with = assigned.to_owned();
    for (port, reg, width) in &shown {
        header_with += &format!("\n  output {},", net(port, *width));
        assigned_with += &format!("\n  assign {port} = {reg};");
    }
    let text = text.replace(&header, &header_with);
    let text = text.replace(assigned, &assigned_with);
    let port = |name: &str, width: usize, inward: bool| Port {
        name: name.to_owned(),
        width,
        inward,
    };
    let shown = shown
        .iter()
        .map(|(name, _, width)| port(name, *width, false));
    Design {
        text,
        top: name.to_owned(),
        ports: [
            port("aclk", 1, true),
            port("aresetn", 1, true),
            port("line", bits, true),
            port("advance", 1, true),
            port("there", 1, false),
            port("step", format.step_bits(), false),
        ]
        .into_iter()
        .chain(shown)
        .collect(),
    }
}

fn check(name: &str, block: &str, hull: &AxisHull, paced: bool, broken: &[Broken]) {
    let capacity = Capacity {
        paced,
        ..Capacity::exactly(smallest().descriptor())
    };
    let format = LineFormat::of(&capacity, hull, &TokenWidths::of(&capacity), true);
    let module = sequencer(
        name,
        ROW,
        (hull, paced),
        &format,
        Target::Generic,
        &mut Config::default(),
        4,
    );
    let design = alone(name, &print_verilog(&module), &format);
    // From the lowest bit of a line on.
    let low = |wanted: &str| {
        let behind = format.fields.iter().rev();
        let behind = behind.take_while(|field| field.name != wanted);
        behind.map(|field| field.width).sum::<usize>().to_string()
    };
    let mut defines = vec![
        ("LINES", LINES.to_string()),
        ("AHEAD", format.ahead.to_string()),
        ("WRAP", low("wrap")),
        ("DATA", low("last")),
    ];
    if let Some(bits) = format.turns {
        defines.extend([
            ("LOOP", low("loop")),
            ("START", low("start")),
            ("TURNS", low("turns")),
            ("TURN_BITS", bits.to_string()),
        ]);
    }
    if paced {
        defines.push(("PACED", String::new()));
    }
    Proof {
        block,
        promise: "equals its program unrolled, for any program",
        design: &design,
        constants: vec![],
        given: &["line"],
        rules: "`include \"sequencer.sv\"",
        defines,
        broken,
    }
    .check();
}

#[test]
fn in_logic() {
    let hull = hull(true, AHEAD_IN_LOGIC);
    check("rows", "sequencer, in logic", &hull, false, WRONG_LOOPS);
}

#[test]
fn paced() {
    let hull = hull(true, AHEAD_IN_LOGIC);
    check("paced", "sequencer, paced", &hull, true, &WRONG_LOOPS[..2]);
}

#[test]
fn without_loops() {
    let hull = hull(false, AHEAD_IN_LOGIC);
    check("plain", "sequencer without loops", &hull, true, NO_LOOPS);
}

#[test]
fn in_a_memory() {
    let hull = hull(true, AHEAD_IN_MEMORY);
    check(
        "memory",
        "sequencer, in a memory",
        &hull,
        false,
        WRONG_LOOPS,
    );
}
