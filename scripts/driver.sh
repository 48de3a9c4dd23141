#!/usr/bin/env bash
# Checks of the C driver beyond `cargo test --test driver`: the size of its code on RV32, the Python driver on a
# Verilated engine, cycles of example networks, changed blobs by the million, and the SystemRDL file of an engine read by
# the compilers of others.
#
#     scripts/driver.sh [CASES]          # 1000000 by default
#
# Needs gcc-riscv64-unknown-elf (apt-get) beside what the tests need. Python packages go to target/driver/venv the first
# time, about 150 MB.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
here=$PWD
cases=${1:-1000000}
out=$here/target/driver
mkdir -p "$out"
warnings=(-std=c99 -Wall -Wextra -Werror -pedantic)
sources=("$here"/driver/c/bpa_engine.c "$here"/driver/c/bpa_load.c "$here"/driver/c/bpa_memory.c
    "$here"/driver/c/bpa_run.c)

echo "== code for RV32IMC, bytes =="
(
    mkdir -p "$out/rv32"
    cd "$out/rv32"
    riscv64-unknown-elf-gcc -march=rv32imc -mabi=ilp32 -Os -ffreestanding "${warnings[@]}" -c "${sources[@]}"
    riscv64-unknown-elf-size bpa_engine.o bpa_load.o bpa_memory.o bpa_run.o
    # With what the compiler's own library adds, and nothing else: a name of a libc would not be found.
    riscv64-unknown-elf-gcc -march=rv32imc -mabi=ilp32 -nostdlib -Wl,--entry=bpa_run,-u,bpa_open,-u,bpa_load \
        -Wl,-u,bpa_get_buffer,-u,bpa_counters,-u,bpa_clear_counters,-u,bpa_abort,-u,bpa_status_name \
        bpa_engine.o bpa_load.o bpa_memory.o bpa_run.o -lgcc -o driver.elf
    riscv64-unknown-elf-size driver.elf
    bytes=$(riscv64-unknown-elf-size driver.elf | awk 'NR == 2 { print $1 + $2 + $3 }')
    echo "all of it: $bytes of at most 8192"
    ((bytes <= 8192))
)

venv=$out/venv
if ! cmp -s "$here/scripts/driver/requirements.txt" "$venv/installed.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check -r "$here/scripts/driver/requirements.txt"
    cp "$here/scripts/driver/requirements.txt" "$venv/installed.txt"
fi
python=$venv/bin/python3

echo "== the Python driver on a Verilated engine =="
cargo build -q --bin bpa --bin gen-verilog
built=${CARGO_TARGET_DIR:-$here/target}/debug
work=$out/python
rm -rf "$work"
mkdir -p "$work"
cp scripts/driver/engine.toml scripts/driver/network.toml "$work"
(
    cd "$work"
    "$python" "$here/scripts/driver/arrays.py" .
    "$built/gen-verilog" engine.toml --out . 2>/dev/null
    "$built/bpa" compile network.toml --out . 2>/dev/null
    "$built/bpa" run-network network.toml --out results >/dev/null 2>&1
    verilator --cc --build -O3 --prefix Vengine --top-module engine -Wno-fatal -CFLAGS '-O1 -fPIC' --Mdir model \
        engine.v >/dev/null
    root=$(verilator --getenv VERILATOR_ROOT)
    gcc "${warnings[@]}" -O1 -fPIC -c "${sources[@]}"
    g++ -std=c++17 -O1 -fPIC -shared -DHAS_ACCUMULATE -Imodel -I"$root/include" -I"$root/include/vltstd" \
        -I"$here/driver/c" -I"$here/driver/test" -o libbpa.so "$here/driver/test/verilated_bus.cpp" \
        "$root/include/verilated.cpp" "$root/include/verilated_threads.cpp" bpa_*.o model/Vengine__ALL.a -pthread
    "$python" "$here/driver/test/run_python.py" .
)

echo "== cycles of example networks =="
networks=$out/networks
mkdir -p "$networks"
(
    cd "$networks"
    "$built/gen-verilog" "$here/examples/engines/network.toml" --out . 2>/dev/null
    verilator --cc --build -O3 --prefix Vengine --top-module network -Wno-fatal -CFLAGS -O1 --Mdir model \
        network.v >/dev/null
    root=$(verilator --getenv VERILATOR_ROOT)
    gcc "${warnings[@]}" -O1 -I"$here/driver/c" -I"$here/driver/test" -c "${sources[@]}" "$here/driver/test/run_blob.c"
    g++ -std=c++17 -O1 -Imodel -I"$root/include" -I"$root/include/vltstd" -I"$here/driver/c" -I"$here/driver/test" \
        -o run_blob "$here/driver/test/verilated_bus.cpp" "$root/include/verilated.cpp" \
        "$root/include/verilated_threads.cpp" bpa_*.o run_blob.o model/Vengine__ALL.a -pthread
    for network in segmentation_head dcgan_discriminator_quarter mobilenetv2 resnet18_56; do
        "$built/bpa" compile "$here/examples/networks/$network.toml" --out . 2>/dev/null
        # What the values are costs no cycles.
        bytes=$(sed -n 's/.*"arena_bytes": \([0-9]*\),.*/\1/p' "${network}_plan.json")
        head -c "$bytes" /dev/zero >arena
        echo "$network: $(./run_blob "$network.bpa" arena 0 1 0 1 | tr '\n' ' ')"
    done
)

echo "== $cases changed blobs =="
(
    cd "$work"
    gcc "${warnings[@]}" -g -O2 -fsanitize=address,undefined -fno-sanitize-recover=all -I"$here/driver/c" \
        "$here/driver/test/fuzz_load.c" "${sources[@]}" -o fuzz_load
    half=$((cases / 2))
    ./fuzz_load driver_network.bpa "$half" 1 2>first.log >first.txt &
    first=$!
    ./fuzz_load driver_network.bpa "$((cases - half))" 2 2>second.log >second.txt || { cat second.log; exit 1; }
    wait "$first" || { cat first.log; exit 1; }
    cat first.txt second.txt | awk '{ count[$2 " " $3 " " $4] += $1 } END { for (it in count) print count[it], it }' |
        sort -rn
)

echo "== SystemRDL =="
"$python" "$here/scripts/driver/check_rdl.py" "$work/engine.rdl" "$work/engine.h" "$out/peakrdl"
