//! The shell of a fixed engine: constants around the core.

use crate::config::capacity::Capacity;
use crate::config::descriptor::{Descriptor, Lanes};
use crate::config::inputs::Config;
use crate::core::{core, Streams};
use crate::primitives::target::Target;
use crate::rtl::{Expr, Module};

const SHELL_DOC: &str = "\
Fixed shell: ties the core's configuration to this layer, so that synthesis folds it away.";

/// Builds the engine `name` for one layer: the core in a shell that ties its configuration.
/// `header` is printed above the top module.
pub fn fixed_engine(
    name: &str,
    header: &str,
    d: &Descriptor,
    lanes: &Lanes,
    target: Target,
) -> Module {
    let mut config = Config::default();
    let capacity = Capacity::exactly(d);
    let inner = core(name, &capacity, lanes, target, &mut config);
    let mut m = Module::new(name, format!("{header}\n\n{SHELL_DOC}"));
    m.clocked();
    let streams = Streams::of(&capacity, lanes);
    let ports = streams.declare(&mut m);
    let mut bindings = streams.bindings(&ports);
    let constants: Vec<(String, Expr)> = config
        .ports()
        .iter()
        .map(|p| {
            let name = p.port.to_uppercase();
            (
                p.port.clone(),
                m.constant(&name, p.value(d), p.width, &p.comment),
            )
        })
        .collect();
    bindings.extend(
        constants
            .iter()
            .map(|(port, value)| (port.as_str(), value.clone())),
    );
    m.instance("u_core", inner, bindings);
    m
}
