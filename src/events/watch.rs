//! The events of the hardware, watched in the simulated Verilog and held against the model's.

use std::fmt::Write as _;

use bpa_sim::{Cache, Instance, Model, ModelSpec, Pin, SimError};
use ndarray::Axis;

use super::{Findings, Kind, Parting, Place, Replay};
use crate::arrays::Arrays;
use crate::interface::{ports, settings, Direction, Streams, ROUNDING_SEED};
use crate::plan::Plan;
use crate::run::{
    frame_beats, last_flags, model_spec, stationary_set, MOVING_SOURCE, STATIONARY_SOURCE,
};

/// The pin that tells the events of the cycle before, a bit a kind.
const EVENTS: &str = "events";
/// Cycles of reset.
const RESET_CYCLES: u64 = 4;
/// Cycles from the last stationary beat to the first frame.
const SETTLE_CYCLES: u64 = 16;
/// An event that is so much too late does not come.
const LATE_CYCLES: i64 = 100_000;

/// Compiles this Verilog of the plan's engine in a module that watches it; the design itself stays as it is.
///
/// # Errors
/// A tool is missing or fails.
pub fn watched(plan: &Plan, verilog: &str, cache: &Cache) -> Result<Model, SimError> {
    let events = format!(
        "\
    {EVENTS}[0] <= engine.u_core.token_valid & engine.u_core.token_ready;
    {EVENTS}[1] <= engine.u_core.acc_last;
    {EVENTS}[2] <= {result}_tvalid & {result}_tready;
",
        result = Streams::new(plan).names.result,
    );
    let pins = vec![Pin::new(EVENTS, Kind::ALL.len())];
    Model::build(&inside(plan, verilog, "watched", pins, &events), cache)
}

/// A model of this Verilog of the plan's engine in a module NAME_`suffix`, in which the engine is called `engine`. It has
/// these pins more, which take what `assigned` says just before each edge.
pub(super) fn inside(
    plan: &Plan,
    verilog: &str,
    suffix: &str,
    pins: Vec<Pin>,
    assigned: &str,
) -> ModelSpec {
    let mut spec: ModelSpec = model_spec(plan, verilog);
    let engine = std::mem::take(&mut spec.top);
    spec.top = format!("{engine}_{suffix}");
    let watcher = watcher(plan, &spec.top, &pins, assigned);
    spec.verilog = format!("{watcher}\n{verilog}");
    spec.pins_out.extend(pins);
    spec
}

fn watcher(plan: &Plan, name: &str, pins: &[Pin], assigned: &str) -> String {
    let (mut declared, mut bound) = (String::new(), Vec::new());
    for port in ports(plan) {
        let direction = match port.direction {
            Direction::Input => "input ",
            Direction::Output => "output",
        };
        let (high, name) = (port.width - 1, port.name);
        let _ = writeln!(declared, "  {direction} wire [{high}:0] {name},");
        bound.push(format!("    .{name}({name})"));
    }
    let pins: Vec<String> = pins
        .iter()
        .map(|pin| format!("  output reg [{}:0] {}", pin.bits - 1, pin.name))
        .collect();
    format!(
        "module {name} (
{declared}{pins}
);
  {engine} engine (
{bound}
  );
  // As just before the edge, where a token and a beat move.
  always @(posedge aclk) begin
{assigned}  end
endmodule
",
        pins = pins.join(",\n"),
        engine = plan.layer().name(),
        bound = bound.join(",\n"),
    )
}

/// Runs the arrays through a [`watched`] engine without stalls, and finds the first event that comes in another cycle than
/// the model has it. `progress` is called now and then with the cycles that were run.
///
/// # Errors
/// The bridge fails.
///
/// # Panics
/// If the arrays are of another layer.
pub fn compare(
    plan: &Plan,
    hardware: &Model,
    mut model: Replay,
    arrays: &Arrays,
    progress: &mut dyn FnMut(u64),
) -> Result<Findings, SimError> {
    let mut instance = hardware.instance(0);
    offer(&mut instance, plan, arrays, &mut |_| Ok(()))?;
    let frames = arrays.moving.len_of(Axis(0)) as u64;
    let mut kinds = Kind::ALL.map(|kind| Events {
        kind,
        count: 0,
        of: frames * Place::in_frame(model.walk(), kind),
        next: model.next(kind),
    });
    let mut parting: Option<usize> = None;
    let mut hardware_at = None;
    while parting.is_some() || kinds.iter().any(|events| events.count < events.of) {
        instance.run(1, None);
        if instance.cycle() % (1 << 14) == 0 {
            progress(instance.cycle());
        }
        let Some(first) = instance.source(MOVING_SOURCE).first_cycle() else {
            continue;
        };
        let now = instance.cycle() as i64 - 1 - first as i64;
        let seen = instance.peek(EVENTS)?;
        let happens = |kind: Kind| seen >> kind as usize & 1 != 0;
        if let Some(index) = parting {
            // One that is late is waited for.
            let events = &kinds[index];
            let comes = happens(events.kind);
            if comes || now > events.next + LATE_CYCLES {
                hardware_at = comes.then_some(now);
                break;
            }
            continue;
        }
        for (index, events) in kinds.iter_mut().enumerate() {
            let due = events.count < events.of && events.next == now;
            match (happens(events.kind), due) {
                (true, true) => {
                    events.count += 1;
                    events.next = model.next(events.kind);
                }
                (false, false) => {}
                (found, _) => {
                    hardware_at = found.then_some(now);
                    parting = Some(index);
                    break;
                }
            }
        }
        if hardware_at.is_some() {
            break;
        }
    }
    let parting = parting.map(|index| {
        let events = &kinds[index];
        Parting {
            event: events.kind,
            index: events.count,
            place: Place::of(model.walk(), events.kind, events.count),
            model: (events.count < events.of).then_some(events.next),
            hardware: hardware_at,
        }
    });
    let [tokens, issues, results] = kinds.map(|events| events.count);
    Ok(Findings {
        tokens,
        issues,
        results,
        parting,
    })
}

/// The events of a kind.
struct Events {
    kind: Kind,
    /// Those that agree, of how many.
    count: u64,
    of: u64,
    /// When the model has the next one.
    next: i64,
}

/// Gives the stationary set, waits until it is in place, and offers all frames. `watch` is called behind each cycle.
pub(super) fn offer(
    instance: &mut Instance,
    plan: &Plan,
    arrays: &Arrays,
    watch: &mut dyn FnMut(&mut Instance) -> Result<(), SimError>,
) -> Result<(), SimError> {
    if settings(plan).contains(&ROUNDING_SEED) {
        let seed = arrays.stages.rounding_seed;
        instance.poke(ROUNDING_SEED.name, seed.into())?;
    }
    instance.reset(RESET_CYCLES);
    let streams = Streams::new(plan);
    let set = stationary_set(plan, arrays);
    let mut source = instance.source(STATIONARY_SOURCE);
    source.load(&set, &last_flags(streams.stationary))?;
    // A beat a cycle, and some at the beginning.
    for _ in 0..streams.stationary.beats + SETTLE_CYCLES {
        instance.run(1, None);
        watch(instance)?;
    }
    for (index, (name, format)) in streams.inputs().into_iter().enumerate() {
        if name == streams.names.stationary {
            continue;
        }
        for n in 0..arrays.moving.len_of(Axis(0)) {
            let beats = frame_beats(plan, arrays, name, n);
            let flags = last_flags(format);
            instance.source(index).load(&beats, &flags)?;
        }
    }
    Ok(())
}
