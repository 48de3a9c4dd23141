#!/usr/bin/env bash
# Starts many jobs of random words on a simulated programmable engine, each followed by a good one whose results have to be
# exact. usage: hostile_jobs.sh [JOBS [SEED]]; 100,000 jobs by default.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export BPA_HOSTILE_JOBS=${1-100000} BPA_HOSTILE_SEED=${2-0}
cargo test --locked --release --test engine whatever_a_job -- --nocapture
