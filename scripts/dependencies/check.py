#!/usr/bin/env python3
"""Licences, sources, minimum Rust versions and use of the dependencies, by `cargo metadata` alone.

    scripts/dependencies/check.py

Licences that may be are those of deny.toml. A dependency's name has to stand in the sources of the crate that lists it.
"""

import json
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"


def allowed(expression, licences):
    """Whether one of the ways to meet an SPDX expression is with these licences alone."""
    words = re.findall(r"\(|\)|[^\s()/]+|/", expression)
    position = 0

    def either():
        nonlocal position
        found = both()
        while position < len(words) and words[position] in ("OR", "/"):
            position += 1
            # Both sides are read, whatever the first says.
            found = both() or found
        return found

    def both():
        nonlocal position
        found = one()
        while position < len(words) and words[position] == "AND":
            position += 1
            found = one() and found
        return found

    def one():
        nonlocal position
        word = words[position]
        position += 1
        if word == "(":
            found = either()
            position += 1
            return found
        if position < len(words) and words[position] == "WITH":
            word += " WITH " + words[position + 1]
            position += 2
        return word in licences

    return either()


def version(text):
    numbers = [int(number) for number in text.split(".")]
    return numbers + [0] * (3 - len(numbers))


def built(metadata, own):
    """Packages that the programs are built of, on any system but one without files."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    found, ahead = set(), [package["id"] for package in own]
    while ahead:
        node = ahead.pop()
        if node in found:
            continue
        found.add(node)
        for dependency in nodes[node]["deps"]:
            kinds = dependency["dep_kinds"]
            if any(kind["kind"] != "dev" and "was" not in (kind["target"] or "") for kind in kinds):
                ahead.append(dependency["pkg"])
    return found


def main():
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--all-features"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    licences = set(tomllib.loads((ROOT / "deny.toml").read_text())["licenses"]["allow"])
    own = [package for package in metadata["packages"] if package["source"] is None]
    others = [package for package in metadata["packages"] if package["source"] is not None]
    oldest = max(version(package["rust_version"]) for package in own)
    faults = []
    programs = built(metadata, own)

    for package in others:
        name = f"{package['name']} {package['version']}"
        if package["source"] != REGISTRY:
            faults.append(f"{name} comes from {package['source']}")
        if not package["license"] or not allowed(package["license"], licences):
            faults.append(f"{name} has the licence {package['license']}")
        late = package["rust_version"] and version(package["rust_version"]) > oldest
        if late and package["id"] in programs:
            faults.append(f"{name} needs Rust {package['rust_version']}, more than our {oldest}")

    for package in own:
        folder = pathlib.Path(package["manifest_path"]).parent
        folders = {pathlib.Path(other["manifest_path"]).parent for other in own}
        inner = {other for other in folders if folder in other.parents}
        sources = [
            path.read_text()
            for kind in ("src", "tests", "benches", "examples")
            for path in (folder / kind).rglob("*.rs")
            if not any(other in path.parents for other in inner)
        ]
        # What tests of several crates are made of.
        sources += [path.read_text() for path in (ROOT / "tests" / "shared").glob("*.rs")]
        for dependency in package["dependencies"]:
            word = (dependency["rename"] or dependency["name"]).replace("-", "_")
            if not any(re.search(rf"\b{word}\b", source) for source in sources):
                faults.append(f"{package['name']} lists {dependency['name']} and has no use of it")

    print(f"{len(others)} dependencies: licences, sources, Rust versions and use, {len(faults)} faults")
    for fault in faults:
        print(f"  {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
