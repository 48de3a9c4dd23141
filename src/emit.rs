//! From a plan to Verilog.

use crate::plan::Plan;
use bpa_hdl::core::fixed_engine;
use bpa_hdl::rtl::print_verilog;

/// The whole of `NAME.v`: the engine and every module below it.
pub fn verilog(plan: &Plan) -> String {
    let engine = fixed_engine(
        plan.layer().name(),
        &header(plan),
        plan.descriptor(),
        &plan.lanes(),
    );
    print_verilog(&engine)
}

/// States the layer and the version of this program; nothing that differs from run to run.
fn header(plan: &Plan) -> String {
    let mut text = format!(
        "{}: back propagation of activation (data gradient) of a convolution.\nMade by bpa-engine {} for this layer:\n",
        plan.layer().name(),
        env!("CARGO_PKG_VERSION"),
    );
    for line in plan.layer().to_file().to_toml().lines() {
        text.push_str("  ");
        text.push_str(line);
        text.push('\n');
    }
    text
}
