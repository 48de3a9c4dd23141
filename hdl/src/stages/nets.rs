//! The nets between the stages and the blocks around them, on the core.

use crate::config::descriptor::Lanes;
use crate::rtl::{bits_for, Expr, Module};

/// The stream from the result port to the stages behind it.
pub(crate) struct ResultNets {
    valid: Expr,
    ready: Expr,
    data: Expr,
    last: Expr,
    done: Expr,
}

impl ResultNets {
    pub(crate) fn new(m: &mut Module, bits: usize) -> Self {
        let done = m.net("result_done", 1, "");
        // A frame is done when it has passed the stages.
        m.unused("result_done", &done);
        ResultNets {
            valid: m.net("result_valid", 1, ""),
            ready: m.net("result_ready", 1, ""),
            data: m.net("result_data", bits, ""),
            last: m.net("result_last", 1, ""),
            done,
        }
    }

    pub(crate) fn at_result_port(&self) -> [(&'static str, Expr); 5] {
        [
            ("tvalid", self.valid.clone()),
            ("tready", self.ready.clone()),
            ("tdata", self.data.clone()),
            ("tlast", self.last.clone()),
            ("frame_done", self.done.clone()),
        ]
    }

    pub(crate) fn at_stages(&self) -> [(&'static str, Expr); 4] {
        [
            ("result_valid", self.valid.clone()),
            ("result_ready", self.ready.clone()),
            ("result", self.data.clone()),
            ("result_last", self.last.clone()),
        ]
    }
}

/// What passes between the weight port and the store of scales.
pub(crate) struct ScaleNets {
    write: Expr,
    index: Option<Expr>,
    sets: ScaleSets,
}

/// Which set of scales is where.
enum ScaleSets {
    /// The store says when there is a place.
    Free(Expr),
    /// The weight port says which one is written, and which is in use.
    Told { written: Expr, in_use: Expr },
}

impl ScaleNets {
    /// `None` where the layer has no scales. `told`: the weight port knows the sets.
    pub(crate) fn new(m: &mut Module, words: u64, told: bool) -> Option<Self> {
        (words > 0).then(|| ScaleNets {
            write: m.net("scale_write", 1, ""),
            index: (words > 1).then(|| m.net("scale_index", bits_for(words - 1), "")),
            sets: match told {
                false => ScaleSets::Free(m.net("scales_free", 1, "")),
                true => ScaleSets::Told {
                    written: m.net("scale_set", 1, ""),
                    in_use: m.net("scale_set_in_use", 1, ""),
                },
            },
        })
    }

    pub(crate) fn at_weight_port(&self) -> Vec<(&'static str, Expr)> {
        let mut bindings = vec![("scale_write", self.write.clone())];
        match &self.sets {
            ScaleSets::Free(free) => bindings.push(("scales_free", free.clone())),
            ScaleSets::Told { written, in_use } => bindings.extend([
                ("scale_set", written.clone()),
                ("scale_set_in_use", in_use.clone()),
            ]),
        }
        bindings.extend(self.index.clone().map(|index| ("scale_index", index)));
        bindings
    }

    pub(crate) fn at_stages(
        &self,
        m: &mut Module,
        data: Expr,
        frame_enters: &Expr,
    ) -> Vec<(&'static str, Expr)> {
        let mut bindings = self.at_weight_port();
        bindings.push(("scale_data", data));
        if let ScaleSets::Free(_) = &self.sets {
            let enters = m.net("frame_enters", 1, "a frame begins");
            m.assign(&enters, frame_enters);
            bindings.push(("frame_enters", enters));
        }
        bindings
    }
}

/// Binds the streams beside the results: of their beats, only what the stages use.
pub(crate) fn side_bindings(
    m: &mut Module,
    lanes: &Lanes,
    port: &dyn Fn(&str) -> Expr,
) -> Vec<(&'static str, Expr)> {
    let mut bindings = Vec::new();
    if lanes.stages.accumulate {
        let tdata = port("s_axis_accumulate_tdata");
        let (place, bits) = (lanes.accumulate_bits(), lanes.accumulate_bits() - 1);
        let values = m.net("accumulate_values", lanes.results() * bits, "");
        for j in 0..lanes.results() {
            m.unused(&format!("accumulate_sign{j}"), &tdata.bit(j * place + bits));
        }
        m.comb(|b| {
            for j in 0..lanes.results() {
                b.set_slice(&values, j * bits, &tdata.slice(j * place, bits));
            }
        });
        bindings.extend([
            ("accumulate_tvalid", port("s_axis_accumulate_tvalid")),
            ("accumulate_tready", port("s_axis_accumulate_tready")),
            ("accumulate_tdata", values),
            ("accumulate_tlast", port("s_axis_accumulate_tlast")),
        ]);
    }
    if lanes.stages.mask {
        let tdata = port("s_axis_mask_tdata");
        if tdata.width() > lanes.results() {
            let spare = tdata.width() - lanes.results();
            m.unused("mask_padding", &tdata.slice(lanes.results(), spare));
        }
        bindings.extend([
            ("mask_tvalid", port("s_axis_mask_tvalid")),
            ("mask_tready", port("s_axis_mask_tready")),
            ("mask_tdata", tdata.slice(0, lanes.results())),
            ("mask_tlast", port("s_axis_mask_tlast")),
        ]);
    }
    bindings
}
