//! Places in the arena: arrays that are not alive at once may share one.

use super::{Buffer, CompileError, MOST_BYTES};

/// Every array begins at a multiple of so many bytes, or of more.
pub(super) const ALIGN: u64 = 8;

/// Gives each buffer its place, the largest first, each at the lowest address that is free as long as it lives. The bytes
/// of all of them.
pub(super) fn place(buffers: &mut [Buffer], align: u64) -> Result<u32, CompileError> {
    let mut order: Vec<usize> = (0..buffers.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(buffers[index].bytes()));
    let mut placed: Vec<usize> = Vec::new();
    let mut end = 0;
    for index in order {
        let bytes = buffers[index].bytes();
        let mut taken: Vec<(u64, u64)> = placed
            .iter()
            .map(|&other| &buffers[other])
            .filter(|other| overlaps(&other.live, &buffers[index].live))
            .map(|other| {
                (
                    u64::from(other.offset),
                    u64::from(other.offset) + other.bytes(),
                )
            })
            .collect();
        taken.sort_unstable();
        let mut at = 0;
        for (from, to) in taken {
            if at + bytes <= from {
                break;
            }
            at = at.max(to.next_multiple_of(align));
        }
        end = end.max(at + bytes);
        if end > MOST_BYTES {
            return Err(CompileError::TooLarge {
                what: "the arrays",
                bytes: end,
                most: MOST_BYTES,
            });
        }
        buffers[index].offset = at as u32;
        placed.push(index);
    }
    Ok(end.next_multiple_of(align) as u32)
}

fn overlaps(a: &std::ops::Range<usize>, b: &std::ops::Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

#[cfg(test)]
mod tests {
    use super::super::Role;
    use super::*;

    fn buffer(bytes: u32, live: std::ops::Range<usize>) -> Buffer {
        Buffer {
            name: String::new(),
            role: Role::Internal,
            element_bytes: 1,
            shape: [1, 1, 1, bytes],
            pitch: bytes,
            live,
            offset: 0,
        }
    }

    #[test]
    fn arrays_that_live_at_once_lie_apart_and_others_share() {
        let mut buffers = [
            buffer(100, 0..2),
            buffer(50, 1..3),
            buffer(100, 2..4),
            buffer(9, 0..4),
        ];
        let arena = place(&mut buffers, ALIGN).unwrap();
        let offsets = buffers.each_ref().map(|buffer| buffer.offset);
        assert_eq!(offsets, [0, 104, 0, 160]);
        assert_eq!(arena, 176);
    }

    #[test]
    fn what_has_no_place_below_two_gigabytes_is_refused() {
        let mut buffers = [buffer(u32::MAX, 0..1)];
        assert!(matches!(
            place(&mut buffers, ALIGN),
            Err(CompileError::TooLarge { .. })
        ));
    }
}
