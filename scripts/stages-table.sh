#!/usr/bin/env bash
# Synthesises one layer with each of the stages that can stand behind the accumulators and prints what each costs.
# Usage: scripts/stages-table.sh          prints the table
#        scripts/stages-table.sh --write  puts it into docs/synthesis.md
# It takes some minutes. Needs what `bpa synth` needs, and Python 3.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cargo build --release --locked --bin bpa
exec python3 scripts/synth/stages.py "${CARGO_TARGET_DIR:-target}/release/bpa" "$@"
