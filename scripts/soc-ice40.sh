#!/usr/bin/env bash
# An engine as the bitstream of an iCE40 HX8K, turned back into Verilog and simulated with the test bench of
# `gen-verilog --testbench`: what is in the bitstream does what the reference says.
#
#     scripts/soc-ice40.sh
#
# Needs yosys, nextpnr-ice40, fpga-icestorm and iverilog (apt-get).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
here=$PWD
parts=$here/examples/soc/ice40
work=$here/target/soc/ice40
mkdir -p "$work"
cargo build -q --bin gen-verilog
"${CARGO_TARGET_DIR:-$here/target}/debug/gen-verilog" "$parts/engine.toml" --target ice40-hx8k --testbench --force \
    --out "$work" 2>/dev/null
cd "$work"
name=soc_ice40
python3 "$parts/pins.py" "$name.v"
yosys -q -p "read_verilog $name.v; synth_ice40 -top $name -json netlist.json"
nextpnr-ice40 --hx8k --package ct256 --json netlist.json --pcf "$name.pcf" --asc routed.asc --freq 50 -q \
    --report report.json
icepack routed.asc "$name.bin"
# From here on there is nothing but the bitstream, and which pin is which.
iceunpack "$name.bin" unpacked.asc
icebox_vlog -s -n chip -d ct256 -p "$name.pcf" unpacked.asc >chip.v
cells=$(dirname "$(dirname "$(readlink -f "$(command -v yosys)")")")/share/yosys/ice40/cells_sim.v
iverilog -g2005 -DNO_ICE40_DEFAULT_ASSIGNMENTS -o test "${name}_tb.v" "${name}_chip.v" chip.v "$cells" 2>iverilog.txt ||
    { cat iverilog.txt; exit 1; }
python3 "$here/scripts/soc/timing.py" report.json
wc -c <"$name.bin" | sed 's/$/ bytes of bitstream/'
for stalls in "" "+stall=30 +back_pressure=30 +seed=2" "+stall=60 +back_pressure=10 +seed=3"; do
    # shellcheck disable=SC2086
    said=$(vvp -n test $stalls | tail -n 1)
    echo "${stalls:-without stalls}: $said"
    [[ $said == PASS* ]]
done
# The bench notices what is wrong there: one LUT of the chip is inverted.
mapfile -t luts < <(grep -n '/\* LUT' chip.v | cut -d: -f1)
for lut in 150 300 450; do
    sed "${luts[$lut]}s#\*/ \(.*\);#*/ ~(\1);#" chip.v >broken.v
    iverilog -g2005 -DNO_ICE40_DEFAULT_ASSIGNMENTS -o broken "${name}_tb.v" "${name}_chip.v" broken.v "$cells" \
        2>iverilog.txt
    said=$(vvp -n broken | tail -n 1)
    echo "LUT $lut inverted: $said"
    [[ $said == FAIL* ]]
done
