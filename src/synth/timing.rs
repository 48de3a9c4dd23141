//! Fmax and the critical path, from nextpnr's report.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::SynthError;

/// The instance of the design in its harness, as a prefix of names.
const IN_HARNESS: &str = "u_inner.";

/// What nextpnr found for one seed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Timing {
    pub fmax_mhz: f64,
    pub critical_path: CriticalPath,
}

/// The slowest path from register to register, in the design's own names.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CriticalPath {
    /// The seed that it belongs to.
    pub seed: u64,
    /// Of the whole path.
    pub ns: f64,
    /// Of its cells, from clock to output and set-up included.
    pub logic_ns: f64,
    /// Of the wires between them.
    pub routing_ns: f64,
    /// From the register at its start to the one at its end.
    pub steps: Vec<PathStep>,
}

/// Cells in a row on a path that have one name in the Verilog.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PathStep {
    /// Of a net, a register or an instance.
    pub name: String,
    /// Of these cells and of the wires that lead away from them.
    pub ns: f64,
}

#[derive(Deserialize)]
struct Report {
    fmax: BTreeMap<String, Fmax>,
    critical_paths: Vec<ReportedPath>,
}

#[derive(Deserialize)]
struct Fmax {
    achieved: f64,
}

#[derive(Deserialize)]
struct ReportedPath {
    from: String,
    to: String,
    path: Vec<Segment>,
}

#[derive(Deserialize)]
struct Segment {
    delay: f64,
    from: CellPort,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct CellPort {
    cell: String,
}

impl Timing {
    /// Reads the file that nextpnr wrote for `--report`. `cell_types` are those of the netlist: their names are what
    /// the tools append to the names of the Verilog.
    pub(super) fn read<'a>(
        path: &Path,
        seed: u64,
        cell_types: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<Self, SynthError> {
        let text = std::fs::read_to_string(path).map_err(SynthError::file(path))?;
        parse(&text, seed, cell_types).map_err(|reason| SynthError::Report {
            path: path.to_owned(),
            tool: "nextpnr",
            reason,
        })
    }
}

fn parse<'a>(
    text: &str,
    seed: u64,
    cell_types: impl Iterator<Item = &'a str> + Clone,
) -> Result<Timing, String> {
    let report: Report = serde_json::from_str(text).map_err(|error| error.to_string())?;
    // A harness has one clock.
    let mut clocks = report.fmax.iter();
    let (clock, fmax) = match (clocks.next(), clocks.next()) {
        (Some(only), None) => only,
        _ => return Err(format!("{} clocks, one expected", report.fmax.len())),
    };
    let edge = format!("posedge {clock}");
    let path = report
        .critical_paths
        .iter()
        .find(|path| path.from == edge && path.to == edge)
        .ok_or("no critical path of the clock")?;
    let mut critical = CriticalPath {
        seed,
        ..CriticalPath::default()
    };
    for segment in &path.path {
        let name = design_name(&segment.from.cell, cell_types.clone());
        critical.ns += segment.delay;
        *match segment.kind.as_str() {
            "routing" => &mut critical.routing_ns,
            _ => &mut critical.logic_ns,
        } += segment.delay;
        match critical.steps.last_mut() {
            Some(last) if last.name == name => last.ns += segment.delay,
            _ => critical.steps.push(PathStep {
                name: name.to_owned(),
                ns: segment.delay,
            }),
        }
    }
    for ns in [
        &mut critical.ns,
        &mut critical.logic_ns,
        &mut critical.routing_ns,
    ] {
        *ns = rounded(*ns);
    }
    for step in &mut critical.steps {
        step.ns = rounded(step.ns);
    }
    Ok(Timing {
        fmax_mhz: rounded(fmax.achieved),
        critical_path: critical,
    })
}

/// The name in the Verilog that a cell's name was made from: Yosys appends the cell's type and what it is connected to.
fn design_name<'a, 'b>(cell: &'a str, cell_types: impl Iterator<Item = &'b str>) -> &'a str {
    // A net that place and route puts on the wires for clocks.
    let cell = match cell.strip_prefix("$gbuf_") {
        Some(net) => net.split("_$glb").next().unwrap_or(net),
        None => cell,
    };
    let cell = cell.strip_prefix(IN_HARNESS).unwrap_or(cell);
    let appended = cell_types.filter_map(|cell_type| {
        cell.match_indices(cell_type)
            .find(|(at, _)| {
                cell[..*at].ends_with('_')
                    && !cell[at + cell_type.len()..].starts_with(char::is_alphanumeric)
            })
            .map(|(at, _)| at - 1)
    });
    let end = appended.chain(cell.find('$')).min().unwrap_or(cell.len());
    match &cell[..end] {
        "" => cell,
        name => name,
    }
}

/// To picoseconds, or kilohertz; nextpnr computes in single precision.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPES: [&str; 5] = ["CCU2C", "LUT4", "L6MUX21", "TRELLIS_FF", "PFUMX"];

    /// From nextpnr-ecp5 0.11.1, shortened.
    const REPORT: &str = r#"{
        "critical_paths": [
            {"from": "<async>", "to": "posedge clk", "path": []},
            {"from": "posedge clk", "to": "posedge clk", "path": [
                {"delay": 0.5240000486373901, "type": "clk-to-q",
                 "from": {"cell": "u_inner.u_core.left_q_TRELLIS_FF_Q_3", "loc": [64, 22], "port": "CLK"},
                 "to": {"cell": "u_inner.u_core.left_q_TRELLIS_FF_Q_3", "loc": [64, 22], "port": "Q"}},
                {"delay": 1.4, "type": "routing", "net": "u_inner.u_core.left_q[3]", "sources": ["x.v:1.2-1.3"],
                 "from": {"cell": "u_inner.u_core.left_q_TRELLIS_FF_Q_3", "loc": [64, 22], "port": "Q"},
                 "to": {"cell": "u_inner.u_core.left_q_LUT4_D_Z_LUT4_Z", "loc": [93, 11], "port": "D"}},
                {"delay": 0.236, "type": "logic",
                 "from": {"cell": "u_inner.u_core.row_q_CCU2C_S0$CCU2_COMB1", "loc": [93, 11], "port": "D"},
                 "to": {"cell": "u_inner.u_core.row_q_CCU2C_S0$CCU2_COMB1", "loc": [93, 11], "port": "F"}},
                {"delay": 0.0, "type": "setup",
                 "from": {"cell": "u_inner.u_core.row_q_TRELLIS_FF_Q_8", "loc": [93, 11], "port": "DI"},
                 "to": {"cell": "u_inner.u_core.row_q_TRELLIS_FF_Q_8", "loc": [93, 11], "port": "DI"}}
            ]}
        ],
        "fmax": {"clk": {"achieved": 130.106689453125, "constraint": 300}},
        "utilization": {"DP16KD": {"available": 208, "used": 38}}
    }"#;

    #[test]
    fn a_report_is_read() {
        let timing = parse(REPORT, 7, TYPES.into_iter()).unwrap();
        let step = |name: &str, ns| PathStep {
            name: name.to_owned(),
            ns,
        };
        let expected = CriticalPath {
            seed: 7,
            ns: 2.16,
            logic_ns: 0.76,
            routing_ns: 1.4,
            steps: vec![step("u_core.left_q", 1.924), step("u_core.row_q", 0.236)],
        };
        assert_eq!(timing.fmax_mhz, 130.107);
        assert_eq!(timing.critical_path, expected);
    }

    #[test]
    fn a_report_without_the_clock_is_refused() {
        for (report, reason) in [
            (r#"{"critical_paths": [], "fmax": {}}"#, "0 clocks"),
            (
                r#"{"critical_paths": [], "fmax": {"c": {"achieved": 1}}}"#,
                "no critical path",
            ),
            ("", "EOF"),
        ] {
            let found = parse(report, 1, TYPES.into_iter()).unwrap_err();
            assert!(found.contains(reason), "{found}");
        }
    }

    #[test]
    fn names_lose_what_the_tools_append() {
        for (cell, name) in [
            (
                "u_inner.u_weights.u_bank1_1.u_block",
                "u_weights.u_bank1_1.u_block",
            ),
            ("u_inner.u_core.row_q_LUT4_Z_D_CCU2C_S0", "u_core.row_q"),
            ("u_inner.LUT4_net_LUT4_Z", "LUT4_net"),
            ("$gbuf_u_inner.u_core.to_second_$glb_ce", "u_core.to_second"),
            ("u_inner.u_LUT40_PFUMX_Z", "u_LUT40"),
            ("$abc$12$lut", "$abc$12$lut"),
            ("in_bank_q_TRELLIS_FF_Q", "in_bank_q"),
        ] {
            assert_eq!(design_name(cell, TYPES.into_iter()), name);
        }
    }
}
