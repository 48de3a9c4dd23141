//! Which arrays flow through an engine: its ports are called after them.
//!
//! The blocks inside bear the names of the data gradient whatever the pass: `grad_output` is what moves through the line
//! buffer, `weight` what stays in its memory, `grad_input` what is made.

/// An array, by its PyTorch name and as comments call its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Array {
    /// `grad_output`
    pub name: &'static str,
    /// `dY`
    pub values: &'static str,
}

/// The arrays of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Arrays {
    /// What streams through the line buffer.
    pub moving: Array,
    /// What stays in the weight memory while frames pass.
    pub stationary: Array,
    /// What leaves.
    pub result: Array,
}

const INPUT: Array = Array {
    name: "input",
    values: "X",
};
const WEIGHT: Array = Array {
    name: "weight",
    values: "weights",
};
const GRAD_OUTPUT: Array = Array {
    name: "grad_output",
    values: "dY",
};

impl Arrays {
    /// The data gradient.
    pub const GRAD_INPUT: Self = Arrays {
        moving: GRAD_OUTPUT,
        stationary: WEIGHT,
        result: Array {
            name: "grad_input",
            values: "dA",
        },
    };

    /// The convolution itself.
    pub const FORWARD: Self = Arrays {
        moving: INPUT,
        stationary: WEIGHT,
        result: Array {
            name: "output",
            values: "Y",
        },
    };

    /// The weight gradient.
    pub const GRAD_WEIGHT: Self = Arrays {
        moving: INPUT,
        stationary: GRAD_OUTPUT,
        result: Array {
            name: "grad_weight",
            values: "dW",
        },
    };

    /// Those of an engine that is told the pass job by job, called for what they do.
    pub const NEUTRAL: Self = Arrays {
        moving: Array {
            name: "data",
            values: "data",
        },
        stationary: WEIGHT,
        result: Array {
            name: "result",
            values: "results",
        },
    };

    /// Port prefix of the stream of what moves.
    pub fn moving_stream(&self) -> String {
        format!("s_axis_{}", self.moving.name)
    }

    /// Port prefix of the stream of what stays.
    pub fn stationary_stream(&self) -> String {
        format!("s_axis_{}", self.stationary.name)
    }

    /// Port prefix of the stream of what is made.
    pub fn result_stream(&self) -> String {
        format!("m_axis_{}", self.result.name)
    }
}

impl Default for Arrays {
    fn default() -> Self {
        Self::GRAD_INPUT
    }
}
