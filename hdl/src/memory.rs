//! The memories, in the form that synthesis tools recognise.

use crate::rtl::{bits_for, Module};

const DOC: &str = "\
Memory with one write and one read port. A word written in one cycle can be read from the next.";

/// Builds a memory of `depth` words of `width` bits. `read_data` follows `read_address` by two
/// cycles: the memory's own read and its output register.
pub fn read_ahead_memory(name: &str, depth: u64, width: usize) -> Module {
    let mut m = ports(
        name,
        "`read_data` follows `read_address` by two cycles.",
        depth,
        width,
    );
    m.primitive_body(format!(
        "\
reg [{msb}:0] words [0:{last}];
reg [{msb}:0] read_q;
reg [{msb}:0] read_data_q;

assign read_data = read_data_q;

always @(posedge aclk) begin
  if (write) words[write_address] <= write_data;
  read_q <= words[read_address];
  read_data_q <= read_q;
end",
        msb = width - 1,
        last = depth - 1,
    ));
    m
}

/// Builds a memory whose output holds while `read` is low; `read_data` follows by one cycle.
pub fn held_memory(name: &str, depth: u64, width: usize) -> Module {
    let mut m = ports(
        name,
        "`read_data` changes in the cycle after `read` only.",
        depth,
        width,
    );
    m.input("read", 1, "");
    m.primitive_body(format!(
        "\
reg [{msb}:0] words [0:{last}];
reg [{msb}:0] read_data_q;

assign read_data = read_data_q;

always @(posedge aclk) begin
  if (write) words[write_address] <= write_data;
  if (read) read_data_q <= words[read_address];
end",
        msb = width - 1,
        last = depth - 1,
    ));
    m
}

fn ports(name: &str, promise: &str, depth: u64, width: usize) -> Module {
    let mut m = Module::new(name, format!("{DOC}\n{promise}"));
    let address = bits_for(depth - 1);
    m.input("aclk", 1, "");
    m.input("write", 1, "");
    m.input("write_address", address, "");
    m.input("write_data", width, "");
    m.input("read_address", address, "");
    m.output("read_data", width, "");
    m
}
