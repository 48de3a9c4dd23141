#!/usr/bin/env bash
# The layers of examples/ in a second simulator and as netlists: their Verilog in Icarus, with the vectors and the cycles of
# Verilator; their netlists for iCE40 and ECP5 in Icarus and in Verilator. Downloads packaged tools once, 600 MB.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export BPA_NAMED_LAYERS=1
cargo test --locked --test engine icarus::
cargo test --locked --test cells -- netlists::ice40 netlists::ecp5 --nocapture
