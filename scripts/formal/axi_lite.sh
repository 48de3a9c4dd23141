#!/usr/bin/env bash
# Proves the rules of AXI4-Lite (axi_lite.sv) for the slave in a generated Verilog file, by k-induction, and shows that
# each rule is met where it means something.
# usage: axi_lite.sh FILE.v MODULE ADDRESS_BITS
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
verilog=$(realpath "$1")
module=$2
address_bits=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
yosys -q -p "
    read_verilog $verilog
    read_verilog -sv -formal -DDUT=$module -DADDRESS_BITS=$address_bits $here/axi_lite.sv
    hierarchy -check -top axi_lite_rules
    proc; flatten; opt_clean
    dffunmap
    write_smt2 -wires rules.smt2"
prove() { # prove NAME OPTION...: says what happened only where it failed
    # Without --unroll z3 takes minutes where it takes a second with it.
    if ! yosys-smtbmc --noprogress --unroll -s z3 "${@:2}" rules.smt2 >log 2>&1; then
        cat log
        echo "$1: failed for $module" >&2
        exit 1
    fi
}
prove "the rules from reset on" -t 12
prove "the rules by induction" -i -t 8
prove "the covers" -c -t 16
echo "$module keeps the rules of AXI4-Lite"
