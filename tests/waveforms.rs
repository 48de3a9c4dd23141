//! The timing diagrams of docs/interface.md are what the engine does, cycle by cycle.
//!
//! Each diagram is a block of code after a line `<!-- waveform: NAME -->`. To write them anew:
//! `UPDATE_WAVEFORMS=1 cargo test --test waveforms`.

use std::fmt::Write as _;
use std::path::Path;

use bpa_engine::emit;
use bpa_engine::interface::{self, Direction, Streams};
use bpa_engine::layer::{Layer, LayerFile, PerItem};
use bpa_engine::plan::Plan;
use bpa_engine::vectors::BeatFormat;
use bpa_sim::{Cache, Instance, Model, ModelSpec, Pin, StreamPort};

const GRAD_OUTPUT: usize = 0;
const WEIGHT: usize = 1;

/// 3x3 pixels, a kernel of 2x2, one channel: 4 beats of grad_output, 4 of weights, 9 of grad_input.
fn layer(weight_sets: i64) -> Layer {
    let mut file = LayerFile::default();
    file.engine.weight_sets = weight_sets;
    file.layer.in_channels = Some(1);
    file.layer.out_channels = Some(1);
    file.layer.in_size = Some(PerItem([3, 3]));
    file.layer.kernel = Some(PerItem([2, 2]));
    file.validate().unwrap()
}

/// The engine in a module that shows every single-bit port as an output of its own, so that the bridge can watch it.
fn watched(plan: &Plan) -> Model {
    let ports = interface::ports(plan);
    let name = plan.layer().name();
    let mut declared = Vec::new();
    let mut body = format!("  {name} engine (\n");
    let mut shown = Vec::new();
    for port in &ports {
        let direction = match port.direction {
            Direction::Input => "input",
            Direction::Output => "output",
        };
        declared.push(format!(
            "  {direction} wire [{}:0] {}",
            port.width - 1,
            port.name
        ));
        if port.width == 1 && port.name != "aclk" {
            declared.push(format!("  output wire show_{0}", port.name));
            shown.push(port.name.clone());
        }
    }
    let bindings: Vec<String> = ports
        .iter()
        .map(|port| format!("    .{0}({0})", port.name))
        .collect();
    body += &bindings.join(",\n");
    body += "\n  );\n";
    for name in &shown {
        let _ = writeln!(body, "  assign show_{name} = {name};");
    }
    let streams = Streams::new(plan);
    let port = |name, format: BeatFormat| StreamPort::new(name, format.beat_bytes());
    let pins = shown
        .iter()
        .map(|name| Pin::new(format!("show_{name}"), 1).watched());
    let spec = ModelSpec {
        top: "probe".to_owned(),
        verilog: format!(
            "{}\nmodule probe (\n{}\n);\n{body}endmodule\n",
            emit::verilog(plan),
            declared.join(",\n")
        ),
        sources: streams
            .inputs()
            .into_iter()
            .map(|(name, format)| port(name, format))
            .collect(),
        sinks: vec![port(interface::GRAD_INPUT, streams.result)],
        pins_in: vec![],
        pins_out: pins
            .chain([Pin::new("error_cause", interface::causes(plan).len())])
            .collect(),
        memory: None,
    };
    let cache = Cache::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/models"));
    Model::build(&spec, &cache).unwrap()
}

/// One row of a diagram: a pin, or the beats on a stream.
struct Row {
    label: &'static str,
    pin: &'static str,
    kind: Kind,
    /// What was seen, one cell a cycle.
    cells: Vec<Cell>,
}

enum Kind {
    /// The pin's level.
    Level,
    /// The pin's level while this other one is high, which otherwise means nothing.
    Payload(&'static str),
    /// While the pin is high, the number of the beat of this stream, after this letter.
    Beats(usize, &'static str),
}

#[derive(Clone, PartialEq, Eq)]
enum Cell {
    Low,
    High,
    Meaningless,
    Beat(String),
}

struct Diagram {
    instance: Instance,
    first_cycle: u64,
    rows: Vec<Row>,
    has_mask: bool,
}

/// The mask, where the layer has one.
const MASK: usize = 2;
/// The sink, where a source's index may stand.
const SINK: usize = 3;

impl Diagram {
    fn new(instance: Instance) -> Self {
        Self {
            instance,
            first_cycle: 0,
            rows: Vec::new(),
            has_mask: false,
        }
    }

    fn load(&mut self, source: usize, last_flags: &[u8]) {
        let data: Vec<u8> = (1..=last_flags.len() as u8).collect();
        self.instance
            .source(source)
            .load(&data, last_flags)
            .unwrap();
    }

    fn row(&mut self, label: &'static str, pin: &'static str, kind: Kind) {
        self.rows.push(Row {
            label,
            pin,
            kind,
            cells: Vec::new(),
        });
    }

    fn pin(&mut self, label: &'static str, pin: &'static str) {
        self.row(label, pin, Kind::Level);
    }

    /// The four rows of a stream; `letter` and a number name its beats.
    fn stream(&mut self, prefix: &'static str, of: usize, letter: &'static str) {
        let pins = match prefix {
            interface::GRAD_OUTPUT => [
                "s_axis_grad_output_tvalid",
                "s_axis_grad_output_tready",
                "s_axis_grad_output_tlast",
            ],
            interface::WEIGHT => [
                "s_axis_weight_tvalid",
                "s_axis_weight_tready",
                "s_axis_weight_tlast",
            ],
            interface::MASK => [
                "s_axis_mask_tvalid",
                "s_axis_mask_tready",
                "s_axis_mask_tlast",
            ],
            _ => [
                "m_axis_grad_input_tvalid",
                "m_axis_grad_input_tready",
                "m_axis_grad_input_tlast",
            ],
        };
        self.pin("tvalid", pins[0]);
        self.pin("tready", pins[1]);
        self.row("tdata", pins[0], Kind::Beats(of, letter));
        self.row("tlast", pins[2], Kind::Payload(pins[0]));
    }

    fn moved(&mut self, of: usize) -> u64 {
        match of {
            SINK => self.instance.sink(0).accepted(),
            source => self.instance.source(source).accepted(),
        }
    }

    /// Beats moved so far, by stream; none where the layer has not this stream.
    fn all_moved(&mut self) -> [u64; 4] {
        [GRAD_OUTPUT, WEIGHT, MASK, SINK].map(|of| match (of, self.has_mask) {
            (MASK, false) => 0,
            _ => self.moved(of),
        })
    }

    /// Runs so many cycles, and draws them.
    fn draw(&mut self, cycles: u64) {
        if self.rows[0].cells.is_empty() {
            self.first_cycle = self.instance.cycle();
        }
        for _ in 0..cycles {
            let cycle = self.instance.cycle();
            let before = self.all_moved();
            self.instance.run(1, None);
            let instance = &self.instance;
            let high = |pin: &str| {
                let watched = instance.watched(&format!("show_{pin}")).unwrap();
                watched.latest == Some(cycle)
            };
            for row in &mut self.rows {
                let cell = match &row.kind {
                    Kind::Level if high(row.pin) => Cell::High,
                    Kind::Level => Cell::Low,
                    Kind::Payload(valid) if !high(valid) => Cell::Meaningless,
                    Kind::Payload(_) if high(row.pin) => Cell::High,
                    Kind::Payload(_) => Cell::Low,
                    Kind::Beats(..) if !high(row.pin) => Cell::Meaningless,
                    Kind::Beats(of, letter) => Cell::Beat(format!("{letter}{}", before[*of])),
                };
                row.cells.push(cell);
            }
        }
    }

    fn text(&self) -> String {
        let cycles = self.rows[0].cells.len() as u64;
        let mut text = format!("{:<12}", "cycle");
        for cycle in self.first_cycle..self.first_cycle + cycles {
            let _ = write!(text, "{cycle:<4}");
        }
        for row in &self.rows {
            let _ = write!(text, "\n{:<12}", row.label);
            let mut before = None;
            for cell in &row.cells {
                text += &cell.drawn_after(before);
                before = Some(cell);
            }
        }
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        lines.join("\n") + "\n"
    }
}

impl Cell {
    /// `/~~~` where a level rises, `\___` where it falls; `|G0 ` where a beat comes, spaces while it stays.
    fn drawn_after(&self, before: Option<&Cell>) -> String {
        match (self, before) {
            (Self::Meaningless, _) => " .  ".to_owned(),
            (Self::Low, Some(Self::High)) => "\\___".to_owned(),
            (Self::Low, _) => "____".to_owned(),
            (Self::High, Some(Self::Low)) => "/~~~".to_owned(),
            (Self::High, _) => "~~~~".to_owned(),
            (Self::Beat(_), Some(before)) if self == before => "    ".to_owned(),
            (Self::Beat(name), _) => format!("|{name:<3}"),
        }
    }
}

/// All diagrams, by name.
fn diagrams() -> Vec<(&'static str, String)> {
    let model = |weight_sets| watched(&Plan::new(&layer(weight_sets)));
    let begin_with = |model: &Model| {
        let mut instance = model.instance(1);
        instance.reset(4);
        Diagram::new(instance)
    };
    let one_set = model(1);
    let begin = || begin_with(&one_set);
    let set = [0, 0, 0, 1];
    let mut all = Vec::new();

    let mut weight = begin();
    weight.pin("aresetn", "aresetn");
    weight.stream(interface::WEIGHT, WEIGHT, "W");
    weight.load(WEIGHT, &set[..2]);
    weight.draw(4);
    weight.load(WEIGHT, &set[2..]);
    weight.draw(5);
    all.push(("weight", weight.text()));

    let loaded_with = |model: &Model| {
        let mut diagram = begin_with(model);
        diagram.load(WEIGHT, &set);
        diagram.instance.run(19, None);
        diagram
    };
    let loaded = || loaded_with(&one_set);
    let mut grad_output = loaded();
    grad_output.stream(interface::GRAD_OUTPUT, GRAD_OUTPUT, "G");
    grad_output.pin("busy", "busy");
    grad_output.draw(1);
    grad_output.load(GRAD_OUTPUT, &set[..2]);
    grad_output.draw(3);
    grad_output.load(GRAD_OUTPUT, &set[2..]);
    grad_output.load(GRAD_OUTPUT, &set);
    grad_output.draw(16);
    all.push(("grad_output", grad_output.text()));

    let mut grad_input = loaded();
    grad_input.stream(interface::GRAD_INPUT, SINK, "A");
    grad_input.pin("frame_done", "frame_done");
    grad_input.pin("busy", "busy");
    grad_input.load(GRAD_OUTPUT, &set);
    // Results wait from the start, so that they then come without gaps, as many as the FIFO holds.
    grad_input.instance.sink(0).set_limit(Some(0));
    grad_input.instance.run(41, None);
    grad_input.instance.sink(0).set_limit(Some(2));
    grad_input.draw(5);
    grad_input.instance.sink(0).set_limit(None);
    grad_input.draw(14);
    all.push(("grad_input", grad_input.text()));

    let mut error = loaded();
    error.stream(interface::GRAD_OUTPUT, GRAD_OUTPUT, "G");
    error.pin("error", "error");
    error.load(GRAD_OUTPUT, &[0, 1, 0, 1]);
    error.draw(8);
    assert_eq!(error.instance.peek("error_cause").unwrap(), 1);
    all.push(("error", error.text()));

    for (name, model) in [("one set", &one_set), ("two sets", &model(2))] {
        let mut reload = loaded_with(model);
        reload.load(GRAD_OUTPUT, &set);
        reload.load(GRAD_OUTPUT, &set);
        reload.instance.run(8, None);
        reload.load(WEIGHT, &set);
        reload.stream(interface::WEIGHT, WEIGHT, "W");
        reload.row(
            "grad_input",
            "m_axis_grad_input_tvalid",
            Kind::Beats(SINK, "A"),
        );
        reload.draw(32);
        all.push((name, reload.text()));
    }

    let mut masked_layer = layer(1).to_file();
    masked_layer.engine.mask = true;
    let masked = watched(&Plan::new(&masked_layer.validate().unwrap()));
    let mut mask = loaded_with(&masked);
    mask.has_mask = true;
    mask.load(GRAD_OUTPUT, &set);
    // Results wait for their mask.
    mask.instance.run(40, None);
    mask.stream(interface::MASK, MASK, "M");
    mask.row(
        "grad_input",
        "m_axis_grad_input_tvalid",
        Kind::Beats(SINK, "A"),
    );
    mask.draw(1);
    mask.load(MASK, &[0, 0]);
    mask.draw(4);
    mask.load(MASK, &[0, 0, 0, 0, 0, 0, 1]);
    mask.load(MASK, &[0; 5]);
    mask.draw(19);
    all.push(("mask", mask.text()));

    all
}

#[test]
fn the_diagrams_are_what_the_engine_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/interface.md");
    let mut page = std::fs::read_to_string(&path).unwrap();
    let update = std::env::var_os("UPDATE_WAVEFORMS").is_some();
    for (name, diagram) in diagrams() {
        let marker = format!("<!-- waveform: {name} -->\n```text\n");
        let begin = page
            .find(&marker)
            .unwrap_or_else(|| panic!("no {marker:?} in docs/interface.md"))
            + marker.len();
        let end = begin + page[begin..].find("```").unwrap();
        if update {
            page.replace_range(begin..end, &diagram);
        } else {
            assert_eq!(page[begin..end], diagram, "{name}:\n{diagram}");
        }
    }
    if update {
        std::fs::write(&path, page).unwrap();
    }
}
