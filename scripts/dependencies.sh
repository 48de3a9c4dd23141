#!/usr/bin/env bash
# What the programs are built of: licences, sources, known faults, use, the oldest Rust and the oldest versions that do.
#
#   scripts/dependencies.sh
#
# cargo-deny (`cargo install cargo-deny --locked`) looks licences, sources and advisories up; where it is missing, the first
# two are checked without it, and what is known of faults is not. Advisories come from https://github.com/rustsec/advisory-db,
# which needs a network or a copy: ADVISORY_DB=folder, one that holds the copy as cargo-deny keeps it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
missing=()

python3 scripts/dependencies/check.py

if cargo deny --version >/dev/null 2>&1; then
    cargo deny --locked check --hide-inclusion-graph licenses sources bans
    offline=()
    if [[ -n ${ADVISORY_DB:-} ]]; then
        offline=(--disable-fetch --config "$(mktemp -d)/deny.toml")
        sed "s|^\[advisories\]|&\ndb-path = \"$ADVISORY_DB\"|" deny.toml >"${offline[2]}"
    fi
    said=$(mktemp)
    if ! cargo deny --locked check "${offline[@]}" --hide-inclusion-graph advisories 2>"$said"; then
        cat "$said" >&2
        if ! grep -qi 'failed to fetch\|unable to.*advisory\|failed to load advisory' "$said"; then
            exit 1
        fi
        missing+=("advisories: their database could not be fetched; ADVISORY_DB=folder names a copy")
    fi
else
    missing+=("advisories: cargo-deny is not there (cargo install cargo-deny --locked)")
fi

# The oldest Rust that Cargo.toml names builds what is published.
oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
if cargo "+$oldest.0" --version >/dev/null 2>&1; then
    cargo "+$oldest.0" check --quiet --locked --workspace --target-dir target/oldest-rust
    echo "Rust $oldest builds it"
else
    missing+=("Rust $oldest: not installed (rustup toolchain install $oldest.0 --profile minimal); clippy checks what is used of it")
fi

# The oldest versions that Cargo.toml allows: in a copy, whose lock file is made anew. The option is of a nightly cargo, and
# is there in a stable one when it is told so.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z | xargs -0 cp --parents -t "$copy"
if (cd "$copy" && RUSTC_BOOTSTRAP=1 cargo update --quiet -Z direct-minimal-versions); then
    (cd "$copy" && CARGO_TARGET_DIR="$OLDPWD/target/oldest-versions" cargo check --quiet --locked --workspace)
    echo "the oldest versions that Cargo.toml allows build it"
else
    missing+=("oldest versions: the index of crates could not be read, or none fit together")
fi

for what in "${missing[@]}"; do
    echo "NOT CHECKED: $what" >&2
done
