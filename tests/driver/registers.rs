//! Promise: the offsets that the C driver knows are those of every programmable engine.

use bpa_engine::emit::Target;
use bpa_engine::programmable::EngineFile;

use crate::rig::{Rig, ACCUMULATES, ADDS, MEMORY};

/// The least, and the one with the most streams.
const OTHERS: [&str; 2] = [
    "[engine]\nmode = \"programmable\"",
    include_str!("../../examples/engines/stages.toml"),
];

#[test]
fn offsets_are_those_of_the_register_map() {
    let header = include_str!("../../driver/c/bpa_registers.h");
    let offsets: Vec<(String, u64)> = (header.lines())
        .filter_map(|line| {
            let (name, offset) = line.strip_prefix("#define BPA_REG_")?.split_once(' ')?;
            let offset = offset.strip_prefix("0x")?.strip_suffix('u')?;
            Some((
                name.to_lowercase(),
                u64::from_str_radix(offset, 16).unwrap(),
            ))
        })
        .collect();
    assert_eq!(offsets.len(), 27);
    for engine in [ACCUMULATES, ADDS, MEMORY].into_iter().chain(OTHERS) {
        let engine = EngineFile::parse(engine, "engine")
            .unwrap()
            .validate()
            .unwrap();
        let has_bus = engine.limits().bus_bits.is_some();
        let map = engine.hardware(Target::Generic).map;
        let of_bus = |name: &str| name.starts_with("bus");
        for (name, offset) in offsets.iter().filter(|(name, _)| has_bus || !of_bus(name)) {
            assert_eq!(map.named(name).offset, *offset, "{name}");
        }
        let words = map.named("table_words").value();
        let table: Vec<u64> = map.table().map(|(register, _)| register.offset).collect();
        let (first, last) = (*table.iter().min().unwrap(), *table.iter().max().unwrap());
        assert_eq!(first, u64::from(4 * words).max(0x400));
        assert!(last < first + u64::from(4 * words));
        let constants = map
            .registers()
            .iter()
            .filter(|register| register.is_constant() && register.name != "beat_bytes");
        assert!(constants.map(|it| it.offset).max().unwrap() < map.named("command").offset);
    }
}

/// No two registers of the SystemRDL file overlap, which its compilers would refuse. `scripts/driver.sh` asks one.
#[test]
fn the_systemrdl_file_has_each_register_once() {
    for engine in [ACCUMULATES, ADDS].into_iter().chain(OTHERS) {
        let engine = EngineFile::parse(engine, "engine")
            .unwrap()
            .validate()
            .unwrap();
        let map = engine.hardware(Target::Generic).map;
        let text = map.systemrdl();
        let placed = text.lines().filter_map(|line| {
            let (name, offset) = line.split_once(" @ 0x")?;
            let name = name.rsplit_once('\\')?.1.to_owned();
            Some((
                u64::from_str_radix(offset.strip_suffix(';')?, 16).unwrap(),
                name,
            ))
        });
        let mut placed: Vec<(u64, String)> = placed.collect();
        placed.sort();
        let registers = map.registers().iter();
        let mut expected: Vec<(u64, String)> = registers
            .map(|register| (register.offset, register.name.clone()))
            .collect();
        expected.sort();
        assert_eq!(placed, expected);
    }
}

/// Registers at the start of a file, at the end of it, and in pages of others; an engine of another kind; and files that
/// end too early or are not there.
#[test]
fn linux_maps_registers_of_a_file() {
    let rig = Rig::adds();
    let map = rig.hardware().map;
    let bytes = 0x400 + 4 * u64::from(map.named("table_words").value());
    let file = tempfile::NamedTempFile::new().unwrap();
    let offset = 0x1200;
    let mut registers = vec![0; (offset + bytes) as usize];
    for register in map
        .registers()
        .iter()
        .filter(|register| register.is_constant())
    {
        let at = (offset + register.offset) as usize;
        registers[at..at + 4].copy_from_slice(&register.value().to_le_bytes());
    }
    std::fs::write(file.path(), &registers).unwrap();
    let said = rig.open_file(file.path(), offset, bytes);
    assert!(
        said.starts_with("BPA_OK\n3 x 3 lanes, table 0x400 to 0x"),
        "{said}"
    );
    let written = std::fs::read(file.path()).unwrap();
    assert_eq!(
        written[(offset + map.named("event_enable").offset) as usize],
        3
    );
    assert_eq!(rig.open_file(file.path(), 0, bytes), "BPA_ERR_NO_ENGINE\n");
    for (offset, bytes) in [(offset, bytes + 4), (offset + 4, bytes), (2, 64)] {
        assert_eq!(rig.open_file(file.path(), offset, bytes), "error\n");
    }
    assert_eq!(
        rig.open_file(&file.path().join("none"), 0, bytes),
        "error\n"
    );
}
