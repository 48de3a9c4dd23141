#!/usr/bin/env bash
# Whether what is checked in can be released: version, changelog, pages, dependencies, packages. Publishes nothing.
#
#   scripts/release.sh VERSION
#
# Packages are built from the files that are packed, against one another. The tests are scripts/test.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
wanted=${1:?scripts/release.sh VERSION}
faults=()
fault() {
    faults+=("$1")
    echo "FAULT: $1" >&2
}

if [[ -n $(git status --porcelain) ]]; then
    fault "the work tree has changes that are not checked in"
fi
if git rev-parse --quiet --verify "refs/tags/v$wanted" >/dev/null; then
    fault "there is a tag v$wanted already"
fi

# The packages have one version, and ask for that of one another.
while read -r name version; do
    [[ $version == "$wanted" ]] || fault "$name has version $version, not $wanted: workspace.package.version in Cargo.toml"
done < <(cargo metadata --locked --no-deps --format-version 1 |
    python3 -c 'import json, sys; [print(it["name"], it["version"]) for it in json.load(sys.stdin)["packages"]]')
while read -r line; do
    [[ $line == *"version = \"$wanted\""* ]] || fault "Cargo.toml asks for another version: $line"
done < <(grep -E '^bpa-(hdl|sim) = ' Cargo.toml)
newest=$(sed -n 's/^## \([0-9][^ ]*\).*/\1/p' CHANGELOG.md | head -n 1)
[[ $newest == "$wanted" ]] || fault "the newest version in CHANGELOG.md is $newest, not $wanted"

scripts/docs.sh >/dev/null || fault "scripts/docs.sh: the book cannot be made"
cargo doc --quiet --locked --workspace --no-deps || fault "cargo doc: the libraries' pages cannot be made"
scripts/dependencies.sh || fault "scripts/dependencies.sh: the dependencies are not as they should be"
cargo package --quiet --locked --workspace --allow-dirty --target-dir target/release-check ||
    fault "cargo package: what is packed cannot be built"

if ((${#faults[@]})); then
    echo "${#faults[@]} faults: no release" >&2
    exit 1
fi
echo "$wanted can be released; the packages are in target/release-check/package"
