#!/usr/bin/env bash
# A job from memory to memory over cocotbext-axi's AxiRam, a model of the bus that somebody else wrote, in Icarus: the whole
# memory is compared. Python packages go to target/axi-ram the first time, about 50 MB.
# Needs: apt-get install iverilog verilator g++ python3-venv
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=$PWD/target/axi-ram
scripts=$PWD/scripts/axi_ram
mkdir -p "$out/vectors"
if ! cmp -s "$scripts/requirements.txt" "$out/venv/installed.txt"; then
    rm -rf "$out/venv"
    python3 -m venv "$out/venv"
    "$out/venv/bin/pip" install -q --disable-pip-version-check -r "$scripts/requirements.txt"
    cp "$scripts/requirements.txt" "$out/venv/installed.txt"
fi
export BPA_MEMORY_VECTORS=$out/vectors
cargo test -q --locked --test engine memory::arrays_are_slices_of_tensors >/dev/null
cd "$out"
# Its tools are looked for on the path.
PATH=$out/venv/bin:$PATH PYTHONPATH=$scripts python3 "$scripts/check.py" 2>&1 | grep -E 'AxiRam:|^PASS|^FAIL|AssertionError'
