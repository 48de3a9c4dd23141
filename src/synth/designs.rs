//! What is synthesised: the engine and its limit, each alone and in the harness.

use bpa_hdl::config::capacity::Capacity;
use bpa_hdl::measure::bare_array::bare_array;
use bpa_hdl::measure::harness::harness;
use bpa_hdl::rtl::{print_verilog, Module};

use crate::emit::{self, Target};
use crate::plan::Plan;

/// One of the two designs that a synthesis compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Design {
    /// The engine of the plan.
    Engine,
    /// Its multipliers and memories alone.
    BareArray,
}

impl Design {
    /// Both, the engine first.
    pub const ALL: [Design; 2] = [Design::Engine, Design::BareArray];

    /// Name of its top module.
    pub fn top(self, plan: &Plan) -> String {
        let name = plan.layer().name();
        match self {
            Design::Engine => name.to_owned(),
            Design::BareArray => format!("{name}_bare"),
        }
    }

    /// The design alone.
    pub fn verilog(self, plan: &Plan, target: Target) -> String {
        print_verilog(&self.module(plan, target))
    }

    /// The design in the harness.
    pub fn harnessed(self, plan: &Plan, target: Target) -> String {
        harnessed(&self.top(plan), self.module(plan, target))
    }

    pub(super) fn module(self, plan: &Plan, target: Target) -> Module {
        match self {
            Design::Engine => emit::engine(plan, target),
            Design::BareArray => {
                let capacity = Capacity::exactly(plan.descriptor());
                bare_array(&self.top(plan), &capacity, &plan.lanes(), target)
            }
        }
    }
}

/// A design in the harness; `top` is the name of its top module.
pub(super) fn harnessed(top: &str, design: Module) -> String {
    print_verilog(&harness(&format!("{top}_harness"), design))
}
