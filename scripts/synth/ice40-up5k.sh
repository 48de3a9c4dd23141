#!/bin/sh
# ice40-up5k by hand: synthesis, then place and route (of a harness, which `bpa synth --keep DIR` leaves in DIR).
# Usage: ice40-up5k.sh DESIGN.v [SEED], in a folder to leave netlist.json, stat.json and report.json in.
# Needs: apt-get install yosys nextpnr-ice40
set -eu
here=$(dirname "$0")
yosys -q -l yosys.log -p "read_verilog $1; script $here/ice40-up5k.ys"
nextpnr-ice40 --json netlist.json \
  --up5k --package sg48 --freq 100 \
  --timing-allow-fail --seed "${2:-1}" --report report.json -q -l nextpnr.log
