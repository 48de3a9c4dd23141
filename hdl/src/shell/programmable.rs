//! The programmable shell: the core with its configuration in registers.

use crate::config::arrays::Arrays;
use crate::config::capacity::Capacity;
use crate::config::descriptor::Lanes;
use crate::config::inputs::Config;
use crate::config::limits::{AxisLimits, Limits};
use crate::core::{
    cause_bits, core, Streams, AHEAD, ALL_TAKEN, FRAMES_BEGIN, FRAMES_LESS_1, JOB_ARESETN,
    MISPLACED, WEIGHT_PINS,
};
use crate::primitives::paged_memory::{LOAD_BITS, LOAD_DATA, LOAD_ENTRY, LOAD_PAGE, PAGE};
use crate::primitives::target::Target;
use crate::registers::axi_lite::AxiPins;
use crate::registers::counters::{counters, waits, words_of, Counted};
use crate::registers::map::{bank, Field, Kind, Register, RegisterMap, REGISTER_BITS};
use crate::rtl::{bits_for, Expr, Module};
use crate::shell::job_table::{JobTable, TableShape, FRAMES_BITS};
use crate::shell::jobs::{jobs, CAUSE_BITS, REFUSED_CAUSES};
use crate::shell::memory::Memory;
use crate::stages::{Rounding, Stages, CLEAR_SATURATIONS, COUNT_BITS};
use crate::streams::result_port::CLOSES;

const DOC: &str = "\
Programmable shell: software writes a layer and a number of frames into the table and starts it; the
engine takes one set of weights and those frames, then the next layer that was started meanwhile,
whose weights and first frames it has taken by then as far as there was space.";

/// What the identification register says: \"BPAE\".
const ID: u32 = 0x4250_4145;

/// The name of the count of values that did not fit, and of its register.
const SATURATIONS: &str = "saturations";

/// Where the table begins, at the least.
const TABLE: u64 = 0x400;
const EVENT_ENABLE: u64 = 0x4c;
const STREAMS: u64 = 0x54;
/// Beside those of the bus, with which it never is.
const PIXELS: u64 = 0x64;
/// The first counter.
const COUNTERS: u64 = 0x80;

/// An engine that is told its layer at run time.
pub struct Programmable {
    /// The hardware.
    pub module: Module,
    /// Its registers.
    pub map: RegisterMap,
    /// How a layer is written into them.
    pub table: JobTable,
}

/// How large the jobs of an engine are: by the table that [`programmable_engine`] lays out, without building all of it.
/// Numbers of lanes do not matter: no layer tells them.
pub fn table_shape(limits: &Limits, lanes: &Lanes) -> TableShape {
    let lanes = Lanes {
        simd: 1,
        pe: 1,
        ..*lanes
    };
    let mut config = Config::default();
    core(
        "table",
        &Capacity::within(limits),
        &lanes,
        Target::Generic,
        &mut config,
    );
    if let Some(memory) = Memory::of(limits, &lanes) {
        memory.tell(&mut config);
    }
    JobTable::new(config).shape().clone()
}

/// Builds the engine `name`. `header` is printed above the top module.
pub fn programmable_engine(
    name: &str,
    header: &str,
    limits: &Limits,
    lanes: &Lanes,
    target: Target,
) -> Programmable {
    let capacity = Capacity::within(limits);
    let mut config = Config::default();
    let inner = core(name, &capacity, lanes, target, &mut config);
    let memory = Memory::of(limits, lanes);
    if let Some(memory) = &memory {
        memory.tell(&mut config);
    }
    let table = JobTable::new(config);
    let map = register_map(name, limits, lanes, &table);

    let mut m = Module::new(name, format!("{header}\n\n{DOC}"));
    m.input("aclk", 1, "");
    let aresetn = m.input("aresetn", 1, "synchronous, active low");
    let streams = Streams::of(&capacity, lanes);
    let ports = match memory {
        None => streams.declare(&mut m),
        Some(_) => streams.declare_within(&mut m),
    };
    let pins = AxiPins::declare(&mut m, map.address_bits());
    let irq = m.output("irq", 1, "interrupt: an enabled event is there");
    let alive = m.net("alive", 1, "");
    let job_runs = m.net("job_runs", 1, "");
    let closes = m.net(CLOSES, 1, "");
    // One edge with `aresetn` low resets all there is: no reset is behind a register of its own.
    let core_aresetn = m.net("core_aresetn", 1, "");
    m.assign(&core_aresetn, &(&aresetn & &alive));
    let job_aresetn = m.net(JOB_ARESETN, 1, "");
    m.assign(&job_aresetn, &(&aresetn & &job_runs));
    let weight_pins = WEIGHT_PINS.map(|(name, ..)| (name, m.net(name, 1, "")));
    let frames_less_1 = m.net("frames_less_1", FRAMES_BITS, "");
    let all_taken = m.net("all_taken", 1, "");
    let frames_begin = m.net(FRAMES_BEGIN, 1, "");
    let frames_ahead = m.net(AHEAD, 1, "");
    let misplaced = m.net("misplaced", cause_bits(lanes), "");
    // The configuration, by the names of the core's inputs.
    for field in table.fields() {
        m.net(&field.port.port, field.port.width, &field.port.comment);
    }
    m.net(PAGE, 1, "");
    m.net(LOAD_PAGE, 1, "");
    m.net(LOAD_ENTRY, table.entry_bits(), "");
    m.net(LOAD_DATA, LOAD_BITS, "");
    for memory in table.memories() {
        m.net(&memory.strobe, 1, "");
    }
    let built_in: Vec<(String, Expr)> = table
        .hardware()
        .iter()
        .map(|port| {
            let name = port.port.to_uppercase();
            // The value is no function of a layer.
            let value = port.value(&Default::default());
            let constant = m.constant(&name, value, port.width, &port.comment);
            (port.port.clone(), constant)
        })
        .collect();
    let mut bindings = streams.bindings(&ports);
    bindings.extend([
        ("aresetn", core_aresetn),
        (JOB_ARESETN, job_aresetn),
        (CLOSES, closes.clone()),
        (FRAMES_LESS_1, frames_less_1.clone()),
        (ALL_TAKEN, all_taken.clone()),
        (FRAMES_BEGIN, frames_begin.clone()),
        (AHEAD, frames_ahead.clone()),
        (MISPLACED, misplaced.clone()),
    ]);
    bindings.extend(weight_pins.clone());
    let built_in = built_in.iter();
    bindings.extend(built_in.map(|(port, value)| (port.as_str(), value.clone())));
    let clear_saturations = (lanes.stages.requantise).map(|_| m.net(CLEAR_SATURATIONS, 1, ""));
    bindings.extend(
        clear_saturations
            .clone()
            .map(|clear| (CLEAR_SATURATIONS, clear)),
    );
    m.instance("u_core", inner, bindings);

    let port = |wanted: &str| -> Expr {
        streams
            .bindings(&ports)
            .into_iter()
            .find(|(name, _)| *name == wanted)
            .map_or_else(|| unreachable!("no port {wanted}"), |(_, port)| port)
    };
    let index_bits: usize = table.index_bits().iter().sum();
    let net = |m: &mut Module, name: &str, width| m.net(name, width, "");
    let table_pins = [
        ("table_write", net(&mut m, "table_write", 1)),
        ("table_word", net(&mut m, "table_word", index_bits)),
        ("table_data", net(&mut m, "table_data", 32)),
        ("table_strobe", net(&mut m, "table_strobe", 4)),
        ("table_locked", net(&mut m, "table_locked", 1)),
    ];
    let start = net(&mut m, "start", 1);
    let abort = net(&mut m, "abort", 1);
    let clear = net(&mut m, "clear_counters", 1);
    if let Some(clear_saturations) = &clear_saturations {
        m.assign(clear_saturations, &(&clear | !&aresetn));
    }
    let running = net(&mut m, "running", 1);
    let checking = net(&mut m, "checking", 1);
    let waiting = net(&mut m, "waiting", 1);
    let next = net(&mut m, "next", 1);
    let job_done = net(&mut m, "job_done", 1);
    let refused = net(&mut m, "refused", 1);
    let refused_cause = net(&mut m, "refused_cause", CAUSE_BITS);
    let refused_word = net(&mut m, "refused_word", index_bits);

    let mut job_bindings: Vec<(&str, Expr)> = table_pins.to_vec();
    job_bindings.extend(weight_pins);
    job_bindings.extend([
        ("start", start.clone()),
        ("abort", abort.clone()),
        ("frame_done", port("frame_done")),
        (ALL_TAKEN, all_taken),
        (FRAMES_BEGIN, frames_begin),
        (AHEAD, frames_ahead),
        ("alive", alive),
        (JOB_ARESETN, job_runs),
        (CLOSES, closes),
        ("offers", port("m_axis_result_tvalid")),
        ("running", running.clone()),
        ("checking", checking.clone()),
        ("waiting", waiting.clone()),
        ("next", next.clone()),
        ("job_done", job_done.clone()),
        ("refused", refused.clone()),
        ("refused_cause", refused_cause.clone()),
        ("refused_word", refused_word.clone()),
        ("frames_less_1", frames_less_1),
    ]);
    m.instance(
        "u_jobs",
        jobs(&format!("{name}_jobs"), &table, target),
        job_bindings,
    );

    let memory = memory.map(|memory| {
        let inside = streams.bindings(&ports);
        memory.place(
            &mut m,
            name,
            table.entry_bits(),
            target,
            inside,
            (&next, &abort),
        )
    });
    // Where results go to memory, a job is done when they are there.
    let job_done = match &memory {
        None => job_done,
        Some(memory) => {
            m.unused("job_done", &job_done);
            memory.job_written.clone()
        }
    };

    // What is counted, and by which event.
    let stream = |name: &str| {
        waits(
            &port(&format!("{name}_tvalid")),
            &port(&format!("{name}_tready")),
        )
    };
    let mut events = vec![
        running.clone(),
        port("frame_done"),
        job_done.clone(),
        stream("s_axis_data"),
        stream("s_axis_weight"),
        stream("m_axis_result"),
    ];
    events.extend((0..6).map(|bit| misplaced.bit(bit)));
    for (index, name) in side_names(&lanes.stages).into_iter().enumerate() {
        events.push(stream(&format!("s_axis_{name}")));
        let first = 6 + 3 * index;
        events.extend((first..first + 3).map(|bit| misplaced.bit(bit)));
    }
    let counted = counted(&lanes.stages);
    let asked = m.net("counter", bits_for(words_of(&counted) as u64 - 1), "");
    let count_read = m.net("counter_read", 1, "");
    let count = m.net("count", REGISTER_BITS, "");
    let mut count_bindings = vec![
        ("clear", clear.clone()),
        ("read", count_read.clone()),
        ("word", asked.clone()),
        ("count", count.clone()),
    ];
    let names: Vec<String> = counted
        .iter()
        .map(|c| format!("{}_event", c.name))
        .collect();
    for (name, source) in names.iter().zip(events) {
        let seen = m.net(name, 1, "");
        m.assign(&seen, &source);
        count_bindings.push((name.as_str(), seen));
    }
    m.instance(
        "u_counters",
        counters(&format!("{name}_counters"), &counted, REGISTER_BITS),
        count_bindings,
    );

    // The registers.
    let mut stream_pins = Vec::new();
    for (name, what, stream) in stream_states(&lanes.stages) {
        let pin = |end: &str| port(&format!("{stream}_{end}"));
        let state = match stream.starts_with("s_axis") {
            true => waits(&pin("tready"), &pin("tvalid")),
            false => waits(&pin("tvalid"), &pin("tready")),
        };
        let name = format!("streams_{name}");
        // It may come from far away.
        let seen = m.data_reg(&name, 1, &what);
        m.comb(|b| b.set(&seen.d, &state));
        stream_pins.push((name, seen.q));
    }
    let mut bank_bindings = pins.bindings();
    bank_bindings.extend(
        stream_pins
            .iter()
            .map(|(name, state)| (name.as_str(), state.clone())),
    );
    bank_bindings.extend(table_pins);
    bank_bindings.extend([
        ("irq", irq),
        ("command_start", start),
        ("command_abort", abort),
        ("command_clear_counters", clear),
        ("state_running", running),
        ("state_waiting", waiting),
        ("state_checking", checking),
        ("state_busy", port("busy")),
        ("state_next", next),
        ("event_job_done_set", job_done),
        ("event_refused_set", refused),
        ("event_tlast_set", misplaced),
        ("refused_cause", refused_cause),
        ("refused_word", refused_word),
    ]);
    if lanes.stages.requantise.is_some() {
        bank_bindings.push((SATURATIONS, port(SATURATIONS)));
    }
    if let Some(memory) = memory {
        bank_bindings.extend([
            ("state_memory", memory.under_way),
            ("event_read_error_set", memory.read_failed),
            ("event_write_error_set", memory.write_failed),
            ("command_clear_error", memory.clear_error),
            ("bus_error", memory.error_stream),
            ("bus_error_address", memory.error_address),
        ]);
    }
    bank_bindings.extend([
        ("counter_read", count_read),
        ("counter", asked),
        ("count", count),
    ]);
    m.instance("u_registers", bank(name, &map), bank_bindings);
    Programmable {
        module: m,
        map,
        table,
    }
}

/// Streams and kinds of a misplaced `tlast`, in the order of the error causes.
const MISPLACED_NAMES: [&str; 6] = [
    "data_early",
    "data_missing",
    "data_late",
    "weight_early",
    "weight_missing",
    "weight_late",
];

/// The streams beside the results.
fn side_names(stages: &Stages) -> Vec<&'static str> {
    let all = [(stages.accumulate, "accumulate"), (stages.mask, "mask")];
    let there = all.into_iter().filter(|(is_there, _)| *is_there);
    there.map(|(_, name)| name).collect()
}

/// What is shown of each stream: a name, what it means, and the stream. One that goes in is starved, one that comes out
/// stalled. Those that are options are the last.
fn stream_states(stages: &Stages) -> Vec<(String, String, String)> {
    let starved = |name: &str| {
        (
            format!("{name}_starved"),
            format!("a beat of {name} would be taken and none is offered"),
            format!("s_axis_{name}"),
        )
    };
    let mut all = vec![
        starved("data"),
        starved("weight"),
        (
            "result_stalled".to_owned(),
            "a beat of results is offered and not taken".to_owned(),
            "m_axis_result".to_owned(),
        ),
    ];
    all.extend(side_names(stages).into_iter().map(starved));
    all
}

/// The counters, in the order of their events. Those of the streams that are options are the last, so that
/// the others have the same addresses in every engine.
fn counted(stages: &Stages) -> Vec<Counted> {
    let count = |name: &str, words, what: &str| Counted {
        name: name.to_owned(),
        words,
        what: what.to_owned(),
    };
    let mut all = vec![
        count("cycles", 2, "cycles in which a job ran"),
        count("frames_done", 1, "frames whose last beat was taken"),
        count("jobs_done", 1, "jobs whose last frame was done"),
        count(
            "data_waits",
            1,
            "cycles in which a beat of data was not taken",
        ),
        count(
            "weight_waits",
            1,
            "cycles in which a beat of weights was not taken",
        ),
        count(
            "result_waits",
            1,
            "cycles in which a beat of results was not taken",
        ),
    ];
    all.extend(MISPLACED_NAMES.map(|name| {
        let what = format!("tlasts of {}", name.replace('_', " "));
        count(&format!("tlast_{name}"), 1, &what)
    }));
    for name in side_names(stages) {
        let what = format!("cycles in which a beat of {name} was not taken");
        all.push(count(&format!("{name}_waits"), 1, &what));
        all.extend(["early", "missing", "late"].map(|kind| {
            let what = format!("tlasts of {name} {kind}");
            count(&format!("tlast_{name}_{kind}"), 1, &what)
        }));
    }
    all
}

fn field(name: &str, low: usize, width: usize, value: u64, doc: &str) -> Field {
    Field {
        name: name.to_owned(),
        low,
        width,
        // The limits of validation keep every number of an engine below 32 bits.
        value: value as u32,
        doc: doc.to_owned(),
    }
}

fn register(name: &str, offset: u64, kind: Kind, doc: &str, fields: Vec<Field>) -> Register {
    Register {
        name: name.to_owned(),
        offset,
        kind,
        doc: doc.to_owned(),
        fields,
        series: None,
    }
}

fn register_map(name: &str, limits: &Limits, lanes: &Lanes, table: &JobTable) -> RegisterMap {
    let constant =
        |name: &str, offset, doc: &str, fields| register(name, offset, Kind::Constant, doc, fields);
    let number = |value, doc: &str| vec![field("value", 0, 32, value, doc)];
    let version = |part: &str| part.parse().unwrap_or(0);
    let pair = |most: fn(&AxisLimits) -> u64| {
        vec![
            field("rows", 0, 16, most(&limits.axes[0]), "along the rows"),
            field("cols", 16, 16, most(&limits.axes[1]), "along the columns"),
        ]
    };
    let mut misplaced =
        "a tlast was misplaced: data early, missing, late; weight early, missing, late".to_owned();
    for name in side_names(&lanes.stages) {
        misplaced += &format!("; {name} early, missing, late");
    }
    let memory = Memory::of(limits, lanes);
    let done = match memory {
        None => "a job's last frame is done",
        Some(_) => "a job's results are in memory",
    };
    let events = || {
        let mut events = vec![
            field("job_done", 0, 1, 0, done),
            field("refused", 1, 1, 0, "a job was refused"),
        ];
        if memory.is_some() {
            let of_memory = Memory::EVENTS.iter().zip(2..);
            events.extend(of_memory.map(|((name, doc), bit)| field(name, bit, 1, 0, doc)));
        }
        events.push(field("tlast", 8, cause_bits(lanes), 0, &misplaced));
        events
    };
    let mut registers = vec![
        constant(
            "id",
            0x00,
            "marks the engine",
            number(ID.into(), "\"BPAE\""),
        ),
        constant(
            "version",
            0x04,
            "version of the generator",
            vec![
                field(
                    "patch",
                    0,
                    8,
                    version(env!("CARGO_PKG_VERSION_PATCH")),
                    "z of x.y.z",
                ),
                field(
                    "minor",
                    8,
                    8,
                    version(env!("CARGO_PKG_VERSION_MINOR")),
                    "y of x.y.z",
                ),
                field(
                    "major",
                    16,
                    8,
                    version(env!("CARGO_PKG_VERSION_MAJOR")),
                    "x of x.y.z",
                ),
            ],
        ),
        constant(
            "lanes",
            0x08,
            "multipliers",
            vec![
                field("simd", 0, 16, lanes.simd as u64, "lanes over K"),
                field("pe", 16, 16, lanes.pe as u64, "lanes over C"),
            ],
        ),
        constant(
            "types",
            0x0c,
            "bits of values",
            vec![
                field("grad", 0, 8, lanes.grad_bits as u64, "of grad_output"),
                field("weight", 8, 8, lanes.weight_bits as u64, "of weights"),
                field("acc", 16, 8, lanes.acc_bits as u64, "of the accumulator"),
                field(
                    "out",
                    24,
                    8,
                    lanes.out_bits() as u64,
                    "of a result on its stream",
                ),
            ],
        ),
        constant(
            "weight_words",
            0x10,
            "limit",
            number(limits.weight_words, "words of a set of weights"),
        ),
        constant(
            "line_words",
            0x14,
            "limit",
            number(limits.line_words, "words of the line buffer"),
        ),
        constant("size", 0x18, "limit: H, W, P and Q", pair(|axis| axis.size)),
        constant("kernel", 0x1c, "limit: R and S", pair(|axis| axis.kernel)),
        constant(
            "steps",
            0x20,
            "limit: lines of the program of an axis",
            pair(|axis| axis.steps),
        ),
        constant(
            "zero_run",
            0x24,
            "limit",
            number(limits.zero_run, "beats without a tap in a row"),
        ),
        constant(
            "fifo_results",
            0x28,
            "size",
            number(limits.fifo_results, "results in the output FIFO"),
        ),
        constant(
            "table_words",
            0x2c,
            "size",
            number(table.word_count() as u64, "words of the table of a job"),
        ),
    ];
    if let Some(pixels) = limits.pixels {
        let lanes = field(
            "lanes",
            0,
            16,
            pixels.lanes,
            "over pixels, in columns of a beat",
        );
        let comment = "limit: beats of a stretch of a row";
        let beats = field("stretch_beats", 16, 16, pixels.stretch_beats, comment);
        registers.push(constant(
            "pixels",
            PIXELS,
            "multipliers",
            vec![lanes, beats],
        ));
    }
    if lanes.stages.any() || lanes.zero_point {
        registers.push(stages(lanes));
    }
    if lanes.stages.for_channels() {
        let what = match lanes.stages.bias {
            None => "beats of scales, of one pixel of the result",
            Some(_) => "beats of scales and biases, of one pixel of the result",
        };
        registers.push(constant(
            "scale_words",
            0x34,
            "limit",
            number(limits.scale_words, what),
        ));
    }
    registers.push(passes());
    let mut commands = vec![
        field("start", 0, 1, 0, "the job in the table is whole"),
        field(
            "abort",
            1,
            1,
            0,
            "end the job that runs, drop those that come next",
        ),
        field("clear_counters", 2, 1, 0, "set all counters to zero"),
    ];
    let mut states = vec![
        field("running", 0, 1, 0, "a job runs"),
        field(
            "waiting",
            1,
            1,
            0,
            "a job waits in the table, which is locked",
        ),
        field(
            "checking",
            2,
            1,
            0,
            "a job is being checked; the table is locked",
        ),
        field("busy", 3, 1, 0, "a frame is in the engine"),
        field(
            "next",
            4,
            1,
            0,
            "a job comes next; its weights are taken meanwhile",
        ),
    ];
    if memory.is_some() {
        let what = "forget the bus error, so that the next one is shown";
        commands.push(field("clear_error", 3, 1, 0, what));
        let what = "something is to be read, written or answered";
        states.push(field("memory", 5, 1, 0, what));
    }
    registers.extend([
        register("command", 0x40, Kind::Command, "what to do", commands),
        register("state", 0x44, Kind::Status, "what happens", states),
        register(
            "event",
            0x48,
            Kind::Event {
                enable: Some(EVENT_ENABLE),
            },
            "what happened",
            events(),
        ),
        register(
            "event_enable",
            EVENT_ENABLE,
            Kind::Control,
            "which events interrupt",
            events(),
        ),
        register(
            "refused",
            0x50,
            Kind::Status,
            "why the latest job was refused",
            vec![
                field(
                    "cause",
                    0,
                    CAUSE_BITS,
                    0,
                    &format!(
                        "0: none was; 1: {}; 2: {}",
                        REFUSED_CAUSES[0], REFUSED_CAUSES[1]
                    ),
                ),
                field(
                    "word",
                    8,
                    table.index_bits().iter().sum(),
                    0,
                    "first word of the table that was too large, with cause 2",
                ),
            ],
        ),
    ]);
    registers.push(register(
        "streams",
        STREAMS,
        Kind::Status,
        "what the streams do at this moment",
        stream_states(&lanes.stages)
            .iter()
            .enumerate()
            .map(|(bit, (name, what, _))| field(name, bit, 1, 0, what))
            .collect(),
    ));
    let mut offset = COUNTERS;
    for Counted { name, words, what } in counted(&lanes.stages) {
        let parts: Vec<(String, String)> = match words {
            1 => vec![(name, what)],
            _ => vec![
                (format!("{name}_low"), format!("{what}, bits 31 to 0")),
                (format!("{name}_high"), format!("{what}, bits 63 to 32")),
            ],
        };
        for (name, what) in parts {
            let fields = vec![field("count", 0, REGISTER_BITS, 0, &what)];
            let word = ((offset - COUNTERS) / 4) as usize;
            registers.push(register(
                &name,
                offset,
                Kind::Counter { word },
                "counter",
                fields,
            ));
            offset += 4;
        }
    }
    if lanes.stages.requantise.is_some() {
        let what = "results that did not fit their type, also of beats that have yet to leave";
        let fields = vec![field("count", 0, COUNT_BITS, 0, what)];
        registers.push(register(
            SATURATIONS,
            offset,
            Kind::Status,
            "counter",
            fields,
        ));
    }
    registers.extend(memory.iter().flat_map(Memory::registers));
    registers.sort_by_key(|register| register.offset);
    // The low bits of an address are then the word's index, however large the table is.
    let table_bytes = 4 * table.word_count() as u64;
    registers.extend(table.registers(TABLE.max(table_bytes)));
    RegisterMap::new(
        name,
        "An engine for the passes of a convolution that is told its layer at run time. What moves through it is called data, what stays \
         weight and what it makes result, whatever the pass of a job. Words of a job have the names of the data gradient: data are grad_output there, results grad_input.",
        registers,
    )
}

/// What software may tell a job of. Each of them is a program to the hardware, so that every engine has all.
fn passes() -> Register {
    let all = [Arrays::GRAD_INPUT, Arrays::FORWARD, Arrays::GRAD_WEIGHT];
    let names = ["grad_input", "forward", "grad_weight"];
    let fields = all.iter().zip(names).enumerate().map(|(bit, (arrays, name))| {
        let [moving, stationary] = [arrays.moving.name, arrays.stationary.name];
        let doc = format!(
            "whether jobs can make {} of {moving} (on s_axis_data) and {stationary} (on s_axis_weight)",
            arrays.result.name
        );
        field(name, bit, 1, 1, &doc)
    });
    register(
        "passes",
        0x38,
        Kind::Constant,
        "passes of a convolution that jobs can be of",
        fields.collect(),
    )
}

/// What stands behind the accumulators and ahead of the line buffer, in an engine that has any of it.
fn stages(lanes: &Lanes) -> Register {
    let stages = &lanes.stages;
    let number = |name: &str, low, width, value: usize, doc: &str| {
        field(name, low, width, value as u64, doc)
    };
    let accumulate = match stages.accumulate {
        true => lanes.accumulate_bits() - 1,
        false => 0,
    };
    let mut fields = vec![
        number(
            "accumulate",
            0,
            8,
            accumulate,
            "bits of a value of accumulate, 0 without that stream",
        ),
        number("mask", 8, 1, stages.mask.into(), "whether there is a mask"),
    ];
    if let Some(requantise) = &stages.requantise {
        let rounding = match requantise.rounding {
            Rounding::NearestEven => 1,
            Rounding::Floor => 2,
            Rounding::Stochastic => 3,
        };
        let channel = requantise.per_channel;
        fields.extend([
            number(
                "rounding",
                9,
                2,
                rounding,
                "1: to the nearest, 2: down, 3: at random",
            ),
            number(
                "per_channel",
                11,
                1,
                channel.into(),
                "whether each channel has a scale",
            ),
            number("scale_bits", 12, 5, requantise.scale_bits, "of a scale"),
            number("shift", 24, 6, requantise.shift, "the greatest"),
        ]);
        if requantise.clamps {
            let what = "whether results have a zero point, and bounds";
            fields.push(number("activation", 31, 1, 1, what));
        }
    }
    if let Some(bias_bits) = stages.bias {
        let what = "bits of a bias of each channel, in the beats of scales";
        fields.push(number("bias", 17, 6, bias_bits, what));
    }
    if lanes.zero_point {
        let what = "whether data have a zero point";
        fields.push(number("zero_point", 30, 1, 1, what));
    }
    fields.sort_by_key(|field| field.low);
    register(
        "stages",
        0x30,
        Kind::Constant,
        "stages between the accumulators and the result",
        fields,
    )
}
