//! Names of layers: those of nodes, made such that Verilog and every file system can have them.

use std::collections::{HashMap, HashSet};

use crate::layer::validate::check_name;

/// Letters of a name.
const MOST: usize = 48;

/// The names that are taken, and how often each was asked for. Those that differ in case alone are one to some file
/// systems.
#[derive(Default)]
pub(super) struct Names {
    taken: HashSet<String>,
    asked: HashMap<String, u64>,
}

impl Names {
    /// A name that nobody has, as near to the node's as can be; `or` is for one that has no letter to go by.
    pub(super) fn of(&mut self, node: &str, or: &str) -> String {
        let mut name = String::new();
        for letter in node.chars() {
            match letter {
                _ if letter.is_ascii_alphanumeric() => name.push(letter),
                _ if name.is_empty() || name.ends_with('_') => (),
                _ => name.push('_'),
            }
            if name.len() == MOST {
                break;
            }
        }
        let name = name.trim_end_matches('_');
        let name = match name.chars().next() {
            None => or.to_ascii_lowercase(),
            Some(first) if first.is_ascii_digit() => format!("n{name}"),
            Some(_) => name.to_owned(),
        };
        // From where the last one of this name was found on, so that many of one name take no longer.
        let asked = self.asked.entry(name.to_ascii_lowercase()).or_default();
        loop {
            *asked += 1;
            let numbered = match *asked {
                1 => name.clone(),
                number => format!("{name}_{number}"),
            };
            let key = numbered.to_ascii_lowercase();
            if !self.taken.contains(&key) && check_name(&numbered).is_ok() {
                self.taken.insert(key);
                return numbered;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_nodes_as_far_as_they_can_be() {
        let mut names = Names::default();
        for (node, name) in [
            ("/layer1/layer1.0/conv1/Conv", "layer1_layer1_0_conv1_Conv"),
            ("../../etc/passwd", "etc_passwd"),
            ("conv", "conv"),
            ("CONV", "CONV_2"),
            ("conv", "conv_3"),
            ("", "conv_4"),
            ("module", "module_2"),
            ("1x1", "n1x1"),
            ("é\u{202e}\n", "conv_5"),
            (&"a".repeat(100), &"a".repeat(48)),
            (&"a".repeat(99), &format!("{}_2", "a".repeat(48))),
        ] {
            assert_eq!(names.of(node, "Conv"), name, "{node:?}");
        }
    }
}
