"""The table of the output stages in docs/synthesis.md, from the answers of `bpa synth --json`. Called by
scripts/stages-table.sh."""

import json
import pathlib
import subprocess
import sys

LAYER = "scripts/synth/layers/resnet18_layer2_down.toml"
TARGET = "ecp5-85k"
INT8 = ["--out-type=int8", "--scale-bits=16", "--shift=20"]
ACCUMULATE, MASK = "--with-accumulate=true", "--with-mask=true"
BIAS, ZERO_POINT, RELU = "--with-bias=true", "--zero-point=-12", "--activation=relu"
OUT_ZERO_POINT = "--out-zero-point=-12"
CHANNEL, STOCHASTIC = "--scale-per=channel", "--rounding=stochastic"
# What the layer file says, and the flags that say the same.
ENGINES = [
    ("none", []),
    ("`mask`", [MASK]),
    ("`accumulate`", [ACCUMULATE]),
    ("`bias`", [BIAS]),
    ("`zero_point`", [ZERO_POINT]),
    ("`out_type = \"int8\"`, `rounding = \"floor\"`", INT8 + ["--rounding=floor"]),
    ("the same, `\"nearest_even\"`", INT8),
    ("the same, `\"stochastic\"`", INT8 + [STOCHASTIC]),
    ("`\"nearest_even\"`, `scale_per = \"channel\"`", INT8 + [CHANNEL]),
    ("the same, `bias`", INT8 + [CHANNEL, BIAS]),
    ("the same, `activation = \"relu\"`", INT8 + [CHANNEL, BIAS, RELU]),
    ("the same, `out_zero_point`", INT8 + [CHANNEL, BIAS, RELU, OUT_ZERO_POINT]),
    ("the same, `zero_point`", INT8 + [CHANNEL, BIAS, RELU, OUT_ZERO_POINT, ZERO_POINT]),
    ("`\"nearest_even\"`, `\"channel\"`, `weight_sets = 2`", INT8 + [CHANNEL, "--weight-sets=2"]),
    (
        "`accumulate`, `mask`, `int8`, `\"stochastic\"`, `\"channel\"`",
        [ACCUMULATE, MASK, CHANNEL, STOCHASTIC] + INT8,
    ),
]
PAGE = pathlib.Path("docs/synthesis.md")
BEGIN, END = "<!-- stages -->\n", "<!-- end of stages -->\n"


def synthesise(program, flags):
    command = [program, "synth", LAYER, "--target", TARGET, "--seeds", "0", "--json"] + flags
    print(" ".join(command[1:]), file=sys.stderr)
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def main():
    program, *rest = sys.argv[1:]
    rows = [
        "| stages | LUTs | LUT RAMs | FFs | multipliers | block RAMs |",
        "|---|---|---|---|---|---|",
    ]
    keys = ["luts", "lut_rams", "ffs", "dsps", "brams"]
    without = None
    for name, flags in ENGINES:
        answer = synthesise(program, flags)
        counts = [answer[key] for key in keys]
        if without is None:
            without = counts
            cells = [f"{count:,}" for count in counts]
        else:
            cells = [f"+{count - base:,}" for count, base in zip(counts, without)]
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    table = "\n".join(rows) + "\n"
    if "--write" in rest:
        page = PAGE.read_text()
        head, tail = page.split(BEGIN)
        _, tail = tail.split(END)
        PAGE.write_text(head + BEGIN + table + END + tail)
    else:
        print(table, end="")


main()
