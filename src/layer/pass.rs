//! Which of a convolution's three operations an engine computes.

use std::fmt;

use bpa_hdl::config::arrays::Arrays;

use super::output::{write_word, Choice};
use super::Geometry;

/// A pass of a training step through a convolution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pass {
    /// The gradient of the input, of grad_output and weight.
    #[default]
    GradInput,
    /// The convolution itself: the output, of input and weight.
    Forward,
    /// The gradient of the weights, of input and grad_output, summed over the batch.
    GradWeight,
}

impl Pass {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::GradInput, Self::Forward, Self::GradWeight];

    /// What flows through an engine for it.
    pub fn arrays(self) -> Arrays {
        match self {
            Self::GradInput => Arrays::GRAD_INPUT,
            Self::Forward => Arrays::FORWARD,
            Self::GradWeight => Arrays::GRAD_WEIGHT,
        }
    }
}

impl Choice for Pass {
    const ALL: &'static [(&'static str, Self)] = &[
        ("grad_input", Pass::GradInput),
        ("forward", Pass::Forward),
        ("grad_weight", Pass::GradWeight),
    ];
}

impl Geometry {
    /// The pass that it names; `None` where it names none, or what is no pass.
    pub(crate) fn named_pass(&self) -> Option<Pass> {
        self.pass.as_deref().and_then(Pass::parse)
    }
}

impl fmt::Display for Pass {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_word(*self, out)
    }
}
