"""Gives each port of a module a pin of an iCE40 HX8K in its CT256 package: NAME.pcf. And a module of the same name and
ports around `chip`, which is what icebox_vlog makes of the bitstream: NAME_chip.v.

    pins.py NAME.v
"""

import pathlib
import re
import sys

sys.path.append("/usr/share/fpga-icestorm/python")
import icebox  # noqa: E402


def ports(text, name):
    """The direction, width (None for a single bit) and name of each port of the module."""
    head = re.search(rf"^module {name} \((.*?)^\);", text, re.S | re.M).group(1)
    found = re.findall(r"(input|output)\s+wire\s+(?:\[(\d+):0\]\s+)?(\w+)", head)
    return [(direction, int(high) + 1 if high else None, port) for direction, high, port in found]


def bits(width, port):
    return [port] if width is None else [f"{port}[{bit}]" for bit in range(width)]


def main():
    source = pathlib.Path(sys.argv[1])
    name = source.stem
    found = ports(source.read_text(), name)
    single = [bit for _, width, port in found for bit in bits(width, port)]
    pins = [place[0] for place in icebox.pinloc_db["8k-ct256"]]
    if len(single) > len(pins):
        sys.exit(f"{name} has {len(single)} bits at its ports, and the package {len(pins)} pins")
    with open(source.with_suffix(".pcf"), "w") as file:
        file.writelines(f"set_io {bit} {pin}\n" for bit, pin in zip(single, pins))
    with open(source.with_name(f"{name}_chip.v"), "w") as file:
        wide = lambda width: "" if width is None else f"[{width - 1}:0] "  # noqa: E731
        heads = ",\n".join(f"  {direction} wire {wide(width)}{port}" for direction, width, port in found)
        joined = ",\n".join(f"    .\\{bit} ({bit})" for bit in single)
        file.write(f"module {name} (\n{heads}\n);\n  chip chip (\n{joined}\n  );\nendmodule\n")


main()
