#!/usr/bin/env bash
# Synthesises the layers in scripts/synth/layers and prints the tables of docs/synthesis.md: all of them on ecp5-85k, some on
# every device.
# Usage: scripts/synthesis-table.sh [SEEDS]                   prints the tables
#        scripts/synthesis-table.sh [SEEDS] --only TARGET     measures this device alone; other rows stay as they are
#        scripts/synthesis-table.sh [SEEDS] ... --write       puts them into docs/synthesis.md
# With five seeds the first table takes a quarter of an hour on two cores; all devices take one to two hours, most of it in
# the Gowin router. Needs what `bpa synth` needs, and Python 3.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cargo build --release --locked --bin bpa
exec python3 scripts/synth/table.py "${CARGO_TARGET_DIR:-target}/release/bpa" "$@"
