#!/usr/bin/env python3
"""Checks the pages of a book: each link to a file, and each to an anchor, leads somewhere. check_links.py FOLDER"""

import pathlib
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.append(value)
            if name in ("id", "name") and value:
                self.anchors.add(value)


def main(folder):
    pages = {}

    def page(path):
        if path not in pages:
            pages[path] = Page(path)
        return pages[path]

    broken, seen = [], 0
    # The library's documentation is checked by rustdoc.
    own = [path for path in sorted(folder.rglob("*.html")) if "rustdoc" not in path.relative_to(folder).parts]
    for path in own:
        for link in page(path).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = path if not parts.path else path.parent / unquote(parts.path)
            target = target.resolve()
            seen += 1
            if not target.exists():
                broken.append(f"{path}: {link}: no such file")
            elif parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in page(target).anchors:
                broken.append(f"{path}: {link}: no such anchor")
    print("\n".join(broken) or f"{seen} links in {len(own)} pages, all of them good")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
