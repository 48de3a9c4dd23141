//! Files of waveforms, read by a crate that knows nothing of how they were written.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use fst_reader::{FstFilter, FstHeader, FstHierarchyEntry, FstReader, FstSignalValue};

/// All signals of a file, and all their values.
pub struct Waves {
    pub header: FstHeader,
    /// The handle and the bits of each, by its path.
    signals: BTreeMap<String, (usize, u32)>,
    /// What each becomes and when, as digits, by its handle.
    values: HashMap<usize, Vec<(u64, String)>>,
}

impl Waves {
    pub fn read(path: &Path) -> Self {
        let mut reader = FstReader::open(BufReader::new(File::open(path).unwrap())).unwrap();
        let mut signals = BTreeMap::new();
        let mut scopes: Vec<String> = Vec::new();
        let hierarchy = |entry| match entry {
            FstHierarchyEntry::Scope { name, .. } => scopes.push(name),
            FstHierarchyEntry::UpScope => drop(scopes.pop()),
            FstHierarchyEntry::Var {
                name,
                length,
                handle,
                ..
            } => {
                // `word [7:0]` is the signal `word`.
                let name = name.split(' ').next().unwrap();
                let path = format!("{}.{name}", scopes.join("."));
                signals.insert(path, (handle.get_index(), length));
            }
            _ => (),
        };
        reader.read_hierarchy(hierarchy).unwrap();
        let mut values: HashMap<usize, Vec<(u64, String)>> = HashMap::new();
        let read = reader.read_signals(&FstFilter::all(), |time, handle, value| {
            let FstSignalValue::String(digits) = value else {
                panic!("a real number");
            };
            let digits = String::from_utf8(digits.to_vec()).unwrap();
            values
                .entry(handle.get_index())
                .or_default()
                .push((time, digits));
            Ok::<(), std::convert::Infallible>(())
        });
        read.unwrap();
        Waves {
            header: reader.get_header(),
            signals,
            values,
        }
    }

    #[allow(dead_code)] // Not every test that includes this module asks for it
    /// The bits of a signal, if there is one of that path.
    pub fn bits(&self, path: &str) -> Option<u32> {
        self.signals.get(path).map(|(_, bits)| *bits)
    }

    /// Its digits at a time, the highest first.
    pub fn at(&self, path: &str, time: u64) -> &str {
        let (handle, _) = self.signals[path];
        let values = &self.values[&handle];
        let after = values.partition_point(|(from, _)| *from <= time);
        &values[after - 1].1
    }

    /// Whether a signal of one bit is high.
    pub fn high(&self, path: &str, time: u64) -> bool {
        self.at(path, time) == "1"
    }
}
