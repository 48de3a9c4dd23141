#!/usr/bin/env bash
# Runs every flow that `gen-verilog` writes files for: test bench in Icarus and Verilator, assertions, FuseSoC, cocotb,
# LiteX, constraints in nextpnr, and the syntax of the Vivado script. One line each, and the exit code says whether all
# of them passed. Python packages go to target/flows/venv the first time, about 130 MB.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
here=$PWD
out=$here/target/flows
scripts=$here/scripts/flows
mkdir -p "$out"

venv=$out/venv
if ! cmp -s "$scripts/requirements.txt" "$venv/installed.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check -r "$scripts/requirements.txt"
    cp "$scripts/requirements.txt" "$venv/installed.txt"
fi
PATH=$venv/bin:$PATH
export FUSESOC_CACHE_HOME=$out/cache

cargo build -q --bin gen-verilog
gen=${CARGO_TARGET_DIR:-$here/target}/debug/gen-verilog
work=$out/work
rm -rf "$work"
all=(--testbench --fusesoc --cocotb --litex --vivado --assertions)
for layer in strided requantised quantised; do
    "$gen" "examples/$layer.toml" --out "$work" "${all[@]}" --constraints 100 2>/dev/null
done
"$gen" examples/engines/programmable.toml --out "$work" --fusesoc --litex --vivado --assertions --constraints 100 \
    --target xilinx-xc7 2>/dev/null
"$gen" examples/engines/programmable.toml --out "$work" --fusesoc --litex --vivado --assertions 2>/dev/null
"$gen" examples/engines/memory.toml --out "$work" --litex --vivado --assertions 2>/dev/null
cd "$work"

failed=0
flow() { # flow NAME COMMAND...: its last line has to be one of success
    local name=$1 log
    shift
    log=$out/log
    if "$@" >"$log" 2>&1 && ! grep -q '^FAIL' "$log"; then
        echo "$name: $(grep '^PASS' "$log" || echo PASS)"
    else
        failed=1
        echo "$name: FAILED"
        tail -20 "$log"
    fi
}
passes() { # passes COMMAND...: what it says has a line PASS
    "$@" | tee /dev/stderr | grep '^PASS' >/dev/null
}

for layer in strided requantised quantised; do
    iverilog -g2005 -o "$layer.vvp" "${layer}_tb.v" "$layer.v"
    flow "testbench in Icarus, $layer" passes vvp -n "$layer.vvp"
    flow "testbench in Icarus, $layer, with stalls" passes vvp -n "$layer.vvp" +stall=40 +back_pressure=60 +seed=3
done
verilator --binary --timing --assert -Wno-fatal --top-module strided_tb strided_tb.v strided.v strided_sva.sv \
    --Mdir verilated >/dev/null
flow "testbench and assertions in Verilator" passes verilated/Vstrided_tb +stall=40 +back_pressure=60
flow "assertions of a programmable engine, lint" \
    verilator --lint-only --assert --top-module programmable programmable.v programmable_sva.sv
flow "assertions of an engine with a memory bus, lint" \
    verilator --lint-only --assert --top-module memory memory.v memory_sva.sv
flow "FuseSoC, lint" fusesoc --cores-root . run --target=lint strided
flow "FuseSoC, sim" passes fusesoc --cores-root . run --target=sim strided
flow "FuseSoC, lint of a programmable engine" fusesoc --cores-root . run --target=lint programmable
flow "cocotb with cocotbext-axi, strided" passes python3 strided_cocotb.py
flow "cocotb with cocotbext-axi, requantised" passes python3 requantised_cocotb.py
flow "LiteX, strided" passes python3 "$scripts/litex_sim.py" . strided
flow "LiteX, quantised" passes python3 "$scripts/litex_sim.py" . quantised
flow "LiteX, programmable engine in a SoC" passes python3 "$scripts/litex_soc.py" . programmable
flow "LiteX, engine with a memory bus in a SoC" passes python3 "$scripts/litex_soc.py" . memory
flow "Vivado script, syntax" \
    passes tclsh "$scripts/tcl_check.tcl" strided_vivado.tcl programmable_vivado.tcl memory_vivado.tcl
flow "XDC and SDC" passes tclsh "$scripts/tcl_check.tcl" programmable.xdc strided.sdc
# The clock's frequency is what nextpnr reports against.
"$gen" "$here/examples/strided.toml" --out ice40 --target ice40-hx8k --constraints 25 2>/dev/null
echo 'module blink (input wire aclk, output reg q); always @(posedge aclk) q <= ~q; endmodule' >blink.v
yosys -q -p 'read_verilog blink.v; synth_ice40 -top blink -json blink.json' >/dev/null
pcf() {
    nextpnr-ice40 --hx8k --package ct256 --json blink.json --pcf ice40/strided.pcf --pcf-allow-unconstrained 2>&1 |
        sed -n "s/.*PASS at 25.00 MHz.*/PASS: 25 MHz are asked for/p"
}
flow "PCF" passes pcf
exit "$failed"
