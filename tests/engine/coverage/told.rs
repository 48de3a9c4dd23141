//! Programmable engines: jobs of any pass, told early and late, with stalls, aborts, resets, words that are no layer, and
//! every register written and read.

use bpa_engine::driver::{Device, Simulated};
use bpa_engine::emit::Target;
use bpa_engine::programmable::{EngineFile, ProgrammableEngine};
use bpa_hdl::rtl::print_verilog;
use bpa_hdl::shell::programmable::Programmable;
use bpa_sim::{AxiLite, Delays, Model};

use super::waivers::Waiver;
use super::Covered;
use crate::any_words::words;
use crate::choices::Choices;
use crate::engines;
use crate::programmable_stages::Rig;

/// Small limits, so that every bit of a number has its turn.
pub const ENGINES: &[&str] = &["name = \"told_streams\"
[engine]
mode = \"programmable\"
simd = 2
pe = 2
grad_type = \"int3\"
weight_type = \"int3\"
[limits]
size = 7
kernel = 3
steps = 8
line_words = 30
weight_words = 16
zero_run = 31
fifo_results = 8
"];

/// Layers on an engine, runs that an abort ends, jobs of any words.
const CASES: usize = 30;
const ABORTS: u64 = 12;
const ANY_WORDS: u64 = 240;
const BEATS: usize = 120;
const ACCESSES: u64 = 16;
/// Commands.
const START: u32 = 1;
const ABORTING: [u32; 2] = [2, 7];

fn engine(text: &str) -> ProgrammableEngine {
    let file = EngineFile::parse(text, "here").unwrap();
    file.validate().unwrap()
}

pub fn name(text: &str) -> String {
    engine(text).name().to_owned()
}

/// Runs the engine; what of it is not reached.
pub fn missing(text: &str, waivers: &[Waiver]) -> Vec<String> {
    let engine = engine(text);
    let hardware = engine.hardware(Target::Generic);
    let verilog = print_verilog(&hardware.module);
    let spec = Simulated::spec(&engine, &hardware, &verilog);
    let ports = hardware.module.ports().into_iter();
    let inputs = ports
        .filter(|port| port.inward)
        .map(|port| (port.name, port.width))
        .collect();
    let name = engine.name().to_owned();
    let drive = |model: &Model| streams(&Rig::of_model(engine.clone(), model.clone()));
    Covered::by(&name, &verilog, &spec, inputs, drive).missing(waivers)
}

fn streams(rig: &Rig) {
    let cases = engines::cases(rig, 1, CASES);
    let mut driver = rig.driver();
    engines::run(rig, &mut driver, &cases, 1);
    for trial in 0..ABORTS {
        let from = trial as usize % cases.len();
        let some = &cases[from..cases.len().min(from + 4)];
        engines::abort_and_run(rig, some, trial);
    }
    engines::run_tiles(rig, 1);
    any_words(rig);
}

/// Jobs of any words on beats of any values, with `tlast` anywhere; most of them ended by an abort or a reset.
fn any_words(rig: &Rig) {
    let mut device = Simulated::new(&rig.model, 1);
    let command = rig.hardware.map.named("command").offset;
    for seed in 0..ANY_WORDS {
        let mut choices = Choices::new(seed);
        let mut told = words(rig, seed, &mut choices);
        // Beyond the limits as well, and of any number of frames.
        let mut any = || choices.below(1 << 32) as u32;
        match seed % 8 {
            0 => told.fill_with(any),
            2 => {
                let word = any() as usize % told.len();
                told[word] |= 1 << (any() % 32);
            }
            4 => {
                let mut names = rig.hardware.map.table();
                let frames = names.position(|(it, _)| it.name.contains("frames"));
                told[frames.expect("a word of frames")] = any();
            }
            _ => (),
        }
        for ((register, _), word) in rig.hardware.map.table().zip(told) {
            device.write(register.offset, word).unwrap();
        }
        let lasts = [1, 2, 12, 40][choices.below(4) as usize];
        for index in 0..rig.model.spec().sources.len() {
            let mut source = device.instance().source(index);
            let bytes = source.port().bytes;
            let data: Vec<u8> = (0..BEATS * bytes)
                .map(|_| choices.below(256) as u8)
                .collect();
            let flags: Vec<u8> = (0..BEATS)
                .map(|_| u8::from(choices.below(lasts) == 0))
                .collect();
            source.load(&data, &flags).unwrap();
        }
        device.stall(0.0, [0.0, 0.5, 0.98][choices.below(3) as usize], seed);
        // A start too many, while the words are looked at.
        for _ in 0..1 + choices.below(2) {
            device.write(command, START).unwrap();
        }
        device.instance().run(choices.below(1_000), None);
        registers(&rig.hardware, &mut device, seed);
        match choices.below(5) {
            0 => device.instance().reset(1),
            // What is taken ahead stays for the next job.
            1 | 2 => (),
            other => drop(device.write(command, ABORTING[other as usize - 3]).unwrap()),
        }
    }
}

/// Writes anything to some registers but the command, and reads some, with a master of any manners.
fn registers(hardware: &Programmable, device: &mut Simulated, seed: u64) {
    let mut choices = Choices::new(seed);
    let command = hardware.map.named("command").offset;
    let registers = hardware.map.registers();
    for _ in 0..ACCESSES {
        let instance = device.instance();
        for pin in ["s_axi_awprot", "s_axi_arprot"] {
            instance.poke(pin, choices.below(8)).unwrap();
        }
        let mut bus = AxiLite::new(instance, "s_axi");
        let mut delay = || choices.below(3);
        bus.delays = Delays {
            address: delay(),
            data: delay(),
            response: delay(),
        };
        // What is no register, and none of its first bytes, too.
        let address = match choices.below(3) {
            0 => choices.below(1 << hardware.map.address_bits()),
            _ => registers[choices.below(registers.len() as u64) as usize].offset,
        };
        if choices.below(2) == 0 {
            let _ = bus.read(address).unwrap();
        } else {
            let strobe = [15, choices.below(16) as u8][choices.below(2) as usize];
            // No command by chance.
            let strobe = strobe & if address & !3 == command { 14 } else { 15 };
            let word = choices.below(1 << 32) as u32;
            let _ = bus.write(address, word, strobe).unwrap();
        }
    }
}
