//! The core: every block of the engine, told of its layer by configuration inputs alone.

use crate::config::arrays::Arrays;
use crate::config::capacity::Capacity;
use crate::config::descriptor::Lanes;
use crate::config::inputs::{Config, Turn};
use crate::config::pixels::Pixels;
use crate::issue::issue_loop;
use crate::primitives::memory::read_ahead_memory;
use crate::primitives::target::Target;
use crate::rtl::{bits_for, lit, Expr, Module};
use crate::stages::nets::ScaleNets;
use crate::streams::grad_port::grad_port;
use crate::streams::zero_point::zero_point;
use crate::walk::{pixel_walk, token_queue, TokenWidths};
use crate::weights::load::weight_load;
use crate::weights::port::weight_port;
use crate::weights::swap::weight_swap;

mod frames_inside;
mod pixels;
mod results;
mod streams;

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
    let mut core = Core::new(name, capacity, lanes, target);
    let line = core.line_nets();
    let weights = core.weight_nets();
    let tokens = core.walk(&line, &weights, config);
    core.grad_port(&line, config);
    core.line_buffer(&line, config);
    let scale = core.weight_port(&weights, config);
    core.weight_memory(&weights);
    let issue = core.issue_loop(&line, &weights, &tokens, config);
    let result = core.lanes(&line, &weights, &issue);
    let frame_enters = weights.frame_enters(&core.t, &tokens);
    let stages = scale.as_ref().map(|scale| (scale, &frame_enters));
    let out_data = core.results(&weights, &issue, &result, stages, config);
    core.beats_of_bytes(&out_data);
    core.status(&line.frame_begin, &result);
    // Numbers that a register could hold and the hardware cannot.
    for (name, most) in [
        ("weight_words_less_1", capacity.weight_words - 1),
        ("scale_words_less_1", capacity.scale_words - 1),
        ("pixel_beats_less_1", capacity.scale_words - 1),
    ] {
        config.at_most(name, most);
    }
    core.m
}

/// The core as it is put together.
struct Core<'a> {
    name: &'a str,
    capacity: &'a Capacity,
    lanes: &'a Lanes,
    target: Target,
    t: TokenWidths,
    m: Module,
    aresetn: Expr,
    /// Low between two jobs, where there are jobs.
    job_reset: Option<Expr>,
    streams: Streams,
    ports: Vec<Expr>,
    /// A misplaced `tlast`, by stream and kind.
    misplaced: Expr,
}

type Bindings = Vec<(&'static str, Expr)>;

/// The line buffer, and what is known of the pixels in it.
struct LineNets {
    frame_begin: Expr,
    /// In an engine of jobs, which pixels there are for the one that runs; else that there is one more.
    arrived: (&'static str, Expr),
    job_begin: Option<Expr>,
    free_less_1: Expr,
    write: Expr,
    write_address: Expr,
    write_data: Expr,
    address: Expr,
    word: Expr,
    /// With lanes over pixels: the tap and the stretch of what is read, and what is dead once that is done.
    lanes: Option<LinePlace>,
}

/// What else is told of a read by lanes over pixels.
struct LinePlace {
    tap: Expr,
    stretch: Expr,
    free_less_1: Expr,
}

/// The weight memory, and the set in it.
struct WeightNets {
    ready: Expr,
    base: Option<(&'static str, Expr)>,
    /// Whether a frame reads a set; or, where sets swap, begins to.
    frame_state: (&'static str, Expr),
    set: Option<(&'static str, Expr)>,
    write: Expr,
    write_address: Expr,
    address: Expr,
    word: Expr,
}

impl WeightNets {
    /// Where sets swap, a frame begins when its set is chosen; else when its first pixel enters.
    fn frame_enters(&self, t: &TokenWidths, tokens: &Tokens) -> Expr {
        match self.set {
            Some(_) => self.frame_state.1.clone(),
            None => &tokens.ready & t.field(&tokens.token, "frame_first"),
        }
    }
}

/// Between the token queue and the issue loop.
struct Tokens {
    valid: Expr,
    ready: Expr,
    token: Expr,
}

/// What an issue is to the lanes and the results.
struct IssueNets {
    acc_first: Expr,
    acc_last: Expr,
    frame_last: Expr,
    taken: Expr,
    skip: Bindings,
}

/// From the lanes to the results.
struct LaneNets {
    acc: Expr,
    last: Expr,
    frame_last: Expr,
    frame_done: Expr,
    /// Where there are jobs: the last frame of one is done.
    closes: Option<Expr>,
}

impl<'a> Core<'a> {
    fn new(name: &'a str, capacity: &'a Capacity, lanes: &'a Lanes, target: Target) -> Self {
        let mut m = Module::new(format!("{name}_core"), doc(&capacity.arrays));
        m.input("aclk", 1, "");
        let aresetn = m.input("aresetn", 1, "synchronous, active low");
        let streams = Streams::of(capacity, lanes);
        let ports = streams.declare(&mut m);
        let job_reset = capacity.frames.map(|_| {
            let comment = "synchronous, active low: between two jobs";
            m.input(JOB_ARESETN, 1, comment)
        });
        let comment = "a tlast, by stream and kind";
        let misplaced = m.net("misplaced", cause_bits(lanes), comment);
        Core {
            name,
            capacity,
            lanes,
            target,
            t: TokenWidths::of(capacity),
            m,
            aresetn,
            job_reset,
            streams,
            ports,
            misplaced,
        }
    }

    /// A port of the engine.
    fn port(&self, wanted: &str) -> Expr {
        self.streams.port(&self.ports, wanted)
    }

    /// A pin of a stream.
    fn pin(&self, stream: &str, pin: &str) -> Expr {
        self.port(&format!("{stream}_{pin}"))
    }

    /// Valid, ready and last of a stream in, and where its misplaced `tlast` is told.
    fn stream_in(&self, stream: &str, index: usize) -> Bindings {
        vec![
            ("tvalid", self.pin(stream, "tvalid")),
            ("tready", self.pin(stream, "tready")),
            ("tlast", self.pin(stream, "tlast")),
            ("tlast_early", self.misplaced.bit(3 * index)),
            ("tlast_missing", self.misplaced.bit(3 * index + 1)),
            ("tlast_late", self.misplaced.bit(3 * index + 2)),
        ]
    }

    /// Between two jobs the blocks that compute one are reset; the weights of the next go on coming.
    fn of_job(&self, mut bindings: Bindings) -> Bindings {
        bindings.extend(self.job_reset.clone().map(|reset| ("aresetn", reset)));
        bindings
    }

    fn line_nets(&mut self) -> LineNets {
        let Core { m, capacity, t, .. } = self;
        let line_width = bits_for(capacity.line_words - 1);
        let word_bits = self.lanes.grad_word_bits();
        LineNets {
            frame_begin: m.net("frame_begin", 1, ""),
            arrived: match capacity.frames {
                Some(_) => ("stored", m.net("stored", t.need, "")),
                None => ("arrived", m.net("arrived", 1, "")),
            },
            job_begin: capacity
                .frames
                .map(|_| m.net("job_begin", t.address, "where its pixels begin")),
            free_less_1: m.net("free_less_1", t.free, ""),
            write: m.net("grad_write", 1, ""),
            write_address: m.net("grad_write_address", line_width, ""),
            write_data: m.net("grad_write_data", word_bits, ""),
            address: m.net("grad_address", line_width, ""),
            word: m.net("grad_word", word_bits, ""),
            lanes: t.lanes.map(|[tap, stretch]| LinePlace {
                tap: m.net("tap", tap, ""),
                stretch: m.net("stretch", stretch, ""),
                free_less_1: m.net("told_free_less_1", t.free, "ahead of the banks"),
            }),
        }
    }

    fn weight_nets(&mut self) -> WeightNets {
        let Core { m, capacity, t, .. } = self;
        let two_sets = capacity.two_weight_sets;
        let width = bits_for(capacity.weight_words - 1) + usize::from(two_sets);
        let state = match two_sets {
            true => "frame_start",
            false => "frame_busy",
        };
        WeightNets {
            ready: m.net("weights_ready", 1, ""),
            base: capacity
                .weight_ring
                .then(|| ("weight_base", m.net("weight_base", t.weight, ""))),
            frame_state: (state, m.net(state, 1, "")),
            set: two_sets.then(|| ("weight_set", m.net("weight_set", 1, ""))),
            write: m.net("weight_write", 1, ""),
            write_address: m.net("weight_write_address", width, ""),
            address: m.net("weight_address", width, ""),
            word: m.net("weight_word", self.lanes.weight_word_bits(), ""),
        }
    }

    /// Pixel walk and token queue.
    fn walk(&mut self, line: &LineNets, weights: &WeightNets, config: &mut Config) -> Tokens {
        let (name, capacity) = (self.name, self.capacity);
        let mut net = |name: &str, width: usize| self.m.net(name, width, "");
        let bits = self.t.bits();
        let [walk_valid, walk_ready] = ["walk_valid", "walk_ready"].map(|name| net(name, 1));
        let walk_token = net("walk_token", bits);
        let tokens = Tokens {
            valid: net("token_valid", 1),
            ready: net("token_ready", 1),
            token: net("token", bits),
        };
        let mut bindings = self.of_job(vec![
            ("token_valid", walk_valid.clone()),
            ("token_ready", walk_ready.clone()),
            ("token", walk_token.clone()),
        ]);
        bindings.extend(weights.base.clone());
        bindings.extend(line.job_begin.clone().map(|begin| ("job_begin", begin)));
        let walk_name = format!("{name}_walk");
        let walk = pixel_walk(&walk_name, capacity, &self.t, self.target, config);
        self.m.instance("u_walk", walk, bindings);
        let bindings = self.of_job(vec![
            ("in_valid", walk_valid),
            ("in_ready", walk_ready),
            ("in_token", walk_token),
            line.arrived.clone(),
            ("weights_ready", weights.ready.clone()),
            ("out_valid", tokens.valid.clone()),
            ("out_ready", tokens.ready.clone()),
            ("out_token", tokens.token.clone()),
        ]);
        let queue = token_queue(&format!("{name}_tokens"), capacity, &self.t);
        self.m.instance("u_tokens", queue, bindings);
        tokens
    }

    /// The stream of what moves, on its way into the line buffer.
    fn grad_port(&mut self, line: &LineNets, config: &mut Config) {
        let stream = self.capacity.arrays.moving_stream();
        let data = self.pin(&stream, "tdata");
        let (beat_bits, bits) = (self.lanes.grad_beat_bits(), self.lanes.grad_word_bits());
        let mut bindings = self.stream_in(&stream, 0);
        let values = data.slice(0, beat_bits);
        let values = match self.lanes.zero_point {
            true => self.centred(values, config),
            false => values,
        };
        let frames = self.frames_pins();
        let [of_order, frames] = match self.capacity.pixels {
            Some(Pixels::Told(_)) => self.both_take(frames),
            _ => [Bindings::new(), frames],
        };
        let values = config.in_turn(Turn::Taken, |config| {
            self.moving_in_order(values, &mut bindings, line, (of_order, config))
        });
        bindings.extend(frames);
        bindings.extend([
            ("tdata", values),
            ("write_data", line.write_data.clone()),
            ("write", line.write.clone()),
            ("write_address", line.write_address.clone()),
            ("free_less_1", line.free_less_1.clone()),
            line.arrived.clone(),
        ]);
        if !bindings.iter().any(|(port, _)| *port == "frame_begin") {
            bindings.push(("frame_begin", line.frame_begin.clone()));
        }
        bindings.extend(line.job_begin.clone().map(|begin| ("job_begin", begin)));
        let m = &mut self.m;
        let grad_port = config.in_turn(Turn::Taken, |config| {
            let name = format!("{}_grad", self.name);
            grad_port(&name, self.capacity, &self.t, bits, self.target, config)
        });
        m.instance("u_grad", grad_port, bindings);
        padding_bits(m, "grad_padding", &data, beat_bits);
    }

    /// What the stream of what moves is told of the frames of jobs, and tells; none where there are no jobs.
    fn frames_pins(&mut self) -> Bindings {
        let Some(most) = self.capacity.frames else {
            return Bindings::new();
        };
        let width = bits_for(most - 1);
        let m = &mut self.m;
        vec![
            (
                FRAMES_LESS_1,
                m.input(FRAMES_LESS_1, width, "frames to take, less one"),
            ),
            (
                ALL_TAKEN,
                m.output(ALL_TAKEN, 1, "the last beat of the last one was taken"),
            ),
            (
                FRAMES_BEGIN,
                m.input(FRAMES_BEGIN, 1, "pulse: the next job's may be taken"),
            ),
            (
                AHEAD,
                m.input(AHEAD, 1, "they are taken while the job before runs"),
            ),
        ]
    }

    /// The same for the block that puts rows in order and for the port behind it: frames are taken when both have them, the
    /// one its beats, the other the words that come of these.
    fn both_take(&mut self, frames: Bindings) -> [Bindings; 2] {
        let m = &mut self.m;
        let both = ["order_all_taken", "port_all_taken"].map(|name| m.net(name, 1, ""));
        let taken = frames.iter().find(|(pin, _)| *pin == ALL_TAKEN);
        if let Some((_, taken)) = taken {
            m.assign(taken, &(&both[0] & &both[1]));
        }
        both.map(|own| {
            let frames = frames.iter();
            let of_one = frames.map(|(pin, value)| match *pin {
                ALL_TAKEN => (ALL_TAKEN, own.clone()),
                pin => (pin, value.clone()),
            });
            of_one.collect()
        })
    }

    /// The values of a beat of what moves, less their zero point.
    fn centred(&mut self, values: Expr, config: &mut Config) -> Expr {
        let bits = self.lanes.grad_word_bits();
        let centred = self.m.net("grad_centred", bits, "less the zero point");
        let block = config.in_turn(Turn::Taken, |config| {
            zero_point(&format!("{}_zero_point", self.name), self.lanes, config)
        });
        let bindings = vec![("values", values), ("centred", centred.clone())];
        self.m.instance("u_zero_point", block, bindings);
        centred
    }

    fn line_buffer(&mut self, line: &LineNets, config: &mut Config) {
        let name = format!("{}_line_buffer", self.name);
        let bits = self.lanes.grad_word_bits();
        if let (Some(place), Some(pixels)) = (&line.lanes, &self.capacity.pixels) {
            return self.banks(&name, pixels, (line, place), config);
        }
        self.m.instance(
            "u_line_buffer",
            read_ahead_memory(&name, self.capacity.line_words, bits, self.target),
            vec![
                ("write", line.write.clone()),
                ("write_address", line.write_address.clone()),
                ("write_data", line.write_data.clone()),
                ("read_address", line.address.clone()),
                ("read_data", line.word.clone()),
            ],
        );
    }

    /// The stream of what is stationary, and of scales behind it.
    fn weight_port(&mut self, weights: &WeightNets, config: &mut Config) -> Option<ScaleNets> {
        let capacity = self.capacity;
        let name = format!("{}_weight", self.name);
        let width = bits_for(capacity.weight_words - 1);
        let scale_words = self.lanes.stages.scale_words(capacity);
        let mut bindings = self.stream_in(&capacity.arrays.stationary_stream(), 1);
        bindings.extend([
            ("write", weights.write.clone()),
            ("write_address", weights.write_address.clone()),
            ("weights_ready", weights.ready.clone()),
        ]);
        let m = &mut self.m;
        let port = match &weights.set {
            Some((_, set)) => {
                bindings.extend([weights.frame_state.clone(), ("in_use", set.clone())]);
                weight_swap(&name, width, scale_words, config)
            }
            None if capacity.weight_ring => {
                m.unused("frame_busy", &weights.frame_state.1);
                bindings.extend(WEIGHT_PINS.map(|(name, inward, comment)| {
                    let pin = match inward {
                        true => m.input(name, 1, comment),
                        false => m.output(name, 1, comment),
                    };
                    (name, pin)
                }));
                bindings.extend(weights.base.clone());
                config.in_turn(Turn::Known, |config| {
                    weight_load(&name, width, scale_words, self.target, config)
                })
            }
            None => {
                bindings.push(weights.frame_state.clone());
                weight_port(&name, width, scale_words, config)
            }
        };
        let scale = ScaleNets::new(m, scale_words, capacity.weight_ring);
        bindings.extend(scale.iter().flat_map(ScaleNets::at_weight_port));
        m.instance("u_weight", port, bindings);
        scale
    }

    /// The data of the stationary stream.
    fn weight_data(&self) -> Expr {
        self.pin(&self.capacity.arrays.stationary_stream(), "tdata")
    }

    /// The weights, behind a register, so that neither the stream nor the port's count has the memory's banks on its way.
    fn weight_memory(&mut self, weights: &WeightNets) {
        let bits = self.lanes.weight_word_bits();
        let data = self.weight_data();
        let (word, taken_bits) = match self.capacity.reaches {
            true => (data.slice(0, bits), bits),
            // No tap reaches any pixel: the gradient is zero whatever the weights are.
            false => (lit(0, 1).sext(bits), 0),
        };
        let m = &mut self.m;
        let stored = m.reg("weight_stored", 1, 0, "");
        let address_width = weights.write_address.width();
        let stored_address = m.data_reg("weight_stored_address", address_width, "");
        let stored_word = m.data_reg("weight_stored_word", bits, "");
        m.comb(|b| {
            b.set(&stored.d, &weights.write);
            b.set(&stored_address.d, &weights.write_address);
            b.set(&stored_word.d, &word);
        });
        let name = format!("{}_weights", self.name);
        let words = self.capacity.weight_memory_words();
        m.instance(
            "u_weights",
            read_ahead_memory(&name, words, bits, self.target),
            vec![
                ("write", stored.q),
                ("write_address", stored_address.q),
                ("write_data", stored_word.q),
                ("read_address", weights.address.clone()),
                ("read_data", weights.word.clone()),
            ],
        );
        let taken_bits = taken_bits.max(self.lanes.scale_word_bits());
        padding_bits(m, "weight_padding", &data, taken_bits);
    }

    fn issue_loop(
        &mut self,
        line: &LineNets,
        weights: &WeightNets,
        tokens: &Tokens,
        config: &mut Config,
    ) -> IssueNets {
        let m = &mut self.m;
        let skip = self.t.skip.map(|width| {
            vec![
                ("skip_write", m.net("skip_write", 1, "")),
                ("skip_beats", m.net("skip_beats", width, "")),
            ]
        });
        let issue = IssueNets {
            acc_first: m.net("acc_first", 1, ""),
            acc_last: m.net("acc_last", 1, ""),
            frame_last: m.net("frame_last", 1, ""),
            taken: m.net("taken", 1, ""),
            skip: skip.unwrap_or_default(),
        };
        let mut bindings = self.of_job(vec![
            ("token_valid", tokens.valid.clone()),
            ("token_ready", tokens.ready.clone()),
            ("token", tokens.token.clone()),
            weights.frame_state.clone(),
            ("taken", issue.taken.clone()),
            ("grad_address", line.address.clone()),
            ("weight_address", weights.address.clone()),
            ("acc_first", issue.acc_first.clone()),
            ("acc_last", issue.acc_last.clone()),
            ("frame_last", issue.frame_last.clone()),
        ]);
        match &line.lanes {
            Some(place) => bindings.extend([
                ("free_less_1", place.free_less_1.clone()),
                ("tap", place.tap.clone()),
                ("stretch", place.stretch.clone()),
            ]),
            None => bindings.push(("free_less_1", line.free_less_1.clone())),
        }
        bindings.extend(weights.set.clone());
        bindings.extend(issue.skip.clone());
        let name = format!("{}_issue", self.name);
        let width = bits_for(self.capacity.weight_words - 1);
        let block = issue_loop(&name, self.capacity, &self.t, width, self.target, config);
        self.m.instance("u_issue", block, bindings);
        issue
    }
}

/// Bits of a stream beyond its values, up to the whole byte.
fn padding_bits(m: &mut Module, name: &str, data: &Expr, used: usize) {
    if data.width() > used {
        m.unused(name, &data.slice(used, data.width() - used));
    }
}
