"""Makes the arrays of network.toml in a folder: `python3 arrays.py FOLDER`."""

import sys
from pathlib import Path

import numpy as np

SHAPES = {
    "input": (2, 5, 9, 9),
    "grad_output": (2, 4, 5, 5),
    "top": (4, 6, 1, 1),
    "depthwise": (6, 1, 3, 3),
    "strided": (6, 11, 3, 3),
    "beside": (11, 5, 3, 3),
    "beside_it": (11, 5, 1, 1),
}

random = np.random.default_rng(1)
for name, shape in SHAPES.items():
    np.save(Path(sys.argv[1]) / f"{name}.npy", random.integers(-128, 128, shape, dtype=np.int8))
