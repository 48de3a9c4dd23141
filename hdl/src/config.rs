//! Configuration inputs: where the layer enters the core.

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

/// The configuration ports that the blocks of a core ask for, each with the layer's value.
///
/// A block declares a port and its value in one call, so that neither can be without the other;
/// the shell around the core then ties every port.
#[derive(Debug, Default)]
pub struct Config {
    values: Vec<ConfigValue>,
    index: HashMap<String, usize>,
}

impl Config {
    /// Declares the input `cfg_name` on `m`.
    pub fn port(
        &mut self,
        m: &mut Module,
        name: &str,
        width: usize,
        value: u64,
        comment: &str,
    ) -> Expr {
        let port = format!("cfg_{name}");
        let entry = ConfigValue {
            port: port.clone(),
            width,
            value,
            comment: comment.to_owned(),
        };
        match self.index.get(&port) {
            Some(&known) => assert_eq!(
                (self.values[known].width, self.values[known].value),
                (width, value),
                "two meanings of {port}"
            ),
            None => {
                self.index.insert(port.clone(), self.values.len());
                self.values.push(entry);
            }
        }
        m.input(&port, width, comment)
    }

    /// Every value, in order of declaration.
    pub fn values(&self) -> &[ConfigValue] {
        &self.values
    }
}
