//! The streams of data: grad_output on its way into the line buffer, results and runs of zeros on their way out as grad_input.

pub mod grad_port;
pub mod result_port;
pub mod zero_point;
