//! The program as one binary blob, for the C driver; the format is that of docs/driver.md.

use std::collections::HashMap;

use super::{
    Base, Buffer, CompileError, Formats, Job, Lanes, Operation, Program, Role, Sums, MOST_BYTES,
};

/// Version of the format.
pub const BLOB_VERSION: u32 = 2;
/// "BPAN", as little-endian bytes.
const MAGIC: u32 = u32::from_le_bytes(*b"BPAN");
/// Words of the header.
const HEADER: usize = 29;
/// Words ahead of what the checksum is of: magic, version, bytes and itself.
const UNCHECKED: usize = 4;
/// A lane without a channel.
const NO_CHANNEL: u16 = 0xffff;

/// The blob of a program: words of 32 bits, little-endian.
///
/// # Errors
/// It would be too large.
pub fn blob(program: &Program) -> Result<Vec<u8>, CompileError> {
    let mut out = Writer {
        bytes: vec![0; 4 * HEADER],
        channels: HashMap::new(),
    };
    let formats = &program.formats;
    let constants = formats.constants.iter();
    let constants_at = out.words(constants.flat_map(|&(offset, value)| [offset, value]));
    let mut records = Vec::new();
    for buffer in &program.buffers {
        records.extend(out.buffer(buffer));
    }
    let buffers_at = out.words(records);
    let mut records = Vec::new();
    for operation in &program.operations {
        records.extend(out.operation(operation));
    }
    let operations_at = out.words(records);
    let mut records = Vec::new();
    for job in &program.jobs {
        records.extend(out.job(job, formats));
        // Before an address is wrong.
        out.check()?;
    }
    let jobs_at = out.words(records);
    out.check()?;

    let mut header = vec![
        MAGIC,
        BLOB_VERSION,
        out.bytes.len() as u32,
        0,
        program.arena_bytes,
    ];
    for (count, at) in [
        (formats.constants.len(), constants_at),
        (program.buffers.len(), buffers_at),
        (program.operations.len(), operations_at),
        (program.jobs.len(), jobs_at),
    ] {
        header.extend([count as u32, at]);
    }
    let Lanes { count, bits, beat } = formats.data;
    header.extend([count, bits, beat, formats.weight_beat]);
    let Lanes { count, bits, beat } = formats.result;
    header.extend([count, bits, beat]);
    header.extend(formats.sums.map_or([0, 0], |sums| [sums.bits, sums.beat]));
    match &formats.memory {
        None => header.extend([0; 7]),
        Some(bus) => {
            header.extend([bus.word_bytes, bus.step]);
            header.extend(bus.arrays.map(|offset| offset.unwrap_or(0)));
        }
    }
    assert_eq!(header.len(), HEADER);
    for (place, word) in out.bytes.chunks_exact_mut(4).zip(header) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    let crc = crc32(&out.bytes[4 * UNCHECKED..]);
    out.bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    Ok(out.bytes)
}

/// A blob that grows. Everything begins at a multiple of four bytes.
struct Writer {
    bytes: Vec<u8>,
    /// Tables of channels that are there already.
    channels: HashMap<Vec<Option<u16>>, u32>,
}

impl Writer {
    fn put(&mut self, bytes: &[u8]) -> u32 {
        let at = self.bytes.len() as u32;
        self.bytes.extend(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        at
    }

    fn words(&mut self, words: impl IntoIterator<Item = u32>) -> u32 {
        let bytes: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
        self.put(&bytes)
    }

    fn text(&mut self, text: &str) -> u32 {
        let mut bytes = text.as_bytes().to_vec();
        bytes.push(0);
        self.put(&bytes)
    }

    fn channels(&mut self, channels: &[Option<u16>]) -> u32 {
        if let Some(&at) = self.channels.get(channels) {
            return at;
        }
        let entries = channels.iter().map(|it| it.unwrap_or(NO_CHANNEL));
        let bytes: Vec<u8> = entries.flat_map(u16::to_le_bytes).collect();
        let at = self.put(&bytes);
        self.channels.insert(channels.to_vec(), at);
        at
    }

    /// The record of a buffer.
    fn buffer(&mut self, buffer: &Buffer) -> [u32; 9] {
        let name_at = self.text(&buffer.name);
        let role = match buffer.role {
            Role::Internal => 0,
            Role::Input => 1,
            Role::Output => 2,
        };
        let [frames, rows, cols, channels] = buffer.shape;
        let (offset, bytes, pitch) = (buffer.offset, buffer.element_bytes, buffer.pitch);
        [
            name_at, offset, bytes, role, frames, rows, cols, channels, pitch,
        ]
    }

    /// That of an operation.
    fn operation(&mut self, operation: &Operation) -> [u32; 8] {
        match operation {
            Operation::Run {
                jobs, data, result, ..
            } => [1, jobs.start, jobs.len(), *data, *result, 0, 0, 0].map(|word| word as u32),
            Operation::Combine {
                to,
                shift,
                shifted,
                plain,
                bits,
            } => {
                let inputs = shifted.iter().chain(plain).map(|&input| input as u32);
                let list_at = self.words(inputs);
                let [to, shifted, plain] = [*to, shifted.len(), plain.len()].map(|it| it as u32);
                [2, to, *shift, shifted, plain, list_at, *bits, 0]
            }
        }
    }

    /// That of a job.
    fn job(&mut self, job: &Job, formats: &Formats) -> [u32; 12] {
        let align = formats.memory.as_ref().map_or(4, |bus| bus.word_bytes);
        let aligned = self.bytes.len().next_multiple_of(align as usize);
        self.bytes.resize(aligned, 0);
        let weights_at = self.put(&job.weights);
        let words = job.words.iter();
        // Registers are at multiples of four: what is added to the value stands in the low bits.
        let words_at = self.words(words.flat_map(|word| match word.base {
            Base::Nothing => [word.offset, word.value],
            Base::Arena => [word.offset | 1, word.value],
            Base::Weights => [word.offset | 2, weights_at + word.value],
        }));
        let data_at = self.channels(&job.data_channels);
        let result_at = self.channels(&job.result_channels);
        let flags = match job.sums {
            Sums::Put => 0,
            Sums::Added => 1,
            Sums::FedBack => 2,
        };
        let [words, weights, data, result, needs] = [
            job.words.len(),
            job.weights.len() / formats.weight_beat as usize,
            job.data_channels.len() / formats.data.count as usize,
            job.result_channels.len() / formats.result.count as usize,
            job.needs,
        ]
        .map(|count| count as u32);
        let frames = job.frames;
        [
            words_at, words, frames, weights_at, weights, data_at, data, result_at, result, flags,
            needs, 0,
        ]
    }

    fn check(&self) -> Result<(), CompileError> {
        let bytes = self.bytes.len() as u64;
        match bytes > MOST_BYTES {
            true => Err(CompileError::TooLarge {
                what: "the weights and words",
                bytes,
                most: MOST_BYTES,
            }),
            false => Ok(()),
        }
    }
}

/// The checksum of zlib and Ethernet.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, &byte: &u8| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    };
    !bytes.iter().fold(!0, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_that_others_know() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
