#!/usr/bin/env bash
# Proves all that is proved of the blocks (tests/formal, scripts/formal) and prints a table of it.
# Needs what scripts/test.sh installs: yosys with yosys-abc and yosys-smtbmc, z3.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { cargo test --locked --test formal -- --nocapture && cargo test --locked --package bpa-hdl --test axi_lite -- \
    --nocapture; } >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
echo '| block | what is proved of it | proof | broken copies |'
echo '|---|---|---|---|'
grep '^| ' "$log" | sort
