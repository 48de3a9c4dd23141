//! Arrays in memory, for engines that have a bus instead of streams.

use std::collections::VecDeque;
use std::ops::Range;

use bpa_hdl::bus::array::WORD_NAMES;
use bpa_hdl::bus::masters::BusStream;
use bpa_hdl::bus::walk::OFF_BIT;
use ndarray::Array4;

use super::{Device, DeviceError, Driver, DriverError, Submitted};
use crate::plan::Plan;
use crate::run::Arrays;
use crate::vectors::{moving_beats, pack_moving, pack_result, result_beats, unpack_result};

/// Addresses of arrays are multiples of this: of a word of the widest bus.
const ALIGNMENT: u32 = 64;
/// Looks at the engine without another job done, after which it is given up.
const PATIENCE: u64 = 100_000;

/// Elements of a dimension, and bytes from one to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stride {
    /// How many; 1 to 65,536.
    pub count: u32,
    /// Bytes; modulo 2^32, so that it may lead back.
    pub bytes: u32,
}

impl Stride {
    /// A dimension of one element.
    pub const ONE: Self = Self { count: 1, bytes: 0 };
}

/// Where the array of a job is: beats side by side in runs, runs in pixels, pixels in rows, rows in frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryArray {
    /// Of the first byte.
    pub address: u32,
    /// Bytes of a run: whole beats, and below 2^31.
    pub run_bytes: u32,
    /// Runs of a pixel: slices of its channels.
    pub runs: Stride,
    /// Pixels of a row.
    pub pixels: Stride,
    /// Rows of a frame.
    pub rows: Stride,
    /// Frames of the job.
    pub frames: Stride,
}

impl MemoryArray {
    /// Frames of so many bytes, one behind the other.
    pub fn of_frames(address: u32, frame_bytes: u32, frames: u32) -> Self {
        MemoryArray {
            address,
            run_bytes: frame_bytes,
            runs: Stride::ONE,
            pixels: Stride::ONE,
            rows: Stride::ONE,
            frames: Stride {
                count: frames,
                bytes: frame_bytes,
            },
        }
    }

    /// The words that tell it, in the order of `bpa_hdl::bus::array`. A step goes from the last run of what it is a step behind.
    pub fn words(&self) -> [u32; 8] {
        // Bytes from the first run of an element to its last.
        let mut within = 0_u32;
        let dimensions = [self.runs, self.pixels, self.rows, self.frames];
        let steps = dimensions.map(|Stride { count, bytes }| {
            let step = bytes.wrapping_sub(within);
            within = within.wrapping_add((count - 1).wrapping_mul(bytes));
            step
        });
        let [runs, pixels, rows, frames] = dimensions.map(|dimension| dimension.count - 1);
        let [run_step, pixel_step, row_step, frame_step] = steps;
        [
            self.address,
            self.run_bytes - 1,
            runs | pixels << 16,
            rows | frames << 16,
            run_step,
            pixel_step,
            row_step,
            frame_step,
        ]
    }
}

/// The arrays of the jobs that a driver holds.
pub(super) struct Held {
    streams: Vec<BusStream>,
    bytes: u32,
    next: u32,
    live: VecDeque<Range<u32>>,
    waiting: VecDeque<Waiting>,
    /// What the engine had counted when the driver was opened, and jobs that were collected since.
    done_before: u32,
    collected: u32,
}

/// A job that was told and is not started: part of its arrays is not there yet.
struct Waiting {
    words: Vec<Option<u32>>,
    lacks_frames: bool,
    lacks_values: bool,
}

/// Where the arrays of a job are that come later than its words.
#[derive(Debug)]
pub(super) struct Places {
    data: u32,
    accumulate: u32,
    mask: u32,
    result: u32,
}

impl Held {
    pub fn new(streams: Vec<BusStream>, bytes: u32, done_before: u32) -> Self {
        Held {
            streams,
            bytes,
            next: 0,
            live: VecDeque::new(),
            waiting: VecDeque::new(),
            done_before,
            collected: 0,
        }
    }

    /// Bytes of a beat on the stream of that name, and in memory; `None` where there is no such stream.
    fn beat(&self, name: &str) -> Option<[usize; 2]> {
        let stream = self.streams.iter().find(|stream| stream.name == name)?;
        Some([stream.place.beat_bits / 8, stream.place.beat_bytes()])
    }

    /// Bytes in memory of a packet of beats.
    fn bytes_of(&self, name: &str, packet: usize) -> usize {
        self.beat(name)
            .map_or(0, |[beat, place]| packet / beat * place)
    }

    /// A packet as it stands in memory.
    fn spread(&self, name: &str, packet: &[u8]) -> Vec<u8> {
        let Some([beat, place]) = self.beat(name) else {
            return Vec::new();
        };
        let mut bytes = Vec::with_capacity(packet.len() / beat * place);
        for beat in packet.chunks_exact(beat) {
            bytes.extend_from_slice(beat);
            bytes.resize(bytes.len().next_multiple_of(place), 0);
        }
        bytes
    }

    /// Room for a job's arrays, one behind the other, behind those of the jobs before; from 0 on where they do not fit there.
    fn room(&mut self, sizes: &[usize]) -> Result<Vec<u32>, DeviceError> {
        let align = |bytes: usize| bytes.next_multiple_of(ALIGNMENT as usize);
        let wanted: usize = sizes.iter().map(|&bytes| align(bytes)).sum();
        let none = DeviceError::MemoryFull {
            wanted,
            bytes: self.bytes,
        };
        let Ok(all) = u32::try_from(wanted) else {
            return Err(none);
        };
        let oldest = self.live.front().map_or(self.bytes, |range| range.start);
        let wraps = self
            .live
            .front()
            .is_some_and(|range| range.start >= self.next);
        let end = match wraps {
            true => oldest,
            false => self.bytes,
        };
        let start = match end - self.next >= all {
            true => self.next,
            false if !wraps && oldest >= all => 0,
            false => return Err(none),
        };
        self.next = start + all;
        self.live.push_back(start..start + all);
        let mut at = start;
        let places = sizes.iter().map(|&bytes| {
            let place = at;
            // They are within `all`.
            at += align(bytes) as u32;
            place
        });
        Ok(places.collect())
    }
}

impl<D: Device> Driver<'_, D> {
    /// Tells a job whose arrays are in memory: its weights are put there; it is started when the rest is.
    pub(super) fn tell_in_memory(
        &mut self,
        mut words: Vec<Option<u32>>,
        plan: Plan,
        frames: u32,
        weight: &[u8],
    ) -> Result<Submitted, DriverError> {
        let layer = plan.layer();
        let values = result_beats(layer, self.engine.accumulate_bits()).bytes();
        let (accumulates, masks) = (layer.accumulate(), layer.mask());
        let held = self.memory.as_mut().expect("it has a memory");
        let used = |is_used: bool, name: &str, packet: usize| match is_used {
            true => held.bytes_of(name, packet),
            false => 0,
        };
        let of_frame = [
            used(true, "data", moving_beats(layer).bytes()),
            used(accumulates, "accumulate", values),
            used(masks, "mask", result_beats(layer, 1).bytes()),
            used(
                true,
                "result",
                result_beats(layer, self.engine.out_bits()).bytes(),
            ),
        ];
        let weight = held.spread("weight", weight);
        let mut sizes = vec![weight.len()];
        sizes.extend(of_frame.map(|bytes| bytes * frames as usize));
        let places = held.room(&sizes)?;
        self.device.store(places[0], &weight)?;
        let arrays = [
            ("weight", weight.len(), 1),
            ("data", of_frame[0], frames),
            ("accumulate", of_frame[1], frames),
            ("mask", of_frame[2], frames),
            ("result", of_frame[3], frames),
        ];
        for ((name, bytes, frames), &place) in arrays.into_iter().zip(&places) {
            let array = (bytes > 0).then(|| MemoryArray::of_frames(place, bytes as u32, frames));
            self.put_array(&mut words, name, array);
        }
        let held = self.memory.as_mut().expect("it has a memory");
        held.waiting.push_back(Waiting {
            words,
            lacks_frames: true,
            lacks_values: accumulates,
        });
        Ok(Submitted {
            plan,
            frames: frames.into(),
            places: Some(Places {
                data: places[1],
                accumulate: places[2],
                mask: places[3],
                result: places[4],
            }),
        })
    }

    /// Puts where a stream's array is among the words of a job; `None` where the job has none. A stream that the engine has
    /// not changes nothing.
    pub fn put_array(&self, words: &mut [Option<u32>], stream: &str, array: Option<MemoryArray>) {
        let values = match array {
            Some(array) => array.words().map(Some),
            None => WORD_NAMES.map(|name| Some(u32::from(name == "run") << OFF_BIT)),
        };
        let named = WORD_NAMES.iter().map(|name| format!("{stream}_{name}"));
        for (name, value) in named.zip(values) {
            let mut table = self.hardware.map.table();
            if let Some(index) = table.position(|(register, _)| register.name == name) {
                words[index] = value;
            }
        }
    }

    /// Puts the frames of a job where they belong, and its mask.
    pub(super) fn feed_memory(
        &mut self,
        job: &Submitted,
        places: &Places,
        arrays: &Arrays,
    ) -> Result<(), DriverError> {
        let layer = job.plan.layer();
        let frames = arrays.moving.outer_iter();
        let frames = frames.map(|frame| pack_moving(layer, frame));
        self.put_frames("data", places.data, frames)?;
        if layer.mask() {
            let mask = arrays.stages.mask.as_ref().expect("a mask");
            let frames = mask.outer_iter();
            let frames = frames.map(|frame| pack_result(layer, frame.mapv(i64::from).view(), 1));
            self.put_frames("mask", places.mask, frames)?;
        }
        let mut waiting = self.memory.iter_mut().flat_map(|held| &mut held.waiting);
        if let Some(job) = waiting.find(|job| job.lacks_frames) {
            job.lacks_frames = false;
        }
        self.start_whole()
    }

    /// The same for the values that are added to its results.
    pub(super) fn values_to_memory(
        &mut self,
        job: &Submitted,
        places: &Places,
        values: &Array4<i64>,
    ) -> Result<(), DriverError> {
        let bits = self.engine.accumulate_bits();
        let frames = values.outer_iter();
        let frames = frames.map(|frame| pack_result(job.plan.layer(), frame, bits));
        self.put_frames("accumulate", places.accumulate, frames)?;
        let mut waiting = self.memory.iter_mut().flat_map(|held| &mut held.waiting);
        if let Some(job) = waiting.find(|job| job.lacks_values) {
            job.lacks_values = false;
        }
        self.start_whole()
    }

    fn put_frames(
        &mut self,
        name: &str,
        mut place: u32,
        frames: impl Iterator<Item = Vec<u8>>,
    ) -> Result<(), DriverError> {
        for packet in frames {
            let held = self.memory.as_ref().expect("it has a memory");
            let bytes = held.spread(name, &packet);
            self.device.store(place, &bytes)?;
            place += bytes.len() as u32;
        }
        Ok(())
    }

    /// Starts the jobs that are whole, in their order.
    fn start_whole(&mut self) -> Result<(), DriverError> {
        while let Some(held) = &mut self.memory {
            match held.waiting.front() {
                Some(job) if !job.lacks_frames && !job.lacks_values => {}
                _ => break,
            }
            let Some(job) = held.waiting.pop_front() else {
                break;
            };
            self.start(&job.words)?;
        }
        Ok(())
    }

    /// Waits until the results of the oldest job are in memory, and takes them.
    pub(super) fn collect_from_memory(
        &mut self,
        job: &Submitted,
        places: &Places,
    ) -> Result<Array4<i64>, DriverError> {
        let waited = self.wait_for_job();
        let held = self.memory.as_mut().expect("it has a memory");
        let [beat, place] = held.beat("result").expect("an engine has results");
        held.live.pop_front();
        waited?;
        let (layer, bits) = (job.plan.layer(), self.engine.out_bits());
        let frame = result_beats(layer, bits);
        let beats = frame.beats as usize * job.frames as usize;
        let bytes = self.device.load(places.result, beats * place)?;
        let packed: Vec<u8> = bytes
            .chunks_exact(place)
            .flat_map(|in_memory| &in_memory[..beat])
            .copied()
            .collect();
        Ok(unpack_result(layer, &packed, bits).expect("whole frames were written"))
    }

    /// Waits until one job more is done than was waited for.
    ///
    /// # Errors
    /// Memory could not be read or written, or the engine stopped, or cannot be reached.
    ///
    /// # Panics
    /// If the engine has no bus.
    pub fn wait_for_job(&mut self) -> Result<(), DriverError> {
        let held = self.memory.as_mut().expect("it has a memory");
        held.collected += 1;
        let until = held.done_before.wrapping_add(held.collected);
        for _ in 0..PATIENCE {
            let done = self.value("jobs_done")?;
            if done.wrapping_sub(until) < u32::MAX / 2 {
                return self.check_bus();
            }
            self.device.wait()?;
        }
        self.check_bus()?;
        Err(DeviceError::NotDone.into())
    }

    /// Ends the job that runs and forgets those that come next; none of them is to be collected then.
    ///
    /// # Errors
    /// The engine cannot be reached.
    ///
    /// # Panics
    /// If the engine has no bus.
    pub fn abort(&mut self) -> Result<(), DriverError> {
        self.set("command", ABORT)?;
        while self.value("state")? != 0 {
            self.device.wait()?;
        }
        let done = self.value("jobs_done")?;
        let held = self.memory.as_mut().expect("it has a memory");
        held.waiting.clear();
        held.live.clear();
        (held.done_before, held.collected) = (done, 0);
        Ok(())
    }

    /// Tells an error of the bus, and forgets it.
    fn check_bus(&mut self) -> Result<(), DriverError> {
        let stream = self.value("bus_error")?;
        let Some(number) = (stream as usize).checked_sub(1) else {
            return Ok(());
        };
        let address = self.value("bus_error_address")?;
        self.set("event", BUS_EVENTS)?;
        self.set("command", CLEAR_ERROR)?;
        let streams = self.memory.as_ref().map(|held| &held.streams);
        let name = streams.and_then(|streams| Some(streams.get(number)?.name));
        Err(DriverError::Bus {
            stream: name.unwrap_or("unknown"),
            address,
        })
    }
}

/// Bits of registers, by the map.
const BUS_EVENTS: u32 = 0b1100;
const ABORT: u32 = 1 << 1;
const CLEAR_ERROR: u32 = 1 << 3;
