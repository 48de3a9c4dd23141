"""The tables of docs/synthesis.md, from the answers of `bpa synth --json`. Called by scripts/synthesis-table.sh."""

import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from drawn import drawn

# All layers are placed on this one.
MAIN = "ecp5-85k"
TARGETS = ["ice40-up5k", "ice40-hx8k", MAIN, "gowin-gw2a", "xilinx-xc7", "xilinx-xcup", "generic"]
LAYERS = sorted(pathlib.Path("scripts/synth/layers").glob("*.toml"))
# These on every device.
SOME = ["mobilenet_dw_s2", "resnet18_layer2_down", "small_strided", "stride2_dilation3"]
# This one is small enough for the smallest device, and no layer of a network.
MADE_UP = ["small_strided"]
PAGE = pathlib.Path("docs/synthesis.md")


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


def tools(answers):
    known = {}
    for target, answer in answers:
        if answer is not None:
            known[target] = ", ".join(f"{name} {version}" for name, version in answer["tools"].items())
    return [f"- {target}: {versions}" for target, versions in known.items()]


def synthesise_all(program, layers, seeds):
    """The answers for the main device, as many at once as there are cores."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda layer: synthesise(program, layer, MAIN, seeds), layers))


def unnamed(program, seeds):
    """Layers that nobody chose, on the main device."""
    with tempfile.TemporaryDirectory() as folder:
        layers = drawn(pathlib.Path(folder))
        answers = synthesise_all(program, [path for path, _ in layers], seeds)
    rows = ["| layer, 4 x 4 lanes | MHz, median | of the bare array's | beyond its LUTs |", "|---|---|---|---|"]
    for (_, words), answer in zip(layers, answers):
        limit = answer["bare_array"]
        speed = answer["fmax_mhz_median"]
        cells = ["", ""]
        if speed is not None:
            bound = limit["fmax_mhz_median"]
            cells = [f"{speed:.0f} of {bound:.0f}", f"**{speed / bound:.2f}**"]
        rows.append("| " + " | ".join([words, *cells, f"{answer['luts'] - limit['luts']:,}"]) + " |")
    return rows + ["", f"Made by `scripts/synthesis-table.sh {seeds} --only {MAIN} --write`."]


def speeds(program, seeds):
    """Every layer on the main device."""
    rows = [
        "| layer | multipliers | MHz, median | of the bare array's | LUTs | beyond the bare array's | FFs |",
        "|---|---|---|---|---|---|---|",
    ]
    answers = []
    ratios = {}
    beyond = {}
    for layer, answer in zip(LAYERS, synthesise_all(program, LAYERS, seeds)):
        answers.append((MAIN, answer))
        limit = answer["bare_array"]
        name = layer.stem
        more = answer["luts"] - limit["luts"]
        cells = [name, str(answer["dsps"])]
        if answer["fmax_mhz_median"] is None:
            cells += ["", ""]
        else:
            ratio = answer["fmax_mhz_median"] / limit["fmax_mhz_median"]
            cells += [f"{answer['fmax_mhz_median']:.0f} of {limit['fmax_mhz_median']:.0f}", f"**{ratio:.2f}**"]
            if name not in MADE_UP:
                ratios[name] = ratio
        if name not in MADE_UP:
            beyond[name] = more
        cells += [f"{answer['luts']:,} ({answer['luts'] / limit['luts']:.2f})", f"{more:,}", f"{answer['ffs']:,}"]
        rows.append("| " + " | ".join(cells) + " |")
    worst_luts = max(beyond, key=beyond.get)
    facts = []
    if ratios:
        mean = math.exp(sum(map(math.log, ratios.values())) / len(ratios))
        worst = min(ratios, key=ratios.get)
        facts.append(
            f"Over the {len(ratios)} layers of networks the geometric mean is **{mean:.2f}** of the bare array's speed, "
            f"the worst {ratios[worst]:.2f} (`{worst}`)."
        )
    facts.append(f"The most LUTs beyond the bare array's are {beyond[worst_luts]:,} (`{worst_luts}`).")
    made = f"Made by `scripts/synthesis-table.sh {seeds} --only {MAIN} --write`, with:"
    return rows + ["", *facts, "", made, "", *tools(answers)]


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


def devices(program, seeds, targets):
    """Some layers on these devices: a row for each, and with what it was made."""
    layers = [layer for layer in LAYERS if layer.stem in SOME]
    rows, made = {}, {}
    for target in targets:
        found = [synthesise(program, layer, target, seeds) for layer in layers]
        of_seeds = "" if all(it is None or it["fmax_mhz_median"] is None for it in found) else f"<br>{seeds} seed(s)"
        rows[target] = f"| {target}{of_seeds} | " + " | ".join(map(cell, found)) + " |"
        made[target] = "\n".join(tools((target, answer) for answer in found))
    # Rows that were not made now stay as they are.
    for line in section("table"):
        for target in TARGETS:
            if line.startswith((f"| {target} ", f"| {target}<")):
                rows.setdefault(target, line)
            if line.startswith(f"- {target}: "):
                made.setdefault(target, line)
    head = ["| | " + " | ".join(layer.stem for layer in layers) + " |", "|---" * (len(layers) + 1) + "|"]
    rows, made = ([of[target] for target in TARGETS if target in of] for of in (rows, made))
    how = "Each row is made by `scripts/synthesis-table.sh SEEDS --only TARGET --write`, with:"
    return [*head, *rows, "", how, "", *made]


def split_page(name):
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    head, rest = PAGE.read_text().split(begin)
    inside, tail = rest.split(end)
    return head + begin, inside, end + tail


def section(name):
    return split_page(name)[1].splitlines()


def put(name, lines):
    head, _, tail = split_page(name)
    PAGE.write_text(head + "\n".join(lines) + "\n" + tail)


def main():
    program, *rest = sys.argv[1:]
    write = "--write" in rest
    only = rest[rest.index("--only") + 1] if "--only" in rest else None
    seeds = next((word for word in rest if word.isdigit()), "5")
    tables = {}
    if only in (None, MAIN):
        tables = {"speeds": speeds(program, seeds), "unnamed": unnamed(program, seeds)}
    tables["table"] = devices(program, seeds, TARGETS if only is None else [only])
    for name, lines in tables.items():
        if write:
            put(name, lines)
        else:
            print("\n".join(lines), end="\n\n")


main()
