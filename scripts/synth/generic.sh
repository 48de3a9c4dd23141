#!/bin/sh
# generic by hand: synthesis.
# Usage: generic.sh DESIGN.v, in a folder to leave netlist.json and stat.json in.
# Needs: apt-get install yosys
set -eu
here=$(dirname "$0")
yosys -q -l yosys.log -p "read_verilog $1; script $here/generic.ys"
