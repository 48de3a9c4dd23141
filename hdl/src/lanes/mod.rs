//! The lanes: SIMD x PE multipliers, the adder trees behind them and an accumulator for each of the PE.

pub mod accumulator;
pub mod mac;
