//! Promise: a blob that is not what it should be is refused with the name of what is wrong, before anything is done.

use crate::networks::{IN_MEMORY, NETWORK};
use crate::rig::Rig;

/// Words of the header.
const BUFFERS_AT: usize = 8;
const OPERATIONS_AT: usize = 10;
const JOBS_AT: usize = 12;

/// A blob whose words can be changed.
struct Edited(Vec<u8>);

impl Edited {
    fn word(&self, index: usize) -> u32 {
        u32::from_le_bytes(self.0[4 * index..][..4].try_into().unwrap())
    }

    fn set(&mut self, index: usize, value: u32) {
        self.0[4 * index..][..4].copy_from_slice(&value.to_le_bytes());
    }

    /// A word of a record of a table: that of the header at `table`.
    fn set_in(&mut self, table: usize, word: usize, value: u32) {
        let at = self.word(table) as usize / 4;
        self.set(at + word, value);
    }

    fn get_in(&self, table: usize, word: usize) -> u32 {
        self.word(self.word(table) as usize / 4 + word)
    }

    /// With the checksum of what is there now.
    fn summed(mut self) -> Vec<u8> {
        let mut crc = flate2::Crc::new();
        crc.update(&self.0[16..]);
        self.set(3, crc.sum());
        self.0
    }
}

fn status(rig: &Rig, blob: &[u8], arena: &[u8]) -> String {
    let (said, after) = rig.run(blob, arena, ["0", "1", "0", "1"]);
    let status = said.lines().next().unwrap().to_owned();
    let began = ["BPA_OK", "BPA_ERR_JOB_REFUSED"].contains(&status.as_str());
    assert!(began || after == arena, "{status}: something was done");
    status
}

type Edit = fn(&mut Edited);

#[test]
fn bad_blobs_are_refused_by_name() {
    let rig = Rig::accumulates();
    let compiled = rig.compile(NETWORK, 5);
    let arena = compiled.arena();
    let of = |blob: &[u8]| status(rig, blob, &arena);
    let whole = &compiled.blob;
    assert_eq!(of(whole), "BPA_OK");
    for length in [0, 8, 15, 16, 115, 116, whole.len() - 1] {
        assert_eq!(
            of(&whole[..length]),
            "BPA_ERR_BLOB_TRUNCATED",
            "{length} bytes"
        );
    }
    // More than the blob is no harm.
    assert_eq!(of(&[&whole[..], &[1, 2, 3]].concat()), "BPA_OK");
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 4;
    assert_eq!(of(&damaged), "BPA_ERR_BLOB_CHECKSUM");
    let other = Rig::adds().compile(NETWORK, 5);
    assert_eq!(of(&other.blob), "BPA_ERR_BLOB_ENGINE");
    assert_eq!(status(rig, whole, &arena[8..]), "BPA_ERR_ARENA");

    let edits: &[(Edit, &str)] = &[
        (|it| it.set(0, 0x4e41_5043), "BPA_ERR_BLOB_MAGIC"),
        (|it| it.set(1, 1), "BPA_ERR_BLOB_VERSION"),
        (|it| it.set(4, it.word(4) / 2), "BPA_ERR_BLOB_RANGE"),
        (|it| it.set(BUFFERS_AT, 0xffff_fff0), "BPA_ERR_BLOB_RANGE"),
        (|it| it.set(11, it.word(11) - 1), "BPA_ERR_BLOB_RANGE"),
        (|it| it.set(9, it.word(9) - 1), "BPA_ERR_BLOB_VALUE"),
        (|it| it.set(13, 5), "BPA_ERR_BLOB_ENGINE"),
        (|it| it.set(15, 4096), "BPA_ERR_WIDE_BEAT"),
        (|it| it.set(15, 1), "BPA_ERR_BLOB_VALUE"),
        // A buffer: its name, place, element, frames.
        (
            |it| it.set_in(BUFFERS_AT, 0, 0x7fff_ffff),
            "BPA_ERR_BLOB_RANGE",
        ),
        (
            |it| it.set_in(BUFFERS_AT, 1, it.word(4)),
            "BPA_ERR_BLOB_RANGE",
        ),
        (|it| it.set_in(BUFFERS_AT, 1, 4), "BPA_ERR_BLOB_VALUE"),
        (|it| it.set_in(BUFFERS_AT, 2, 3), "BPA_ERR_BLOB_VALUE"),
        (
            |it| it.set_in(BUFFERS_AT, 4, 0x4000_0000),
            "BPA_ERR_BLOB_VALUE",
        ),
        (|it| it.set_in(BUFFERS_AT, 4, 1), "BPA_ERR_BLOB_VALUE"),
        // An operation: its kind, jobs, buffers.
        (|it| it.set_in(OPERATIONS_AT, 0, 3), "BPA_ERR_BLOB_VALUE"),
        (|it| it.set_in(OPERATIONS_AT, 1, 1), "BPA_ERR_BLOB_VALUE"),
        (|it| it.set_in(OPERATIONS_AT, 2, 1000), "BPA_ERR_BLOB_RANGE"),
        (|it| it.set_in(OPERATIONS_AT, 3, 1000), "BPA_ERR_BLOB_RANGE"),
        // A job: its words, frames, weights, channels, what it waits for.
        (|it| it.set_in(JOBS_AT, 0, it.word(2)), "BPA_ERR_BLOB_RANGE"),
        (|it| it.set_in(JOBS_AT, 2, 3), "BPA_ERR_BLOB_VALUE"),
        (
            |it| it.set_in(JOBS_AT, 3, it.word(2) - 4),
            "BPA_ERR_BLOB_RANGE",
        ),
        (
            |it| it.set_in(JOBS_AT, 4, 0x2000_0000),
            "BPA_ERR_BLOB_RANGE",
        ),
        (
            |it| it.set_in(JOBS_AT, 6, 0x8000_0000),
            "BPA_ERR_BLOB_VALUE",
        ),
        (|it| it.set_in(JOBS_AT, 9, 3), "BPA_ERR_BLOB_VALUE"),
        (|it| it.set_in(JOBS_AT, 10, 1), "BPA_ERR_BLOB_VALUE"),
        // Addresses out of range: a register beside the table, a channel that the array has not.
        (
            |it| it.set(it.get_in(JOBS_AT, 0) as usize / 4, 0x40),
            "BPA_ERR_BLOB_RANGE",
        ),
        (
            |it| it.set(it.get_in(JOBS_AT, 5) as usize / 4, 0x0001_0032),
            "BPA_ERR_BLOB_RANGE",
        ),
        // Words that are no layer: the engine says so.
        (
            |it| {
                let at = it.get_in(JOBS_AT, 0) as usize / 4;
                (0..it.get_in(JOBS_AT, 1) as usize)
                    .for_each(|word| it.set(at + 2 * word + 1, u32::MAX));
            },
            "BPA_ERR_JOB_REFUSED",
        ),
    ];
    for (index, (edit, name)) in edits.iter().enumerate() {
        let mut edited = Edited(whole.clone());
        edit(&mut edited);
        assert_eq!(of(&edited.summed()), *name, "edit {index}");
    }
}

/// Arrays in memory that are not within arena and blob, or not told.
#[test]
fn arrays_that_lie_elsewhere_are_refused() {
    let rig = Rig::memory();
    let compiled = rig.compile(IN_MEMORY, 5);
    let arena = compiled.arena();
    let bus = compiled.program.formats.memory.as_ref().unwrap();
    // The words of the first job that tell an array, from its address on.
    let words = |it: &Edited, array: usize, word: u32| {
        let offset = bus.arrays[array].unwrap() + word * bus.step;
        let at = it.get_in(JOBS_AT, 0) as usize / 4;
        let places = (0..it.get_in(JOBS_AT, 1) as usize).map(|index| at + 2 * index);
        let mut places = places.filter(|&place| it.word(place) & !3 == offset);
        places.next().unwrap()
    };
    let edit = |array, word, change: &dyn Fn(u32) -> u32| {
        let mut edited = Edited(compiled.blob.clone());
        let place = words(&edited, array, word) + 1;
        edited.set(place, change(edited.word(place)));
        status(rig, &edited.summed(), &arena)
    };
    let (data, weight, result) = (0, 1, 3);
    assert_eq!(edit(data, 0, &|_| arena.len() as u32), "BPA_ERR_BLOB_RANGE");
    assert_eq!(edit(data, 1, &|it| it | 0x4000_0000), "BPA_ERR_BLOB_RANGE");
    assert_eq!(
        edit(weight, 0, &|_| compiled.blob.len() as u32),
        "BPA_ERR_BLOB_RANGE"
    );
    assert_eq!(
        edit(result, 3, &|it| it + 0x4000_0000),
        "BPA_ERR_BLOB_RANGE"
    );
    assert_eq!(
        edit(result, 7, &|it| it.wrapping_neg()),
        "BPA_ERR_BLOB_RANGE"
    );
    let base = |array, word, base: u32| {
        let mut edited = Edited(compiled.blob.clone());
        let place = words(&edited, array, word);
        edited.set(place, (edited.word(place) & !3) | base);
        status(rig, &edited.summed(), &arena)
    };
    // An address that is not relocated, or to the wrong place; a number that is no address.
    for (array, word, low) in [
        (data, 0, 0),
        (data, 0, 2),
        (weight, 0, 1),
        (result, 0, 3),
        (data, 1, 1),
    ] {
        assert_eq!(
            base(array, word, low),
            "BPA_ERR_BLOB_VALUE",
            "{array} {word} {low}"
        );
    }
    let mut edited = Edited(compiled.blob.clone());
    let place = words(&edited, data, 4);
    edited.set(place, bus.arrays[data].unwrap());
    assert_eq!(status(rig, &edited.summed(), &arena), "BPA_ERR_BLOB_VALUE");
    let streams = Rig::accumulates().compile(NETWORK, 5);
    assert_eq!(status(rig, &streams.blob, &arena), "BPA_ERR_BLOB_ENGINE");
}

/// `scripts/driver.sh` has more cases.
#[test]
fn changed_blobs_do_no_harm() {
    let rig = Rig::accumulates();
    let in_memory = Rig::memory();
    let said = in_memory.fuzz(&in_memory.compile(IN_MEMORY, 5).blob, 10_000, 1);
    assert!(said.contains(" BPA_ERR_BLOB_RANGE\n"), "{said}");
    let said = rig.fuzz(&rig.compile(NETWORK, 5).blob, 10_000, 1);
    for name in [
        "BPA_OK",
        "BPA_ERR_BLOB_TRUNCATED",
        "BPA_ERR_BLOB_CHECKSUM",
        "BPA_ERR_BLOB_ENGINE",
        "BPA_ERR_BLOB_RANGE",
        "BPA_ERR_BLOB_VALUE",
    ] {
        assert!(said.contains(&format!(" {name}\n")), "{said}");
    }
}
