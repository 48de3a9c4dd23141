//! Configuration inputs: where the layer enters the core.

use crate::descriptor::Descriptor;
use crate::rtl::{Expr, Module};
use std::collections::HashMap;

/// One value that the core is told of its layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigValue {
    /// Port name, which begins with `cfg_`.
    pub port: String,
    /// Bits.
    pub width: usize,
    /// The layer's value.
    pub value: u64,
    /// What it means, with its unit.
    pub comment: String,
}

/// A configuration port: its value is a function of the layer.
struct ConfigPort {
    port: String,
    width: usize,
    value: Box<dyn Fn(&Descriptor) -> u64>,
    comment: String,
}

/// The configuration ports that the blocks of a core ask for, each with what a layer puts there.
///
/// A block declares a port and its value in one call, so that neither can be without the other;
/// the shell around the core then drives every port.
#[derive(Default)]
pub struct Config {
    ports: Vec<ConfigPort>,
    index: HashMap<String, usize>,
}

impl Config {
    /// Declares the input `cfg_name` on `m`.
    pub fn port(
        &mut self,
        m: &mut Module,
        name: &str,
        width: usize,
        value: impl Fn(&Descriptor) -> u64 + 'static,
        comment: &str,
    ) -> Expr {
        let port = format!("cfg_{name}");
        match self.index.get(&port) {
            Some(&known) => {
                let known = &self.ports[known];
                assert_eq!(
                    (known.width, known.comment.as_str()),
                    (width, comment),
                    "two meanings of {port}"
                );
            }
            None => {
                self.index.insert(port.clone(), self.ports.len());
                self.ports.push(ConfigPort {
                    port: port.clone(),
                    width,
                    value: Box::new(value),
                    comment: comment.to_owned(),
                });
            }
        }
        m.input(&port, width, comment)
    }

    /// Every value of a layer, in order of declaration.
    pub fn values(&self, d: &Descriptor) -> Vec<ConfigValue> {
        self.ports
            .iter()
            .map(|port| ConfigValue {
                port: port.port.clone(),
                width: port.width,
                value: (port.value)(d),
                comment: port.comment.clone(),
            })
            .collect()
    }
}
