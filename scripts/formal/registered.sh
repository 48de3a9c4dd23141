#!/usr/bin/env bash
# Shows that no input of a design, clock and reset aside, reaches an output within a cycle: whatever leaves it, each valid
# and each ready, comes from registers alone.
# usage: registered.sh DESIGN.v MODULE
# Exit codes: 0 so it is, 1 an input does (which, is told).
set -euo pipefail
if ! said=$(yosys -q -p "
    read_verilog $1
    hierarchy -check -top $2
    proc; flatten; opt_clean; memory_map; opt; dffunmap; opt_clean
    cd $2
    select -set inputs i:* i:aclk %d
    select -set outputs o:*
    expose -evert-dff
    select -assert-none @outputs %ci* @inputs %i" 2>&1); then
    echo "$said"
    exit 1
fi
echo "$2: every output is a register's"
