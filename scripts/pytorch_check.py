#!/usr/bin/env python3
"""What the engine computes of the convolutions of a PyTorch layer or model, beside what autograd does.

    scripts/pytorch_check.py 'nn.Conv2d(8, 16, 3, stride=2, padding=1)' 2,8,12,12
    scripts/pytorch_check.py 'nn.Sequential(nn.Conv2d(3, 8, 3), nn.ConvTranspose2d(8, 3, 2, stride=2))' 1,3,10,10
    scripts/pytorch_check.py mymodel.py:Net 1,3,32,32

The model, an expression or a class that needs no arguments, is run forward and backward in floating point on random
values. Input, weight and gradient of each convolution are then made int8 by a scale each. On these the simulated Verilog
computes output, gradient of the input and gradient of the weight, and PyTorch the same: they must be equal, number by
number. Last comes how far the engine's numbers times their scales are from those in floating point, as a part of the
largest: what eight bits cost. Biases are left out.

Needs PyTorch, NumPy, Verilator, and `bpa`: the one that BPA names, else `cargo run --release`. Ends with 1 where a number
differs."""
import argparse
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

ROOT = pathlib.Path(__file__).resolve().parent.parent
LANES = 4


def bpa(folder, words):
    program = [os.environ["BPA"]] if "BPA" in os.environ else [
        "cargo", "run", "--release", "--quiet", "--manifest-path", str(ROOT / "Cargo.toml"), "--bin", "bpa", "--"
    ]
    ran = subprocess.run(program + words, cwd=folder, capture_output=True, text=True)
    if ran.returncode:
        sys.exit(f"bpa {' '.join(words)}\n{ran.stderr}")


def model_of(text):
    if ".py:" not in text:
        return eval(text, {"nn": nn, "torch": torch})
    path, name = text.rsplit(":", 1)
    spec = importlib.util.spec_from_file_location("model", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)()


def recorded(model, shape):
    """Input, output and gradients of each convolution, in the order in which they are run."""
    layers = []

    def hook(name):
        def keep(module, inputs, output):
            source = inputs[0]
            if source.requires_grad:
                source.retain_grad()
            output.retain_grad()
            layers.append((name, module, source, output))
        return keep

    for name, module in model.named_modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            module.register_forward_hook(hook(name or "layer"))
    output = model(torch.randn(shape).requires_grad_())
    output.backward(torch.randn(output.shape))
    return layers


def whole(tensor):
    """The tensor as int8, and the scale of one."""
    scale = tensor.abs().max().item() / 127 or 1.0
    return (tensor / scale).round().double(), scale


def lanes(simd, pe):
    return ["--simd", str(min(LANES, simd)), "--pe", str(min(LANES, pe))]


def flags(module, size, transposed):
    """The layer as a convolution: of a transposed one, the one whose data gradient it is."""
    channels = [module.in_channels, module.out_channels]
    pairs = {"kernel": module.kernel_size, "stride": module.stride, "dilation": module.dilation,
             "padding": module.padding}
    words = []
    for key, value in pairs.items():
        words += [f"--{key}", ",".join(str(number) for number in value)]
    c, k = channels[::-1] if transposed else channels
    return words + ["--in-channels", str(c), "--out-channels", str(k), "--groups", str(module.groups),
                    "--in-size", f"{size[0]},{size[1]}"]


def engine(folder, module, arrays, sizes):
    """Output, gradient of the input and of the weight, by the engine."""
    transposed = isinstance(module, nn.ConvTranspose2d)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array.numpy().astype(np.int8))
    groups, batch = module.groups, arrays["x"].shape[0]
    of_group = [module.in_channels // groups, module.out_channels // groups]
    # What the convolution reads and gives, by its own names.
    c, k = of_group[::-1] if transposed else of_group
    size, out_size = sizes[::-1] if transposed else sizes
    words = flags(module, size, transposed) + ["--out-size", f"{out_size[0]},{out_size[1]}"]
    source, gradient = ("dy", "x") if transposed else ("x", "dy")
    depthwise = groups > 1
    over = lambda channels: groups if depthwise and channels == 1 else channels
    runs = {
        "forward": (["--input", f"{source}.npy", "--weight", "w.npy", "--output", "r.npy"], lanes(c, over(k))),
        "grad_input": (["--grad-output", f"{gradient}.npy", "--weight", "w.npy", "--grad-input", "r.npy"],
                       lanes(k, over(c))),
        "grad_weight": (["--input", f"{source}.npy", "--grad-output", f"{gradient}.npy", "--grad-weight", "r.npy",
                         "--batch", str(batch)], lanes(batch, over(k))),
    }
    results = {}
    for name, (files, on) in runs.items():
        bpa(folder, ["run", *words, "--pass", name, *files, *on, "--force"])
        results[name] = torch.from_numpy(np.load(folder / "r.npy")).double()
    order = ["grad_input", "forward", "grad_weight"] if transposed else ["forward", "grad_input", "grad_weight"]
    return [results[name] for name in order]


def autograd(module, x, w, dy):
    """The same, by PyTorch."""
    x, w = x.clone().requires_grad_(), w.clone().requires_grad_()
    numbers = {"stride": module.stride, "padding": module.padding, "dilation": module.dilation,
               "groups": module.groups}
    if isinstance(module, nn.ConvTranspose2d):
        more = [dy.shape[2 + axis] - (module.stride[axis] * (x.shape[2 + axis] - 1) - 2 * module.padding[axis]
                                      + module.dilation[axis] * (module.kernel_size[axis] - 1) + 1) for axis in (0, 1)]
        y = F.conv_transpose2d(x, w, output_padding=more, **numbers)
    else:
        y = F.conv2d(x, w, **numbers)
    y.backward(dy)
    return y.detach(), x.grad, w.grad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="an expression of torch and nn, or FILE.py:CLASS")
    parser.add_argument("shape", help="shape of its input, like 1,3,32,32")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    layers = recorded(model_of(args.model), [int(number) for number in args.shape.split(",")])
    if not layers:
        sys.exit("the model has no Conv2d or ConvTranspose2d")
    wrong = 0
    print(f"{'layer':<20} {'array':<12} {'shape':<20} {'differ':>8} {'int8 off by':>12}")
    for name, module, source, output in layers:
        if isinstance(module.padding, str) or module.padding_mode != "zeros":
            print(f"{name:<20} padding {module.padding!r}, {module.padding_mode}: not checked")
            continue
        arrays, scales = {}, {}
        for key, tensor in (("x", source), ("w", module.weight), ("dy", output.grad)):
            arrays[key], scales[key] = whole(tensor.detach())
        sizes = [tuple(source.shape[2:]), tuple(output.shape[2:])]
        with tempfile.TemporaryDirectory() as folder:
            found = engine(pathlib.Path(folder), module, arrays, sizes)
        expected = autograd(module, **arrays)
        bias = module.bias.detach().view(1, -1, 1, 1) if module.bias is not None else 0
        floats = [output.detach() - bias, source.grad, None]
        # Of a layer that runs once, the parameter's gradient is its own.
        if sum(other is module for _, other, _, _ in layers) == 1:
            floats[2] = module.weight.grad
        of = [("x", "w"), ("dy", "w"), ("x", "dy")]
        names = ("output", "grad_input", "grad_weight")
        for array, ours, theirs, scale, real in zip(names, found, expected, of, floats):
            differ = int((ours != theirs).sum()) if ours.shape == theirs.shape else ours.numel()
            wrong += differ
            off = ""
            if real is not None:
                error = (ours * scales[scale[0]] * scales[scale[1]] - real).abs().max() / real.abs().max()
                off = f"{100 * error:.2f} %"
            shape = "x".join(str(length) for length in ours.shape)
            print(f"{name:<20} {array:<12} {shape:<20} {differ:>8} {off:>12}")
    print("every number is PyTorch's" if not wrong else f"{wrong} numbers DIFFER")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
