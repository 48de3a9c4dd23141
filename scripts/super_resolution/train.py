"""Trains the network of the example super_resolution, makes integers of it, and cuts the photograph to show it on.

    python3 -m venv /tmp/sr && /tmp/sr/bin/pip install jax scikit-image scikit-learn
    /tmp/sr/bin/python scripts/super_resolution/train.py examples/super_resolution

writes network.json and photograph.pgm.gz there. It takes some minutes on two cores.

The network enlarges luminance three times, in both directions. It is FSRCNN with its small layers made alike: five
convolutions 3x3 of at most 16 channels with ReLU between them, and the transposed convolution 9x9 of stride 3 at the
end written as the equal convolution 3x3 with nine results a pixel, one for each place in 3x3. What it gives is added
to the bicubic enlargement.

The photographs that it learns from come with scikit-image and scikit-learn; the one that is shown is not among them,
and nothing is chosen by looking at it. Activations become uint8 (int8 from -128 up), weights int8 with a scale for each
channel, as the engine has them: the integers below are computed here exactly as there.
"""

import gzip
import json
import pathlib
import sys

import jax
import jax.numpy as jnp
import numpy as np
import skimage.color
import skimage.data
import sklearn.datasets

FACTOR, CHANNELS, LAYERS = 3, 16, 5
PATCH, BATCH, STEPS = 28, 16, 2500
# A result is this many grey levels a step; the engine's shift, the same for all layers.
STEP, SHIFT = 1 / 2, 20
SHOWN, CUT = "coffee", (slice(50, 350), slice(120, 420))
LEARNT = ["astronaut", "camera", "chelsea", "rocket", "coins", "brick", "gravel", "grass", "moon", "retina"]


def luminance(image):
    """Grey levels from 0 to 255."""
    return (skimage.color.rgb2gray(image[..., :3]) if image.ndim == 3 else image / 255.0) * 255.0


def photographs():
    images = [getattr(skimage.data, name)() for name in LEARNT]
    images += list(sklearn.datasets.load_sample_images().images)
    return [luminance(image) for image in images]


def bicubic(length, size):
    """The matrix that makes `size` samples of `length`: Keys' kernel, as wide as a sample of the coarser side."""
    wide = max(length / size, 1.0)
    middles = (np.arange(size) + 0.5) * length / size - 0.5
    apart = np.abs(middles[:, None] - np.arange(-8 * int(wide), length + 8 * int(wide))[None]) / wide
    near = 1.5 * apart**3 - 2.5 * apart**2 + 1
    far = -0.5 * apart**3 + 2.5 * apart**2 - 4 * apart + 2
    weights = np.where(apart <= 1, near, np.where(apart <= 2, far, 0.0))
    weights /= weights.sum(axis=1, keepdims=True)
    # Beyond the ends the last sample goes on.
    matrix = np.zeros((size, length))
    places = np.clip(np.arange(weights.shape[1]) - 8 * int(wide), 0, length - 1)
    np.add.at(matrix.T, places, weights.T)
    return matrix


def resized(image, rows, cols):
    return bicubic(image.shape[0], rows) @ image @ bicubic(image.shape[1], cols).T


def small_of(large):
    rows, cols = (size // FACTOR for size in large.shape)
    return np.clip(np.round(resized(large, rows, cols)), 0, 255)


def phases(large):
    """(rows, columns, 9): the 3x3 pixels that stand at each small one."""
    rows, cols = (size // FACTOR for size in large.shape)
    parts = large.reshape(rows, FACTOR, cols, FACTOR)
    return parts.transpose(0, 2, 1, 3).reshape(rows, cols, FACTOR * FACTOR)


def whole(parts):
    rows, cols = parts.shape[:2]
    split = parts.reshape(rows, cols, FACTOR, FACTOR)
    return split.transpose(0, 2, 1, 3).reshape(rows * FACTOR, cols * FACTOR)


def pairs():
    """Small images, and what their bicubic enlargements lack, by phases; of each photograph in several sizes."""
    found = []
    for image in photographs():
        for shrink in (1.0, 0.75, 0.55):
            rows, cols = (int(size * shrink) // FACTOR * FACTOR for size in image.shape)
            large = image[:rows, :cols] if shrink == 1.0 else resized(image, rows, cols)
            small = small_of(large)
            found.append((small, phases(large - resized(small, *large.shape))))
    return found


def widths():
    return [1] + [CHANNELS] * (LAYERS - 1) + [FACTOR * FACTOR]


def forward(parameters, x):
    """x from 0 to 1, with a channel; gives what is missing in units of 255 grey levels."""
    for index, (weight, bias) in enumerate(parameters):
        x = jax.lax.conv_general_dilated(x, weight, (1, 1), "SAME", dimension_numbers=("NHWC", "OIHW", "NHWC")) + bias
        if index + 1 < LAYERS:
            x = jax.nn.relu(x)
    return x


def loss(parameters, x, y):
    return jnp.mean((forward(parameters, x) - y) ** 2)


@jax.jit
def step(parameters, means, squares, x, y, count, rate):
    gradient = jax.grad(loss)(parameters, x, y)
    means = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, means, gradient)
    squares = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, squares, gradient)
    by = rate * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    parameters = jax.tree.map(lambda p, m, s: p - by * m / (jnp.sqrt(s) + 1e-9), parameters, means, squares)
    return parameters, means, squares


def batch(random, data, chances):
    xs, ys = [], []
    for index in random.choice(len(data), BATCH, p=chances):
        small, missing = data[index]
        row, col = (random.integers(0, size - PATCH + 1) for size in small.shape)
        x = small[row : row + PATCH, col : col + PATCH]
        y = whole(missing[row : row + PATCH, col : col + PATCH])
        turns, flip = random.integers(4), random.integers(2)
        x, y = np.rot90(x, turns), np.rot90(y, turns)
        x, y = (x[:, ::-1], y[:, ::-1]) if flip else (x, y)
        xs.append(x[..., None] / 255.0)
        ys.append(phases(y) / 255.0)
    return np.stack(xs).astype(np.float32), np.stack(ys).astype(np.float32)


def train(data):
    random = np.random.default_rng(3)
    sizes = widths()
    parameters = []
    for index in range(LAYERS):
        spread = np.sqrt(2 / (9 * sizes[index])) * (0.1 if index + 1 == LAYERS else 1.0)
        weight = random.normal(0, spread, (sizes[index + 1], sizes[index], 3, 3))
        parameters.append((weight.astype(np.float32), np.zeros(sizes[index + 1], np.float32)))
    means = jax.tree.map(np.zeros_like, parameters)
    squares = jax.tree.map(np.zeros_like, parameters)
    areas = np.array([small.size for small, _ in data], float)
    for count in range(1, STEPS + 1):
        rate = 2e-3 * 0.5 * (1 + np.cos(np.pi * count / STEPS)) + 1e-5
        x, y = batch(random, data, areas / areas.sum())
        parameters, means, squares = step(parameters, means, squares, x, y, count, rate)
        if count % 500 == 0:
            error = float(loss(parameters, x, y))
            print(f"step {count}: {10 * np.log10(1 / error):.2f} dB on its batch", file=sys.stderr, flush=True)
    return [(np.array(weight), np.array(bias)) for weight, bias in parameters]


def integers(parameters, data):
    """Weights, biases and scales of each layer. A layer's results are 0 to 255 steps of its own, chosen by what the
    photographs make of it; those of the last one are STEP grey levels, 128 of them being zero."""
    samples = [small[None, ..., None] / 255.0 for small, _ in data[::3]]
    x_step, layers = 1 / 255, []
    for index, (weight, bias) in enumerate(parameters):
        is_last = index + 1 == LAYERS
        outputs = []
        for x in samples:
            y = jax.lax.conv_general_dilated(
                x.astype(np.float32), weight, (1, 1), "SAME", dimension_numbers=("NHWC", "OIHW", "NHWC")) + bias
            outputs.append(np.asarray(y if is_last else jax.nn.relu(y)))
        most = np.mean([np.quantile(y, 0.9999) for y in outputs])
        y_step = STEP / 255 if is_last else float(most) / 255
        w_step = np.abs(weight).max(axis=(1, 2, 3)) / 127
        scale = np.maximum(np.round(x_step * w_step / y_step * 2.0**SHIFT), 1).astype(int)
        assert scale.max() < 2**15, scale
        # The step of a weight that the integer scale stands for.
        w_step = scale * y_step / x_step / 2.0**SHIFT
        rounded = np.clip(np.round(weight / w_step[:, None, None, None]), -127, 127).astype(int)
        lift = 128 * y_step if is_last else 0.0
        layers.append({
            "weight": rounded.tolist(),
            "bias": np.round((bias + lift) / (x_step * w_step)).astype(int).tolist(),
            "scale": scale.tolist(),
        })
        samples, x_step = outputs, y_step
    return layers


def computed(layers, small):
    """What the engine computes of a small image, by phases, in grey levels."""
    x = small[..., None].astype(int)  # int8 plus 128
    for layer in layers:
        weight, scale = np.array(layer["weight"]), np.array(layer["scale"])
        rows, cols, _ = x.shape
        padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
        total = np.zeros((rows, cols, len(scale)), int) + np.array(layer["bias"])
        for r in range(3):
            for s in range(3):
                total += padded[r : r + rows, s : s + cols] @ weight[:, :, r, s].T
        x = np.clip(np.rint(total * scale / 2.0**SHIFT), 0, 255).astype(int)
    return (x - 128) * STEP


def psnr(found, wanted):
    inner = (slice(FACTOR, -FACTOR), slice(FACTOR, -FACTOR))
    error = np.mean((np.clip(np.round(found), 0, 255)[inner] - wanted[inner]) ** 2)
    return 10 * np.log10(255**2 / error)


def main():
    folder = pathlib.Path(sys.argv[1])
    data = pairs()
    parameters = train(data)
    layers = integers(parameters, data)
    shown = np.round(luminance(getattr(skimage.data, SHOWN)())[CUT])
    small = small_of(shown)
    plain = resized(small, *shown.shape)
    floating = np.asarray(forward(parameters, (small[None, ..., None] / 255.0).astype(np.float32)))[0] * 255
    for name, image in [("bicubic", plain), ("floating point", plain + whole(floating)),
                        ("integers", plain + whole(computed(layers, small)))]:
        print(f"{name}: {psnr(image, shown):.2f} dB", file=sys.stderr)
    text = json.dumps({"factor": FACTOR, "channels": CHANNELS, "shift": SHIFT, "step": STEP, "layers": layers})
    (folder / "network.json").write_text(text + "\n")
    header = f"P5 {shown.shape[1]} {shown.shape[0]} 255\n".encode()
    packed = gzip.compress(header + shown.astype(np.uint8).tobytes(), mtime=0)
    (folder / "photograph.pgm.gz").write_bytes(packed)


main()
