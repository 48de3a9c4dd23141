//! All positions of an axis at once: those a stride apart have the same taps.
//!
//! With `h = first + stride * i` the tap `r` meets `p = i + offset`, and the offset does not depend on `i`.

use std::collections::BTreeMap;

use crate::layer::Axis;

/// Positions a stride apart, of which some have a tap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phase {
    /// The first position.
    pub(super) first: u32,
    /// Positions are `first + every * i`.
    pub(super) every: u32,
    /// The last `i`.
    pub(super) last: u32,
    /// Offset and tap, the offset rising; each of them is there for some `i`.
    pub(super) taps: Vec<(i64, u32)>,
    /// For which `i` all of them are there, first and last.
    pub(super) full: Option<(u32, u32)>,
}

/// The phases of an axis that have taps, by their first position.
pub(super) fn phases(axis: &Axis) -> Vec<Phase> {
    let stride = i64::from(axis.stride);
    let mut taps: BTreeMap<u32, Vec<(i64, u32)>> = BTreeMap::new();
    // The offset rises as the tap falls.
    for tap in (0..axis.kernel).rev() {
        let met_at = i64::from(tap) * i64::from(axis.dilation) - i64::from(axis.pad_before);
        // Below the stride, which has 32 bits.
        let first = met_at.rem_euclid(stride) as u32;
        let offset = -met_at.div_euclid(stride);
        taps.entry(first).or_default().push((offset, tap));
    }
    taps.into_iter()
        .filter_map(|(first, taps)| phase(axis, first, taps))
        .collect()
}

/// A phase whose taps meet these offsets, if any is there.
fn phase(axis: &Axis, first: u32, taps: Vec<(i64, u32)>) -> Option<Phase> {
    let last = axis.in_size.checked_sub(first + 1)? / axis.stride;
    let outs = i64::from(axis.out_size);
    let range = |offset: i64| {
        let least = (-offset).max(0);
        let most = (outs - 1 - offset).min(last.into());
        // Between 0 and `last`, which has 32 bits.
        (least <= most).then_some((least as u32, most as u32))
    };
    let taps: Vec<_> = taps
        .into_iter()
        .filter_map(|(offset, tap)| Some(((offset, tap), range(offset)?)))
        .collect();
    let (_, whole) = taps.first()?;
    let full = taps.iter().fold(*whole, |all, (_, range)| {
        (all.0.max(range.0), all.1.min(range.1))
    });
    Some(Phase {
        first,
        every: axis.stride,
        last,
        full: (full.0 <= full.1).then_some(full),
        taps: taps.into_iter().map(|(tap, _)| tap).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(in_size: u32, kernel: u32, stride: u32, dilation: u32, pad_before: u32) -> Axis {
        let span = (kernel - 1) * dilation + 1;
        Axis {
            in_size,
            out_size: (in_size + pad_before - span) / stride + 1,
            kernel,
            stride,
            dilation,
            pad_before,
            pad_after: 0,
        }
    }

    #[test]
    fn a_stride_of_two_has_two_kinds_of_rows() {
        let phases = phases(&axis(5, 3, 2, 1, 0));
        let taps: Vec<_> = phases.iter().map(|phase| phase.taps.clone()).collect();
        assert_eq!(taps, [vec![(-1, 2), (0, 0)], vec![(0, 1)]]);
        let spans: Vec<_> = phases.iter().map(|it| (it.first, it.last)).collect();
        assert_eq!(spans, [(0, 2), (1, 1)]);
        assert_eq!(phases[0].full, Some((1, 1)));
        assert_eq!(phases[1].full, Some((0, 1)));
    }

    /// Each phase, gone through, has the pairs that the definition gives; what is in no phase has none.
    #[test]
    fn phases_hold_every_pair_of_an_output_and_a_tap() {
        for (in_size, kernel, stride, dilation, pad) in [
            (9, 3, 2, 1, 0),
            (9, 3, 1, 2, 4),
            (12, 4, 3, 2, 1),
            (7, 2, 5, 1, 3),
            (1, 1, 4, 1, 0),
            (11, 3, 4, 4, 6),
        ] {
            let axis = axis(in_size, kernel, stride, dilation, pad);
            let mut pairs: Vec<(u32, u32, u32)> = Vec::new();
            for phase in phases(&axis) {
                for i in 0..=phase.last {
                    let here = phase.taps.iter().filter_map(|&(offset, tap)| {
                        let out = u32::try_from(i64::from(i) + offset).ok()?;
                        (out < axis.out_size).then_some((phase.first + i * stride, out, tap))
                    });
                    let here: Vec<_> = here.collect();
                    let full = phase.full.is_some_and(|it| it.0 <= i && i <= it.1);
                    assert_eq!(here.len() == phase.taps.len(), full);
                    pairs.extend(here);
                }
            }
            let mut expected = Vec::new();
            for out in 0..axis.out_size {
                for tap in 0..kernel {
                    let at = (out * stride + tap * dilation).checked_sub(pad);
                    expected.extend(at.filter(|&at| at < in_size).map(|at| (at, out, tap)));
                }
            }
            pairs.sort_unstable();
            expected.sort_unstable();
            assert_eq!(pairs, expected, "{axis:?}");
        }
    }
}
