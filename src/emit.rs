//! From a plan to Verilog.

use crate::layer::Pass;
use crate::plan::Plan;
use bpa_hdl::config::arrays::Arrays;
use bpa_hdl::glossary;
pub use bpa_hdl::primitives::target::Target;
use bpa_hdl::rtl::{print_verilog, Module};
use bpa_hdl::shell::fixed::fixed_engine;

/// The whole of `NAME.v`: the engine and every module below it, for any tool.
pub fn verilog(plan: &Plan) -> String {
    verilog_for(plan, Target::Generic)
}

/// The same with the multipliers and memories of an FPGA family.
pub fn verilog_for(plan: &Plan, target: Target) -> String {
    file(&engine(plan, target))
}

/// What is written to a file: the modules, and behind them the words that they use.
pub fn file(top: &Module) -> String {
    let text = print_verilog(top);
    let words = glossary::of(&text);
    format!("{text}\n{words}")
}

/// The engine as a tree of modules.
pub(crate) fn engine(plan: &Plan, target: Target) -> Module {
    fixed_engine(
        plan.layer().name(),
        &header(plan),
        plan.descriptor(),
        &plan.lanes(),
        target,
    )
}

/// States the layer and the version of this program; nothing that differs from run to run.
fn header(plan: &Plan) -> String {
    let pass = plan.layer().pass();
    let what = match pass {
        Pass::GradInput => "back propagation of activation (data gradient) of a convolution",
        Pass::Forward => "forward pass of a convolution",
        Pass::GradWeight => "weight gradient of a convolution",
    };
    let mut text = format!(
        "{}: {what}.\nMade by bpa-engine {} for this layer:\n",
        plan.layer().name(),
        env!("CARGO_PKG_VERSION"),
    );
    for line in plan.layer().to_file().to_toml().lines() {
        text.push_str("  ");
        text.push_str(line);
        text.push('\n');
    }
    if pass != Pass::GradInput {
        let Arrays {
            moving,
            stationary,
            result,
        } = pass.arrays();
        text.push_str(&format!(
            "Inside, the arrays bear the names of the data gradient: grad_output (dY) is {}, weight {}, grad_input (dA) {}.\n",
            moving.name, stationary.name, result.name
        ));
    }
    text
}
