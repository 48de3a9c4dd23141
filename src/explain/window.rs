//! The part of an axis that a figure shows.

/// Places `first` to `first + size - 1` of an axis from `least` to `least + whole - 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) first: i64,
    pub(super) size: u32,
    pub(super) least: i64,
    pub(super) whole: i64,
}

impl Window {
    /// As much as is allowed, with `centre` in the middle as far as the axis goes on.
    pub(super) fn new(least: i64, whole: i64, most: u32, centre: i64) -> Self {
        let size = whole.min(most.into()).max(1);
        let first = (centre - (size - 1) / 2).clamp(least, least + whole.max(1) - size);
        Self {
            first,
            // At most `most`, which has 32 bits.
            size: size as u32,
            least,
            whole,
        }
    }

    /// The places that it shows.
    pub(super) fn places(self) -> impl Iterator<Item = i64> + Clone {
        (0..i64::from(self.size)).map(move |index| self.first + index)
    }

    pub(super) fn end(self) -> i64 {
        self.first + i64::from(self.size)
    }

    pub(super) fn is_part(self) -> bool {
        i64::from(self.size) < self.whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_stays_within_its_axis() {
        let first = |least, whole, most, centre| {
            let window = Window::new(least, whole, most, centre);
            assert_eq!(window.end() - window.first, i64::from(window.size));
            (window.first, window.size, window.is_part())
        };
        assert_eq!(first(-2, 9, 9, 0), (-2, 9, false));
        assert_eq!(first(-2, 20, 5, 6), (4, 5, true));
        assert_eq!(first(-2, 20, 5, -2), (-2, 5, true));
        assert_eq!(first(-2, 20, 5, 17), (13, 5, true));
        assert_eq!(first(0, 1, 7, 0), (0, 1, false));
    }
}
