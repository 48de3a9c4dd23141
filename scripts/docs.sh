#!/usr/bin/env bash
# All pages as a book, with the library's own documentation, manual pages and completions beside it: target/book. Links are
# checked. Needs mdbook, which it installs from source where it is missing; then it works without a network.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v mdbook >/dev/null; then
    PATH=$PWD/target/tools/bin:$PATH
    command -v mdbook >/dev/null || cargo install --locked mdbook --root target/tools
fi

# The book has the folders of the repository, so that a page's links to sources hold, too.
book=target/book
rm -rf "$book"
mkdir -p "$book/src"
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$book/src"
sed -e 's#](\.\./#](@#g' -e 's#](\([^@]\)#](docs/\1#g' -e 's#](@#](#g' docs/SUMMARY.md >"$book/src/SUMMARY.md"
# A folder's README is its index in a book, and the list of pages is the book's own.
find "$book/src" -name README.md -execdir mv {} index.md ';'
find "$book/src" -name '*.md' -exec sed -i -e 's#](\([^)]*\)README\.md#](\1index.md#g' -e 's#](docs/SUMMARY\.md)#](toc.html)#g' {} +
cat >"$book/book.toml" <<'TOML'
[book]
title = "bpa-engine"
language = "en"
[build]
build-dir = "html"
[output.html.print]
enable = false
TOML
mdbook build "$book"

cargo doc --locked --workspace --no-deps --target-dir target
cp -r target/doc "$book/html/rustdoc"
cargo run --locked --quiet --example shell_files -- "$book/html/shell"
python3 scripts/check_links.py "$book/html"
echo "the book begins with $book/html/index.html"
