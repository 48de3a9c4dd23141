//! The network of `scripts/soc.sh`: its blob, its arena with the inputs in it, and what the reference says comes out.
//!
//!     cargo run --example soc -- NETWORK.toml ENGINE.toml DIR [SEED]

use std::error::Error;
use std::path::Path;

use bpa_engine::emit::Target;
use bpa_engine::network::compile::{blob, Buffer, Operation, Program, Role};
use bpa_engine::network::{reference, Network, NetworkArrays, NetworkFile};
use bpa_engine::programmable::EngineFile;
use ndarray::Array4;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [network_path, engine_path, out, seed @ ..] = &words[..] else {
        return Err("soc NETWORK.toml ENGINE.toml DIR [SEED]".into());
    };
    let seed = seed.first().map_or(Ok(0), |seed| seed.parse())?;
    let text = std::fs::read_to_string(engine_path)?;
    let engine = EngineFile::parse(&text, engine_path)?.validate()?;
    let text = std::fs::read_to_string(network_path)?;
    let network = NetworkFile::parse(&text, network_path)?.validate(&engine)?;
    let folder = Path::new(network_path).parent().unwrap_or(Path::new(""));
    let arrays = NetworkArrays::read(&network, folder, seed)?;
    let program = Program::new(
        &network,
        &engine,
        &engine.hardware(Target::Generic),
        &arrays,
    )?;

    let out = Path::new(out);
    std::fs::write(out.join("network.bpa"), blob(&program)?)?;
    std::fs::write(out.join("arena.bin"), arena(&network, &arrays, &program))?;
    std::fs::write(
        out.join("expected.bin"),
        expected(&network, &arrays, &program),
    )?;
    let header = format!(
        "#define NETWORK_NAME \"{}\"\n#define NETWORK_BOUND {}u\n",
        network.name(),
        bound(&network)
    );
    std::fs::write(out.join("network.h"), header)?;
    Ok(())
}

/// The arena with the inputs in their places.
fn arena(network: &Network, arrays: &NetworkArrays, program: &Program) -> Vec<u8> {
    let mut arena = vec![0; program.arena_bytes as usize];
    let inputs = program.buffers.iter();
    for buffer in inputs.filter(|buffer| buffer.role == Role::Input) {
        let (layer, what) = buffer.name.rsplit_once('.').expect("a layer and an array");
        let mut steps = network.steps().iter();
        let step = steps.position(|step| step.name() == layer);
        let step = step.expect("a layer of the network");
        let array = match what {
            "input" => &arrays.inputs[step],
            _ => &arrays.grad_outputs[step],
        };
        let array = array.as_ref().expect("an input of the network");
        put(&mut arena, buffer, array);
    }
    arena
}

fn put(arena: &mut [u8], buffer: &Buffer, array: &Array4<i32>) {
    let bytes = buffer.element_bytes as usize;
    let values = array.view().permuted_axes([0, 2, 3, 1]);
    let pixels = arena[buffer.offset as usize..].chunks_exact_mut(buffer.pitch as usize * bytes);
    for (pixel, values) in pixels.zip(values.rows()) {
        for (place, value) in pixel.chunks_exact_mut(bytes).zip(values) {
            place.copy_from_slice(&value.to_le_bytes()[..bytes]);
        }
    }
}

/// The outputs by the reference: of each the number of its buffer, and the values as the buffer has them.
fn expected(network: &Network, arrays: &NetworkArrays, program: &Program) -> Vec<u8> {
    let (tasks, results) = (network.tasks(), reference(network, arrays));
    let mut bytes = Vec::new();
    for operation in &program.operations {
        let Operation::Run { task, result, .. } = operation else {
            continue;
        };
        let buffer = &program.buffers[*result];
        if buffer.role != Role::Output {
            continue;
        }
        let index = tasks.iter().position(|it| it == task);
        let array = &results[index.expect("a task of the network")];
        bytes.extend((*result as u32).to_le_bytes());
        for value in array.result.view().permuted_axes([0, 2, 3, 1]) {
            bytes.extend(&value.to_le_bytes()[..buffer.element_bytes as usize]);
        }
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes.extend(u32::MAX.to_le_bytes());
    bytes
}

/// The bound of all layers, as `bpa run-network` has it.
fn bound(network: &Network) -> u64 {
    let tilings = network.tasks().into_iter().map(|task| {
        let tiling = network.steps()[task.step].tiling(task.pass);
        (tiling, network.frames_of(task) as u64)
    });
    let (mut sum, mut weights) = (0, 0);
    for (index, (tiling, frames)) in tilings.enumerate() {
        sum += match index {
            0 => tiling.bound_cycles(frames),
            _ => tiling.bound_cycles_behind(frames),
        };
        weights += tiling.weight_beats();
    }
    sum.max(weights)
}
