//! A test for cocotb, with the bus models of cocotbext-axi.

use super::template::fill;
use super::vectors::file_name;
use super::{Block, BlockStream, FlowFile, Vectors};
use crate::interface::{Direction, ROUNDING_SEED, SATURATIONS};
use crate::plan::Plan;

/// The test of a plan's engine, which reads the files of `vectors`.
pub fn cocotb(plan: &Plan, vectors: &Vectors) -> FlowFile {
    let block = Block::of_layer(plan);
    let top = &block.name;
    let row = |stream: &BlockStream| {
        format!(
            "(\"{}\", \"{}\", {})",
            stream.name,
            file_name(top, &stream.name),
            stream.packet.expect("a layer's packets are known")
        )
    };
    let of = |direction| {
        let streams = block.streams.iter();
        let rows = streams.filter(move |stream| stream.direction == direction);
        rows.map(row).collect::<Vec<_>>()
    };
    let inputs: String = (of(Direction::Input).iter())
        .map(|row| format!("    {row},\n"))
        .collect();
    let seed = match block.has(ROUNDING_SEED.name) {
        true => format!(
            "    dut.{}.value = {}\n",
            ROUNDING_SEED.name, vectors.rounding_seed
        ),
        false => String::new(),
    };
    let saturations = match block.has(SATURATIONS.name) {
        true => format!(
            "    assert int(dut.{}.value) == {}\n",
            SATURATIONS.name, vectors.saturations
        ),
        false => String::new(),
    };
    let text = fill(
        include_str!("templates/cocotb.py"),
        &[
            ("TOP", top.as_str()),
            ("INPUTS", &inputs),
            ("RESULT", &of(Direction::Output)[0]),
            ("SEED", &seed),
            ("SATURATIONS", &saturations),
        ],
    );
    FlowFile {
        name: format!("{top}_cocotb.py"),
        text,
    }
}
