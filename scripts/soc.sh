#!/usr/bin/env bash
# Simulates examples/soc, processor and all: it runs networks, compares each value, and tells cycles.
#
#     scripts/soc.sh [--engine ENGINE.toml] [NETWORK.toml ...]
#
# Needs verilator, gcc-riscv64-unknown-elf (apt-get) and Python with venv. The processor comes from PyPI the first time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
here=$PWD
soc=$here/examples/soc
out=$here/target/soc
engine=$here/examples/engines/soc.toml
if [ "${1:-}" = --engine ]; then
    engine=$(realpath "$2")
    shift 2
fi
(($#)) || set -- examples/networks/mobilenetv2.toml
mkdir -p "$out"
python=$("$here/scripts/soc/tools.sh" "$out")
processor=$("$python" -c 'import pythondata_cpu_picorv32 as it; print(it.data_location)')/picorv32.v

cargo build -q --bin gen-verilog --example soc
built=${CARGO_TARGET_DIR:-$here/target}/debug

module=$(sed -n 's/^name = "\(.*\)"/\1/p' "$engine")
kind=$(basename "$engine" .toml)
for network in "$@"; do
    work=$out/${kind}_$(basename "$network" .toml)
    mkdir -p "$work"
    # The program and its stack, and up to a power of two.
    "$here/scripts/soc/program.sh" "$network" "$engine" "$work" "$((64 << 20))"
    bytes=$(stat -c %s "$work/program.bin")
    log2=14
    while (((8 << log2) < bytes + 8192)); do log2=$((log2 + 1)); done
    "$here/scripts/soc/program.sh" "$network" "$engine" "$work" "$((8 << log2))"
    "$python" "$soc/image.py" "$work/program.bin" "$((1 << log2))" "$work/image"
    model=$out/${kind}_ram$log2
    mkdir -p "$model"
    (
        cd "$model"
        "$built/gen-verilog" "$engine" --force --out . 2>/dev/null
        address_bits=$(sed -n 's/.*input  wire \[\([0-9]*\):0\] s_axi_awaddr,.*/\1/p' "$module.v" | head -n 1)
        verilator --cc --exe --build -O3 --x-assign fast --x-initial fast -Wno-fatal --prefix Vsoc --top-module soc \
            -GRAM_WORDS_LOG2="$log2" -GUART_CYCLES=8 "+define+SOC_ENGINE=$module" \
            "+define+SOC_ADDRESS_BITS=$((address_bits + 1))" -CFLAGS -O2 --Mdir model -o soc "$soc/sim/main.cpp" \
            "$soc/rtl/soc.v" "$soc/rtl/parts.v" "$processor" "$module.v" >verilator.txt 2>&1 ||
            { tail -n 20 verilator.txt; exit 1; }
    )
    (cd "$work" && "$model/model/soc")
done
