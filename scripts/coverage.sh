#!/usr/bin/env bash
# Lines, branches and bits of signals of the emitted Verilog that the test vectors reach, as Verilator counts them: all of
# them, but for bits that a proof finds never to change, and what tests/engine/coverage/waivers.toml names with a reason.
# Prints a table, an engine a line; fails where anything else is not reached, or where a waiver is not needed.
#
#   scripts/coverage.sh            some minutes
#
# Needs what scripts/test.sh installs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export BPA_COVERAGE=all
if ! cargo test --locked --test engine coverage:: -- --nocapture >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
echo '| engine | lines | branches | bits of signals | of the rest: proved never to change | waived |'
echo '|---|---|---|---|---|---|'
grep '^| ' "$log"
