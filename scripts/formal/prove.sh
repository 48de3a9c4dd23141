#!/usr/bin/env bash
# Proves rules of a design for all time, and shows that each of them is met where it means something.
# usage: prove.sh DESIGN.v RULES.sv [refute]
#
# RULES.sv has the module `rules`, which holds the design, states what is assumed of its surroundings, and says with
# `must what always holds and with `reach what can come to pass. A proof is an inductive invariant that IC3 (`pdr` of
# yosys-abc) finds and checks; no number of cycles bounds it. Registers start unknown: the one edge of reset that
# the rules assume is part of what is proved. With `refute` only the proof is tried, and has to fail.
# Exit codes: 0 proved and reached, 1 refuted (the number of the property and the cycle are told), 3 something is never
# reached, 2 undecided or a tool failed.
# Needs: apt-get install yosys
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
design=$(realpath "$1")
rules=$(realpath "$2")
most_seconds=300
most_frames=60
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
elaborate() { # elaborate DEFINE: leaves rules.aig, an output a property
    yosys -q -p "
        read_verilog $design
        read_verilog -sv -formal -I$here -D$1 $rules
        hierarchy -check -top rules
        proc; flatten; opt_clean
        memory_map; setundef -undriven -anyseq
        opt -full; techmap; opt -fast
        dffunmap; simplemap; abc -fast -g AND; opt_clean
        write_aiger -zinit rules.aig" >log 2>&1 || { cat log >&2; exit 2; }
    # aig M I L O A B ...: B is the number of properties.
    read -r _ _ _ _ _ _ properties _ < <(head -n 1 rules.aig | tr -d '\0')
}
began=$(date +%s%N)
elaborate PROVE
all=$properties
yosys-abc -c "read_aiger rules.aig; fold; strash; orpos; pdr -T $most_seconds" >log 2>&1
if grep -q 'was asserted in frame' log; then
    # Of the properties, the one that fails.
    yosys-abc -c "read_aiger rules.aig; fold; strash; bmc3 -F $most_frames -T $most_seconds" >log 2>&1
    echo "refuted: $(grep -o 'Output.*frame *[0-9]*' log)"
    exit 1
fi
grep -q '^Property proved' log || { cat log >&2; exit 2; }
seconds=$(($(date +%s%N) - began))
if [[ ${3-} == refute ]]; then
    echo "proved: $all properties"
    exit 0
fi
elaborate REACH
frames=()
for ((i = 0; i < properties; i++)); do
    yosys-abc -c "read_aiger rules.aig; fold; strash; cone -s -O $i; bmc3 -F $most_frames -T $most_seconds" >log 2>&1
    frame=$(sed -n 's/.*was asserted in frame *\([0-9]*\).*/\1/p' log)
    [[ -n $frame ]] || { echo "number $i of what can come to pass never does"; exit 3; }
    frames+=("$frame")
done
printf 'proved: %d properties in %d.%01d s, %d situations reached\n' "$all" $((seconds / 1000000000)) \
    $((seconds / 100000000 % 10)) "${#frames[@]}"
