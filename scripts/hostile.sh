#!/usr/bin/env bash
# Damaged files of each kind, a million unless told otherwise, on all processors: what comes of them is refused or taken, at
# once and in little memory. Figures: docs/verification.md.
#
#   scripts/hostile.sh [CASES [FIRST_SEED]]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export BPA_HOSTILE_CASES=${1:-1000000} BPA_HOSTILE_SEED=${2:-0}
# Sums that wrap are found as well.
export CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true
exec cargo test --locked --release --test hostile -- --nocapture --test-threads 1
