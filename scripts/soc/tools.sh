#!/usr/bin/env bash
# Fetches what examples/soc needs from PyPI into DIR/venv, once, and tells the Python that has it.
#
#     scripts/soc/tools.sh DIR
set -euo pipefail
requirements=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/requirements.txt
venv=$1/venv
if ! cmp -s "$requirements" "$venv/installed.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check -r "$requirements"
    cp "$requirements" "$venv/installed.txt"
fi
echo "$venv/bin/python3"
