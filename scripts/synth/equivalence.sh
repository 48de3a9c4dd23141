#!/bin/sh
# A proof that the netlist of a small design does what its Verilog says.
# Usage: equivalence.sh DESIGN.v, in the folder where generic.sh left netlist.json.
# Needs: apt-get install yosys
set -eu
here=$(dirname "$0")
yosys -q -l equivalence.log -p "read_verilog $1; script $here/equivalence.ys"
