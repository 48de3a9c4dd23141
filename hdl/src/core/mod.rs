//! The core: every block of the engine, told of its layer by configuration inputs alone.

use crate::config::arrays::Arrays;
use crate::config::capacity::Capacity;
use crate::config::descriptor::Lanes;
use crate::config::inputs::{Config, Turn};
use crate::issue::issue_loop;
use crate::lanes::mac::{lane_cycles, mac_array};
use crate::primitives::delay::delayed;
use crate::primitives::memory::{read_ahead_memory, MEMORY_CYCLES};
use crate::primitives::target::Target;
use crate::rtl::{bits_for, lit, Expr, Module};
use crate::stages::nets::{side_bindings, ResultNets, ScaleNets};
use crate::stages::{
    output_stages, stage_beats, CLEAR_SATURATIONS, CLEAR_SATURATIONS_DOC, STREAMS_ARESETN,
};
use crate::streams::grad_port::grad_port;
use crate::streams::result_port::{result_port, CLOSES};
use crate::walk::{pixel_walk, token_queue, TokenWidths};
use crate::weights::load::weight_load;
use crate::weights::port::weight_port;
use crate::weights::swap::weight_swap;

mod frames_inside;
mod streams;

use frames_inside::FramesInside;
pub(crate) use streams::cause_bits;
pub use streams::Streams;

/// Says what the core is, and how its arrays go through it.
fn doc(arrays: &Arrays) -> String {
    let Arrays {
        moving,
        stationary,
        result,
    } = arrays;
    let width = moving.name.len().max(stationary.name.len()) + 2;
    let arrow = |name: &str| format!("{name} {:-<1$}>", "", width - 1 - name.len());
    format!(
        "\
Core: streams in and out, what the layer is on the cfg_ inputs (steady while frames pass).

  {} grad port -> line buffer -+
  {} weight port -> weights ---+-> lanes -> output FIFO -> {}
  pixel walk -> token queue -> issue loop -'",
        arrow(moving.name),
        arrow(stationary.name),
        result.name
    )
}

/// Input of a core that is told how many frames to take.
pub(crate) const FRAMES_LESS_1: &str = "frames_less_1";
/// Output of such a core: it has taken them.
pub(crate) const ALL_TAKEN: &str = "all_taken";
/// Input of such a core: it may take the next job's.
pub(crate) const FRAMES_BEGIN: &str = "frames_begin";
/// Input of such a core: what it takes is for the job after the one that runs.
pub(crate) const AHEAD: &str = "frames_ahead";
/// Output of such a core: a pulse for each misplaced `tlast`.
pub(crate) const MISPLACED: &str = "tlast_misplaced";
/// Input of such a core: the reset between two jobs, of all that computes one.
pub(crate) const JOB_ARESETN: &str = "job_aresetn";
/// Inputs and outputs of such a core between its jobs and its weights.
pub(crate) const WEIGHT_PINS: [(&str, bool, &str); 4] = [
    ("next_told", true, "the next job's set of weights may begin"),
    ("weights_begin", false, "pulse: it does"),
    ("takes_over", true, "pulse: the next job runs"),
    ("job_ends", true, "pulse: the job that ran is done"),
];

/// Builds the core of the engine `name`.
pub fn core(
    name: &str,
    capacity: &Capacity,
    lanes: &Lanes,
    target: Target,
    config: &mut Config,
) -> Module {
    let mut m = Module::new(format!("{name}_core"), doc(&capacity.arrays));
    m.input("aclk", 1, "");
    let aresetn = m.input("aresetn", 1, "synchronous, active low");
    let streams = Streams::of(capacity, lanes);
    let ports = streams.declare(&mut m);
    let port = |wanted: &str| -> Expr {
        streams
            .bindings(&ports)
            .into_iter()
            .find(|(name, _)| *name == wanted)
            .map_or_else(|| unreachable!("no port {wanted}"), |(_, port)| port)
    };
    let arrays = capacity.arrays;
    let moving = |pin: &str| port(&format!("{}_{pin}", arrays.moving_stream()));
    let stationary = |pin: &str| port(&format!("{}_{pin}", arrays.stationary_stream()));
    let result = |pin: &str| port(&format!("{}_{pin}", arrays.result_stream()));
    let line_width = bits_for(capacity.line_words - 1);
    let weight_width = bits_for(capacity.weight_words - 1);
    let t = TokenWidths::of(capacity);
    let cause_bits = cause_bits(lanes);
    // Between two jobs the blocks that compute one are reset; the weights of the next go on coming.
    let job_reset = capacity.frames.map(|_| {
        let comment = "synchronous, active low: between two jobs";
        m.input(JOB_ARESETN, 1, comment)
    });
    let of_job = |mut bindings: Vec<(&'static str, Expr)>| {
        bindings.extend(job_reset.clone().map(|reset| ("aresetn", reset)));
        bindings
    };
    let scale_words = lanes.stages.scale_words(capacity);

    // Pixel walk and token queue.
    let weights_ready = m.net("weights_ready", 1, "");
    let frame_begin = m.net("frame_begin", 1, "");
    // In an engine of jobs, which pixels there are for the one that runs; else that there is one more.
    let arrived = match capacity.frames {
        Some(_) => m.net("stored", t.need, ""),
        None => m.net("arrived", 1, ""),
    };
    let job_begin = capacity
        .frames
        .map(|_| m.net("job_begin", t.address, "where its pixels begin"));
    let walk_valid = m.net("walk_valid", 1, "");
    let walk_ready = m.net("walk_ready", 1, "");
    let walk_token = m.net("walk_token", t.bits(), "");
    let token_valid = m.net("token_valid", 1, "");
    let token_ready = m.net("token_ready", 1, "");
    let token = m.net("token", t.bits(), "");
    let weight_base = capacity
        .weight_ring
        .then(|| ("weight_base", m.net("weight_base", t.weight, "")));
    let mut bindings = of_job(vec![
        ("token_valid", walk_valid.clone()),
        ("token_ready", walk_ready.clone()),
        ("token", walk_token.clone()),
    ]);
    bindings.extend(weight_base.clone());
    bindings.extend(job_begin.clone().map(|begin| ("job_begin", begin)));
    m.instance(
        "u_walk",
        pixel_walk(&format!("{name}_walk"), capacity, &t, target, config),
        bindings,
    );
    m.instance(
        "u_tokens",
        token_queue(&format!("{name}_tokens"), capacity, &t),
        of_job(vec![
            ("in_valid", walk_valid),
            ("in_ready", walk_ready),
            ("in_token", walk_token),
            (
                match capacity.frames {
                    Some(_) => "stored",
                    None => "arrived",
                },
                arrived.clone(),
            ),
            ("weights_ready", weights_ready.clone()),
            ("out_valid", token_valid.clone()),
            ("out_ready", token_ready.clone()),
            ("out_token", token.clone()),
        ]),
    );

    // grad_output into the line buffer.
    let grad_data = moving("tdata");
    let grad_write = m.net("grad_write", 1, "");
    let grad_write_data = m.net("grad_write_data", lanes.grad_word_bits(), "");
    let grad_write_address = m.net("grad_write_address", line_width, "");
    let free_less_1 = m.net("free_less_1", t.free, "");
    let misplaced = m.net("misplaced", cause_bits, "a tlast, by stream and kind");
    let mut bindings = vec![
        ("tvalid", moving("tvalid")),
        ("tready", moving("tready")),
        ("tlast", moving("tlast")),
        ("tdata", grad_data.slice(0, lanes.grad_word_bits())),
        ("write_data", grad_write_data.clone()),
        ("write", grad_write.clone()),
        ("write_address", grad_write_address.clone()),
        ("free_less_1", free_less_1.clone()),
        ("frame_begin", frame_begin.clone()),
        ("tlast_early", misplaced.bit(0)),
        ("tlast_missing", misplaced.bit(1)),
        ("tlast_late", misplaced.bit(2)),
    ];
    if let Some(most) = capacity.frames {
        let frames = m.input(
            FRAMES_LESS_1,
            bits_for(most - 1),
            "frames to take, less one",
        );
        let all_taken = m.output(ALL_TAKEN, 1, "the last beat of the last one was taken");
        let begins = m.input(FRAMES_BEGIN, 1, "pulse: the next job's may be taken");
        let ahead = m.input(AHEAD, 1, "they are taken while the job before runs");
        bindings.extend([
            (FRAMES_LESS_1, frames),
            (ALL_TAKEN, all_taken),
            (FRAMES_BEGIN, begins),
            (AHEAD, ahead),
        ]);
    }
    bindings.extend(match &job_begin {
        Some(begin) => vec![("stored", arrived), ("job_begin", begin.clone())],
        None => vec![("arrived", arrived)],
    });
    let grad_port = config.in_turn(Turn::Taken, |config| {
        let name = format!("{name}_grad");
        grad_port(&name, capacity, &t, lanes.grad_word_bits(), target, config)
    });
    m.instance("u_grad", grad_port, bindings);
    let grad_address = m.net("grad_address", line_width, "");
    let grad_word = m.net("grad_word", lanes.grad_word_bits(), "");
    m.instance(
        "u_line_buffer",
        read_ahead_memory(
            &format!("{name}_line_buffer"),
            capacity.line_words,
            lanes.grad_word_bits(),
            target,
        ),
        vec![
            ("write", grad_write),
            ("write_address", grad_write_address),
            ("write_data", grad_write_data),
            ("read_address", grad_address.clone()),
            ("read_data", grad_word.clone()),
        ],
    );
    padding_bits(&mut m, "grad_padding", &grad_data, lanes.grad_word_bits());

    // Weights.
    let sets = usize::from(capacity.two_weight_sets);
    let weight_write = m.net("weight_write", 1, "");
    let weight_write_address = m.net("weight_write_address", weight_width + sets, "");
    let frame_state = if capacity.two_weight_sets {
        "frame_start"
    } else {
        "frame_busy"
    };
    let frame_state = (frame_state, m.net(frame_state, 1, ""));
    let weight_set = capacity.two_weight_sets.then(|| m.net("weight_set", 1, ""));
    let mut bindings = vec![
        ("tvalid", stationary("tvalid")),
        ("tready", stationary("tready")),
        ("tlast", stationary("tlast")),
        ("write", weight_write.clone()),
        ("write_address", weight_write_address.clone()),
        ("weights_ready", weights_ready.clone()),
        ("tlast_early", misplaced.bit(3)),
        ("tlast_missing", misplaced.bit(4)),
        ("tlast_late", misplaced.bit(5)),
    ];
    let weight_name = format!("{name}_weight");
    let weight_port = match &weight_set {
        Some(set) => {
            bindings.extend([frame_state.clone(), ("in_use", set.clone())]);
            weight_swap(&weight_name, weight_width, scale_words, config)
        }
        None if capacity.weight_ring => {
            m.unused("frame_busy", &frame_state.1);
            bindings.extend(WEIGHT_PINS.map(|(name, inward, comment)| {
                let pin = match inward {
                    true => m.input(name, 1, comment),
                    false => m.output(name, 1, comment),
                };
                (name, pin)
            }));
            bindings.extend(weight_base);
            config.in_turn(Turn::Known, |config| {
                weight_load(&weight_name, weight_width, scale_words, target, config)
            })
        }
        None => {
            bindings.push(frame_state.clone());
            weight_port(&weight_name, weight_width, scale_words, config)
        }
    };
    let scale = ScaleNets::new(&mut m, scale_words, capacity.weight_ring);
    bindings.extend(scale.iter().flat_map(ScaleNets::at_weight_port));
    m.instance("u_weight", weight_port, bindings);
    let weight_address = m.net("weight_address", weight_width + sets, "");
    let weight_word = m.net("weight_word", lanes.weight_word_bits(), "");
    let weight_data = stationary("tdata");
    let weight_bits = lanes.weight_word_bits();
    let (stored_weights, taken_bits) = if capacity.reaches {
        (weight_data.slice(0, weight_bits), weight_bits)
    } else {
        // No tap reaches any pixel: the gradient is zero whatever the weights are.
        (lit(0, 1).sext(weight_bits), 0)
    };
    // A register ahead of the memory, so that neither the stream nor the port's count has its banks on its way.
    let store = |m: &mut Module, name: &str, value: &Expr, reset: bool| {
        let stored = match reset {
            true => m.reg(name, value.width(), 0, ""),
            false => m.data_reg(name, value.width(), ""),
        };
        m.comb(|b| b.set(&stored.d, value));
        stored.q
    };
    let weight_write = store(&mut m, "weight_stored", &weight_write, true);
    let weight_write_address = store(
        &mut m,
        "weight_stored_address",
        &weight_write_address,
        false,
    );
    let stored_weights = store(&mut m, "weight_stored_word", &stored_weights, false);
    m.instance(
        "u_weights",
        read_ahead_memory(
            &format!("{name}_weights"),
            capacity.weight_memory_words(),
            lanes.weight_word_bits(),
            target,
        ),
        vec![
            ("write", weight_write),
            ("write_address", weight_write_address),
            ("write_data", stored_weights),
            ("read_address", weight_address.clone()),
            ("read_data", weight_word.clone()),
        ],
    );
    let taken_bits = taken_bits.max(lanes.scale_word_bits());
    padding_bits(&mut m, "weight_padding", &weight_data, taken_bits);

    // Issue loop.
    // Where sets swap, a frame begins when its set is chosen; else when its first pixel enters.
    let frame_enters = match capacity.two_weight_sets {
        true => frame_state.1.clone(),
        false => &token_ready & t.field(&token, "frame_first"),
    };
    let taken = m.net("taken", 1, "");
    let acc_first = m.net("acc_first", 1, "");
    let acc_last = m.net("acc_last", 1, "");
    let frame_last = m.net("frame_last", 1, "");
    let mut bindings = vec![
        ("token_valid", token_valid),
        ("token_ready", token_ready.clone()),
        ("token", token),
        frame_state,
        ("free_less_1", free_less_1),
        ("taken", taken.clone()),
        ("grad_address", grad_address),
        ("weight_address", weight_address),
        ("acc_first", acc_first.clone()),
        ("acc_last", acc_last.clone()),
        ("frame_last", frame_last.clone()),
    ];
    let skip = t.skip.map(|width| {
        vec![
            ("skip_write", m.net("skip_write", 1, "")),
            ("skip_beats", m.net("skip_beats", width, "")),
        ]
    });
    let weight_set = weight_set.map(|set| ("weight_set", set));
    let weight_set_at_stages = weight_set.clone();
    bindings.extend(weight_set);
    bindings.extend(skip.clone().into_iter().flatten());
    m.instance(
        "u_issue",
        issue_loop(
            &format!("{name}_issue"),
            capacity,
            &t,
            weight_width,
            target,
            config,
        ),
        of_job(bindings),
    );

    // Multipliers; the flags of an issue travel beside it.
    let acc_bits = lanes.pe * lanes.acc_bits;
    let acc = m.net("acc", acc_bits, "");
    let to_acc = MEMORY_CYCLES + lane_cycles(lanes.simd) - 1;
    let first_at_acc = delayed(&mut m, "first", &acc_first, to_acc, false);
    let last_at_fifo = delayed(&mut m, "last", &acc_last, to_acc + 1, true);
    let frame_last_at_fifo = delayed(&mut m, "frame_last", &frame_last, to_acc + 1, false);
    m.instance(
        "u_lanes",
        mac_array(name, lanes, target),
        vec![
            ("grad", grad_word),
            ("weight", weight_word),
            ("acc_first", first_at_acc),
            ("acc", acc.clone()),
        ],
    );

    // Results.
    let out_data = m.net("out_data", lanes.pe * lanes.result_bits(), "");
    let frame_done = port("frame_done");
    let closes = capacity
        .frames
        .map(|_| m.input(CLOSES, 1, "the job's last frame is done"));
    let mut out_stream = vec![
        ("tvalid", result("tvalid")),
        ("tready", result("tready")),
        ("tdata", out_data.clone()),
        ("tlast", result("tlast")),
        ("frame_done", frame_done.clone()),
    ];
    out_stream.extend(closes.clone().map(|closes| (CLOSES, closes)));
    let mut bindings = vec![
        ("write", last_at_fifo),
        ("acc", acc),
        ("frame_last", frame_last_at_fifo),
        ("taken", taken),
    ];
    if lanes.stages.any() {
        let result = ResultNets::new(&mut m, acc_bits);
        bindings.extend(result.at_result_port());
        let mut at_stages = out_stream;
        at_stages.extend(result.at_stages());
        at_stages.extend(side_bindings(&mut m, lanes, &port));
        if lanes.stages.streams() > 0 {
            let bits = 3 * lanes.stages.streams();
            at_stages.push(("misplaced", misplaced.slice(6, bits)));
            if capacity.stages_vary {
                at_stages.push((STREAMS_ARESETN, aresetn));
            }
        }
        if let Some(scale) = &scale {
            let data = weight_data.slice(0, lanes.scale_word_bits());
            at_stages.extend(scale.at_stages(&mut m, data, &frame_enters));
            at_stages.extend(weight_set_at_stages);
            at_stages.push(("saturations", port("saturations")));
            if capacity.stages_vary {
                let clear = m.input(CLEAR_SATURATIONS, 1, CLEAR_SATURATIONS_DOC);
                at_stages.push((CLEAR_SATURATIONS, clear));
            }
        }
        if lanes.stages.requantise.is_some_and(|it| it.draws()) && !capacity.stages_vary {
            at_stages.push(("rounding_seed", port("rounding_seed")));
        }
        m.instance(
            "u_stages",
            output_stages(name, capacity, lanes, target, config),
            of_job(at_stages),
        );
    } else {
        bindings.extend(out_stream);
    }
    bindings.extend(skip.into_iter().flatten());
    m.instance(
        "u_result",
        result_port(
            &format!("{name}_result"),
            capacity,
            lanes,
            t.skip,
            target,
            config,
        ),
        of_job(bindings),
    );
    let out_tdata = result("tdata");
    let (value_bits, out_bits) = (lanes.result_bits(), lanes.out_bits());
    let wide = match lanes.stages.requantise {
        Some(_) => m.net("out_wide", out_tdata.width(), "the values, then zeros"),
        None => m.net(
            "out_wide",
            out_tdata.width(),
            "each value sign-extended to bytes",
        ),
    };
    m.comb(|b| {
        for j in 0..lanes.pe {
            let value = out_data.slice(j * value_bits, value_bits);
            b.set_slice(&wide, j * out_bits, &value.sext(out_bits));
        }
        let used = lanes.pe * out_bits;
        if used < wide.width() {
            b.set_slice(&wide, used, &lit(0, wide.width() - used));
        }
    });
    m.assign(&out_tdata, &wide);

    // Status, a few cycles behind the streams.
    // In the stages, each frame has a beat at least.
    let frames_bits = bits_for(capacity.frames_inside + stage_beats(capacity, lanes, target));
    let frames = match &closes {
        Some(closes) => FramesInside::of_jobs(&mut m, frames_bits, closes),
        None => FramesInside::of_layer(&mut m, frames_bits),
    };
    let is_busy = m.reg("is_busy", 1, 0, "");
    let seen = m.reg("seen", cause_bits, 0, "");
    let cause = m.reg("cause", cause_bits, 0, "");
    let failed = m.reg("failed", 1, 0, "");
    m.comb(|b| {
        frames.step(b, &frame_begin, &frame_done);
        b.set(&is_busy.d, &(&frame_begin | frames.some()));
        b.set(&seen.d, &misplaced);
        for kind in 0..cause_bits {
            b.when(&seen.q.bit(kind), |b| {
                b.set_slice(&cause.d, kind, &lit(1, 1))
            });
        }
        b.set(&failed.d, &cause.q.any());
    });
    m.assign(&port("busy"), &is_busy.q);
    m.assign(&port("error"), &failed.q);
    m.assign(&port("error_cause"), &cause.q);
    if capacity.frames.is_some() {
        let mut comment = "pulses: grad_output early, missing, late; weight".to_owned();
        for (stream, is_there) in [
            ("accumulate", lanes.stages.accumulate),
            ("mask", lanes.stages.mask),
        ] {
            if is_there {
                comment += &format!("; {stream}");
            }
        }
        let pulses = m.output(MISPLACED, cause_bits, &comment);
        m.assign(&pulses, &seen.q);
    }
    // Numbers that a register could hold and the hardware cannot.
    for (name, most) in [
        ("weight_words_less_1", capacity.weight_words - 1),
        ("scale_words_less_1", capacity.scale_words - 1),
        ("pixel_beats_less_1", capacity.scale_words - 1),
    ] {
        config.at_most(name, most);
    }
    m
}

/// Bits of a stream beyond its values, up to the whole byte.
fn padding_bits(m: &mut Module, name: &str, data: &Expr, used: usize) {
    if data.width() > used {
        m.unused(name, &data.slice(used, data.width() - used));
    }
}
