"""Three layers that nobody chose: drawn from the version of this project, so that each release has other ones."""

import random
import re

LAYER = """\
name = "{name}"
[layer]
in_channels = {c}
out_channels = {k}
in_size = [{h}, {w}]
kernel = [{r}, {s}]
stride = [{u}, {v}]
dilation = [{d}, {d}]
padding = [{p}, {p}, {q}, {q}]
[engine]
simd = 4
pe = 4
"""


def drawn(folder, count=3):
    """Writes the layers' files; each with what it is in words."""
    with open("Cargo.toml") as file:
        version = re.search(r'^version = "(.*)"', file.read(), re.MULTILINE).group(1)
    draw = random.Random(f"bpa-engine {version}")
    layers = []
    for index in range(count):
        r, s = (draw.choice([1, 2, 3, 3, 4, 5, 7]) for _ in range(2))
        d = draw.choice([1, 1, 2, 3])
        numbers = {
            "name": f"drawn{index}",
            "c": 4 * draw.randint(1, 32),
            "k": 4 * draw.randint(1, 32),
            "h": draw.randint(20, 112),
            "w": draw.randint(20, 112),
            "r": r,
            "s": s,
            "u": draw.choice([1, 1, 2, 3]),
            "v": draw.choice([1, 1, 2, 3]),
            "d": d,
            "p": d * (r - 1) // 2,
            "q": d * (s - 1) // 2,
        }
        path = folder / f"drawn{index}.toml"
        path.write_text(LAYER.format(**numbers))
        words = "{k} to {c} channels, {h}x{w}, kernel {r}x{s}, stride {u}x{v}, dilation {d}".format(**numbers)
        layers.append((path, words))
    return layers
