//! Numbers as inputs have them: mostly the least that there can be.

use std::fmt::Debug;

use proptest::prelude::*;
use proptest::sample::select;

/// A count: one, two, a few, or now and then more.
pub fn count() -> impl Strategy<Value = i64> {
    prop_oneof![6 => Just(1_i64), 5 => Just(2_i64), 3 => 3..=4_i64, 2 => 5..=9_i64, 1 => 10..=17_i64]
}

/// A type of integers.
pub fn int_type() -> impl Strategy<Value = String> {
    let bits = prop_oneof![3 => Just(8_u32), 2 => Just(2), 1 => Just(16), 3 => 2..=16_u32];
    bits.prop_map(|bits| format!("int{bits}"))
}

/// Any number that a file can hold, those at the ends of what is possible among them.
pub fn any_number() -> impl Strategy<Value = i64> {
    let ends = vec![
        i64::MIN,
        i64::MIN + 1,
        -4096,
        -1,
        0,
        1,
        4095,
        4096,
        65_535,
        65_536,
        u32::MAX.into(),
        1 << 32,
        1 << 62,
        i64::MAX - 1,
        i64::MAX,
    ];
    prop_oneof![2 => select(ends), 4 => -2..=20_i64, 1 => any::<i64>()]
}

/// One of these.
pub fn one_of<T: Clone + Debug + 'static>(of: &[T]) -> impl Strategy<Value = T> {
    select(of.to_vec())
}

/// A key that may be absent.
pub fn perhaps<T: Debug>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    prop::option::weighted(0.5, value)
}
