#!/usr/bin/env bash
# Synthesises every layer in scripts/synth/layers for every target and prints the table of docs/synthesis.md.
# Usage: scripts/synthesis-table.sh [SEEDS]          prints the table
#        scripts/synthesis-table.sh [SEEDS] --write  puts it into docs/synthesis.md
# With five seeds this takes one to two hours on two cores, most of it in the Gowin router. Needs what `bpa synth` needs, and Python 3.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cargo build --release --locked --bin bpa
exec python3 scripts/synth/table.py "${CARGO_TARGET_DIR:-target}/release/bpa" "$@"
