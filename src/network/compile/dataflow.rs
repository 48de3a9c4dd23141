//! Which array is made of which: what [`Chain`](super::super::chain) does with arrays, as operations on buffers.

use super::{Buffer, Operation, Role};
use crate::layer::Pass;
use crate::network::{input_shape, output_shape, Network, Task};

/// Buffers, without their places, and operations.
pub(super) struct Dataflow {
    pub buffers: Vec<Buffer>,
    pub operations: Vec<Operation>,
}

/// The operations of a network that is run forward, backward or both.
pub(super) fn dataflow(network: &Network) -> Dataflow {
    let mut flow = Flow {
        network,
        buffers: Vec::new(),
        operations: Vec::new(),
        steps: vec![Arrays::default(); network.steps.len()],
        jobs: 0,
    };
    for task in network.tasks() {
        flow.task(task);
    }
    let Flow {
        mut buffers,
        operations,
        ..
    } = flow;
    for (index, buffer) in buffers.iter_mut().enumerate() {
        buffer.live = live(index, buffer.role, &operations);
    }
    Dataflow {
        buffers,
        operations,
    }
}

/// From the operation that writes a buffer until behind the last that reads it.
fn live(buffer: usize, role: Role, operations: &[Operation]) -> std::ops::Range<usize> {
    let uses = |operation: &Operation| match operation {
        Operation::Run { data, result, .. } => *data == buffer || *result == buffer,
        Operation::Combine {
            to, shifted, plain, ..
        } => *to == buffer || shifted.contains(&buffer) || plain.contains(&buffer),
    };
    let first = match role {
        Role::Input => 0,
        _ => operations.iter().position(uses).unwrap_or(0),
    };
    let last = match role {
        Role::Output => operations.len(),
        _ => operations.iter().rposition(uses).map_or(0, |last| last + 1),
    };
    first..last
}

/// The buffers of a layer, as far as they are known.
#[derive(Clone, Default)]
struct Arrays {
    output: Option<usize>,
    grad_output: Option<usize>,
    grad_input: Option<usize>,
}

struct Flow<'a> {
    network: &'a Network,
    buffers: Vec<Buffer>,
    operations: Vec<Operation>,
    steps: Vec<Arrays>,
    /// Jobs of the operations up to now.
    jobs: usize,
}

/// As in the chain: what a layer takes was made before it.
const BEFORE: &str = "the layer went before, as validation has it";

impl Flow<'_> {
    fn task(&mut self, task: Task) {
        let data = match task.pass {
            Pass::Forward => self.input(task.step),
            _ => self.grad_output(task.step),
        };
        let result = self.run(task, data);
        match task.pass {
            Pass::Forward => self.steps[task.step].output = self.output(task.step, result),
            _ => self.steps[task.step].grad_input = Some(result),
        }
    }

    fn input(&mut self, step: usize) -> usize {
        let before: Vec<usize> = self.with(|other| &other.from, step);
        let of = &self.network.steps[step];
        let shape = input_shape(of.op, &of.layer);
        if before.is_empty() {
            return self.activation(step, "input", Role::Input, shape);
        }
        let outputs = before.iter();
        let outputs = outputs.map(|&other| self.steps[other].output.expect(BEFORE));
        let outputs = outputs.collect();
        self.combined(step, "input", shape, (vec![], 0), outputs)
    }

    /// `None` where nobody takes it: the sums are the network's output then.
    fn output(&mut self, step: usize, result: usize) -> Option<usize> {
        let network = self.network;
        let of = &network.steps[step];
        let is_taken = !of.from.is_empty() || !of.skip.is_empty();
        if !is_taken {
            self.buffers[result].role = Role::Output;
            return None;
        }
        let skips = self.with(|other| &other.skip, step);
        let skips = skips.iter();
        let skips = skips.map(|&other| self.steps[other].output.expect(BEFORE));
        let skips = skips.collect();
        let shape = output_shape(of.op, &of.layer);
        let shifted = (vec![result], of.output_shift);
        Some(self.combined(step, "output", shape, shifted, skips))
    }

    fn grad_output(&mut self, step: usize) -> usize {
        let network = self.network;
        let of = &network.steps[step];
        let shape = output_shape(of.op, &of.layer);
        let array = match of.from.is_empty() && of.skip.is_empty() {
            true => self.activation(step, "grad_output", Role::Input, shape),
            false => {
                let from = of.from.iter();
                let from = from.map(|&other| self.steps[other].grad_input.expect(BEFORE));
                let shifted = (from.collect(), of.shift);
                let skips = of.skip.iter();
                let skips = skips.map(|&other| self.steps[other].grad_output.expect(BEFORE));
                let skips = skips.collect();
                self.combined(step, "grad_output", shape, shifted, skips)
            }
        };
        self.steps[step].grad_output = Some(array);
        array
    }

    /// The layers that have `step` in that list.
    fn with(&self, list: impl Fn(&super::super::Step) -> &Vec<usize>, step: usize) -> Vec<usize> {
        let steps = self.network.steps.iter().enumerate();
        let with = steps.filter(|(_, other)| list(other).contains(&step));
        with.map(|(index, _)| index).collect()
    }

    /// A buffer that has these sums; one of the type of what moves stands for itself.
    fn combined(
        &mut self,
        step: usize,
        what: &str,
        shape: [usize; 3],
        (shifted, shift): (Vec<usize>, u32),
        plain: Vec<usize>,
    ) -> usize {
        if let ([], [same]) = (&shifted[..], &plain[..]) {
            return *same;
        }
        let to = self.activation(step, what, Role::Internal, shape);
        self.operations.push(Operation::Combine {
            to,
            shift,
            shifted,
            plain,
            bits: self.moving_bits(),
        });
        to
    }

    fn run(&mut self, task: Task, data: usize) -> usize {
        let network = self.network;
        let step = &network.steps[task.step];
        let tiling = step.tiling(task.pass);
        let what = format!("{}.{}_sums", step.name, step.result(task.pass).name);
        let is_taken = match task.pass {
            // What becomes of it is decided behind the run.
            Pass::Forward => true,
            _ => !self.with(|other| &other.from, task.step).is_empty(),
        };
        let role = match is_taken {
            true => Role::Internal,
            false => Role::Output,
        };
        let element_bytes = match tiling.layer().sum_bits() {
            ..=32 => 4,
            _ => 8,
        };
        let shape = tiling.layer().operation().result_shape();
        let result = self.buffer(what, role, element_bytes, shape);
        let jobs = self.jobs..self.jobs + tiling.tiles().len();
        self.jobs = jobs.end;
        self.operations.push(Operation::Run {
            task,
            jobs,
            data,
            result,
        });
        result
    }

    /// A buffer of the type of what moves.
    fn activation(&mut self, step: usize, what: &str, role: Role, shape: [usize; 3]) -> usize {
        let name = format!("{}.{what}", self.network.steps[step].name);
        let element_bytes = self.moving_bits().div_ceil(8);
        self.buffer(name, role, element_bytes, shape)
    }

    fn buffer(
        &mut self,
        name: String,
        role: Role,
        element_bytes: u32,
        [channels, rows, cols]: [usize; 3],
    ) -> usize {
        // Sizes of a valid layer, and frames of a valid network, are within 32 bits.
        let shape = [self.network.frames, rows, cols, channels].map(|size| size as u32);
        self.buffers.push(Buffer {
            name,
            role,
            element_bytes,
            shape,
            pitch: shape[3],
            live: 0..0,
            offset: 0,
        });
        self.buffers.len() - 1
    }

    /// Of all layers, in every pass.
    fn moving_bits(&self) -> u32 {
        self.network.steps[0].layer.grad_type().bits()
    }
}
