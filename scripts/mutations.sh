#!/usr/bin/env bash
# Mutations of the emitted Verilog of four small engines, 1,200 unless told otherwise: each is noticed by the vectors, or
# proved to change nothing, or listed. Figures: docs/verification.md.
#
#   scripts/mutations.sh [MUTATIONS [SEED [SECONDS_OF_A_PROOF]]]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export BPA_MUTATIONS=${1:-1200} BPA_MUTATIONS_SEED=${2:-1} BPA_MUTATIONS_PROOF=${3:-20}
exec cargo test --locked --test mutations -- --nocapture
