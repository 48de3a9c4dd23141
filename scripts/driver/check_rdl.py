"""Reads an engine's SystemRDL file with systemrdl-compiler, holds its offsets against the C header, and makes a page.

    python3 check_rdl.py NAME.rdl NAME.h FOLDER
"""

import re
import sys
from pathlib import Path

from peakrdl_html import HTMLExporter
from systemrdl import RDLCompiler
from systemrdl.node import RegNode


def main():
    rdl, header, folder = (Path(word) for word in sys.argv[1:])
    compiler = RDLCompiler()
    compiler.compile_file(str(rdl))
    top = compiler.elaborate().top
    registers = [node for node in top.descendants(unroll=True) if isinstance(node, RegNode)]
    offsets = {}
    for node in registers:
        offsets.setdefault(node.inst_name, node.absolute_address)
    prefix = f"#define {top.inst_name.upper()}_"
    in_header = {}
    for line in header.read_text().splitlines():
        found = re.fullmatch(r"#define (\w+) 0x([0-9A-F]+)u", line)
        if found and line.startswith(prefix):
            in_header[found[1][len(prefix) - len("#define ") :].lower()] = int(found[2], 16)
    named = {name: offset for name, offset in offsets.items() if name in in_header}
    assert len(named) > 30, sorted(set(offsets) - set(in_header))
    for name, offset in named.items():
        assert in_header[name] == offset, (name, offset, in_header[name])
    HTMLExporter().export(top, str(folder))
    assert (folder / "index.html").exists()
    print(f"PASS: {len(registers)} registers, {len(named)} offsets as in the header, page in {folder}")


if __name__ == "__main__":
    main()
