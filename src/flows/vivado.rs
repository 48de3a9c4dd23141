//! A script that packages an engine as IP for Vivado.

use super::block::{MEMORY_BUS, REGISTER_BUS};
use super::template::fill;
use super::{Block, FlowFile};

/// The Tcl script of an engine.
pub fn vivado(block: &Block) -> FlowFile {
    let top = &block.name;
    let streams = block.streams.iter().map(|stream| stream.name.as_str());
    let bus = (!block.register_bus().is_empty()).then_some(REGISTER_BUS);
    let memory = (!block.memory_bus().is_empty()).then_some(MEMORY_BUS);
    let interfaces: Vec<&str> = streams.chain(bus).chain(memory).collect();
    let interrupt = match block.has("irq") {
        true => {
            "ipx::infer_bus_interface irq xilinx.com:signal:interrupt_rtl:1.0 $core\n\
             ipx::add_bus_parameter SENSITIVITY [ipx::get_bus_interfaces irq -of_objects $core]\n\
             set_property value LEVEL_HIGH [ipx::get_bus_parameters SENSITIVITY \
             -of_objects [ipx::get_bus_interfaces irq -of_objects $core]]\n"
        }
        false => "",
    };
    let registers = match bus {
        Some(_) => "ipx::infer_bus_interfaces xilinx.com:interface:aximm_rtl:1.0 $core\n",
        None => "",
    };
    let text = fill(
        include_str!("templates/vivado.tcl"),
        &[
            ("TOP", top.as_str()),
            ("WHAT", &block.what),
            ("VERSION", version()),
            ("INTERFACES", &interfaces.join(" ")),
            ("REGISTERS", registers),
            ("INTERRUPT", interrupt),
        ],
    );
    FlowFile {
        name: format!("{top}_vivado.tcl"),
        text,
    }
}

/// Major and minor: Vivado has no third number.
fn version() -> &'static str {
    concat!(
        env!("CARGO_PKG_VERSION_MAJOR"),
        ".",
        env!("CARGO_PKG_VERSION_MINOR")
    )
}
