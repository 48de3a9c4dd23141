#!/usr/bin/env bash
# All checks: formatting, lints and tests. Installs the tools that the tests need and that are missing; the tests for ECP5
# download packaged ones, about 600 MB, into target/ once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

missing=()
need() { # need COMMAND PACKAGE
    command -v "$1" >/dev/null || missing+=("$2")
}
# Other programs can stand in for these two; the compiler may have options behind its name.
need "${VERILATOR:-verilator}" verilator
cxx=${CXX:-g++}
need "${cxx%% *}" g++
need yosys yosys
need z3 z3
need iverilog iverilog
need nextpnr-ice40 nextpnr-ice40
# The Vivado scripts are read by it.
need tclsh tcl
# Pages are looked at in a browser without a window.
need chromium chromium
need chromedriver chromium-driver
# Models that write waveforms lean on it; a compiler that is missing asks for it, too.
echo '#include <zlib.h>' | $cxx -E -x c++ - >/dev/null 2>&1 || missing+=(zlib1g-dev)
# Synthesis for ECP5 makes a Python environment.
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)

if ((${#missing[@]})); then
    if ! command -v apt-get >/dev/null; then
        echo "missing, and there is no apt-get to install them with: ${missing[*]}" >&2
        exit 1
    fi
    as_root=()
    if ((EUID != 0)); then
        as_root=(sudo)
    fi
    echo "installing ${missing[*]}" >&2
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

cargo fmt --all --check
cargo clippy --locked --workspace --all-targets -- -D warnings
# A failing comparison is not to leave files in the work tree.
INSTA_UPDATE=no cargo test --locked --workspace --no-fail-fast
scripts/flows.sh
