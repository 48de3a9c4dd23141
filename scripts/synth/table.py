"""The table of docs/synthesis.md, from the answers of `bpa synth --json`. Called by scripts/synthesis-table.sh."""

import json
import pathlib
import subprocess
import sys

TARGETS = ["ice40-up5k", "ice40-hx8k", "ecp5-85k", "gowin-gw2a", "xilinx-xc7", "generic"]
LAYERS = sorted(pathlib.Path("scripts/synth/layers").glob("*.toml"))
PAGE = pathlib.Path("docs/synthesis.md")
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"


def synthesise(program, layer, target, seeds):
    command = [program, "synth", str(layer), "--target", target, "--seeds", seeds, "--json"]
    print(" ".join(command[1:]), file=sys.stderr)
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode == 0:
        return json.loads(run.stdout)
    print(run.stdout, run.stderr, file=sys.stderr)
    if "is too small for" in run.stdout:
        return None
    sys.exit(f"{target}: failed")


def cell(answer):
    if answer is None:
        return "does not fit"
    limit = answer["bare_array"]

    def against(key, form):
        value, bound = answer[key], limit[key]
        ratio = f" ({value / bound:.2f})" if bound else ""
        return form.format(value) + ratio

    lines = [
        against("luts", "{} LUT"),
        against("ffs", "{} FF"),
        f"{answer['dsps']} DSP",
        against("brams", "{} BRAM"),
    ]
    if answer["fmax_mhz_median"] is not None:
        lines.insert(0, "**" + against("fmax_mhz_median", "{:.0f} MHz") + "**")
    return "<br>".join(lines)


def main():
    program, *rest = sys.argv[1:]
    write = "--write" in rest
    seeds = next((word for word in rest if word != "--write"), "5")
    names = [layer.stem for layer in LAYERS]
    tools = {}
    rows = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for target in TARGETS:
        answers = [synthesise(program, layer, target, seeds) for layer in LAYERS]
        for answer in filter(None, answers):
            tools[target] = ", ".join(f"{name} {version}" for name, version in answer["tools"].items())
        rows.append(f"| {target} | " + " | ".join(map(cell, answers)) + " |")
    rows += ["", f"Made by `scripts/synthesis-table.sh {seeds} --write`, with:", ""]
    rows += [f"- {target}: {versions}" for target, versions in tools.items()]
    table = "\n".join(rows) + "\n"
    if not write:
        print(table, end="")
        return
    head, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(head + BEGIN + table + END + rest.split(END)[1])


main()
