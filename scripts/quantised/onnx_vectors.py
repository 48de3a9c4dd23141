"""Makes tests/data/onnx.json: quantised layers as onnxruntime computes them, as layers of this engine.

    python3 -m venv /tmp/onnx && /tmp/onnx/bin/pip install onnxruntime onnx
    /tmp/onnx/bin/python scripts/quantised/onnx_vectors.py > tests/data/onnx.json

The same versions give the same bytes; those that made the file are in it.

How an operator of ONNX becomes a layer:

- Values of uint8 have 128 subtracted, from data, weights and zero points alike: no difference x - zero_point changes.
- Weights with a zero point have it subtracted beforehand; they are then int9 (`weight_type`).
- QLinearConv multiplies the sum by x_scale * w_scale / y_scale in 32-bit floating point, rounds to nearest even, adds
  y_zero_point and saturates. Here that factor is scale / 2^shift with an integer scale. The scales below are such that
  the two are one number: x_scale = 2^-7, w_scale = scale * 2^-10 and y_scale = 2^(shift - 17).
- A model of DequantizeLinear, an operator and QuantizeLinear computes in floating point. With such scales and sums
  below 2^24 units no step of it rounds but the last. The script runs it as it is and with the optimisations that
  turn it into operators of integers, and stops where the two differ.
"""

import json
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

X_SCALE = 2.0**-7
W_SCALE = 2.0**-10
OPSET = 13


def run(nodes, x, constants, y_type, optimise):
    """The model's output: `constants` are arrays by name, x goes in and y comes out."""
    element = onnx.helper.np_dtype_to_tensor_dtype(x.dtype)
    graph = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info("x", element, x.shape)],
        [helper.make_tensor_value_info("y", y_type, ["n", "k", "p", "q"])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    options = ort.SessionOptions()
    options.log_severity_level = 3
    levels = ort.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimise else levels.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


class Case:
    """A layer with random data; `of` are its attributes, in the words of ONNX where there are such."""

    def __init__(self, seed, name, operator, **of):
        self.random = np.random.default_rng(seed)
        self.name, self.operator = name, operator
        self.transposed = operator == "ConvTranspose"
        self.c, self.k, self.groups = of["channels"]
        self.size, self.kernel = of["size"], of["kernel"]
        self.stride, self.dilation = of.get("stride", [1, 1]), of.get("dilation", [1, 1])
        self.pads = of.get("pads", [0, 0, 0, 0])  # top, left, bottom, right
        self.output_padding = of.get("output_padding", [0, 0])
        self.data, self.result = of.get("types", ["int8", "int8"])
        self.x_zero, self.y_zero = of.get("zeros", [0, 0])
        self.shift, self.scales = of.get("shift", 16), of.get("scales", [1, 1])
        self.reach = of.get("reach")  # of data from its zero point and of weights, where that is not their whole type
        self.has_bias, self.activation = of.get("bias", True), of.get("activation")
        self.w_type, self.w_zero = of.get("weights", ["int8", 0])
        self.lanes = of["lanes"]
        self.batch = of.get("batch", 1)

    def draw(self):
        """Arrays, and the scale of each output channel or one for all."""
        shape = [self.batch, self.c, *self.size]
        self.x = self.values(self.data, self.x_zero, shape)
        shape = [self.c, self.k // self.groups] if self.transposed else [self.k, self.c // self.groups]
        self.w = self.values(self.w_type, 0, shape + self.kernel)
        low, high = self.scales
        count = 1 if low == high else self.k
        self.scale = self.random.integers(low, high + 1, count)
        most = 20000 if self.reach is None else 5 * self.reach
        self.bias = self.random.integers(-most, most + 1, self.k).astype(np.int32) if self.has_bias else None
        self.y_scale = 2.0 ** (self.shift - 17)

    def values(self, name, middle, shape):
        limits = np.iinfo(name)
        low, high = limits.min, limits.max
        if self.reach is not None:
            low, high = max(low, middle - self.reach), min(high, middle + self.reach)
        return self.random.integers(low, high + 1, shape, dtype=name)

    def attributes(self):
        of = dict(strides=self.stride, dilations=self.dilation, pads=self.pads, group=self.groups)
        if self.transposed:
            of["output_padding"] = self.output_padding
        return of

    def scale_constants(self):
        w_scale = (self.scale * W_SCALE).astype(np.float32)
        return {
            "x_scale": np.float32(X_SCALE),
            "x_zero": np.array(self.x_zero, self.data),
            "w_scale": w_scale if len(w_scale) > 1 else w_scale[0],
            "y_scale": np.float32(self.y_scale),
            "y_zero": np.array(self.y_zero, self.result),
        }

    def compute(self):
        return getattr(self, {"QLinearConv": "linear", "ConvInteger": "integer"}.get(self.operator, "floating"))()

    def linear(self):
        constants = self.scale_constants()
        zeros = np.full(len(self.scale), self.w_zero, self.w_type)
        constants |= {"w": self.w, "w_zero": zeros if len(zeros) > 1 else zeros[0]}
        inputs = ["x", "x_scale", "x_zero", "w", "w_scale", "w_zero", "y_scale", "y_zero"]
        if self.has_bias:
            inputs.append("bias")
            constants["bias"] = self.bias
        node = helper.make_node("QLinearConv", inputs, ["y"], **self.attributes())
        y_type = helper.np_dtype_to_tensor_dtype(np.dtype(self.result))
        return run([node], self.x, constants, y_type, False)

    def integer(self):
        zeros = {"x_zero": np.array(self.x_zero, self.data), "w_zero": np.array(self.w_zero, self.w_type)}
        constants = {"w": self.w} | zeros
        node = helper.make_node("ConvInteger", ["x", "w", "x_zero", "w_zero"], ["y"], **self.attributes())
        return run([node], self.x, constants, TensorProto.INT32, False)

    def floating(self):
        constants = self.scale_constants()
        axis = 1 if self.transposed else 0
        constants |= {"w": self.w, "w_zero": np.zeros(len(self.scale), self.w_type)}
        if len(self.scale) == 1:
            constants["w_zero"] = constants["w_zero"][0]
        nodes = [
            helper.make_node("DequantizeLinear", ["x", "x_scale", "x_zero"], ["x_real"]),
            helper.make_node("DequantizeLinear", ["w", "w_scale", "w_zero"], ["w_real"], axis=axis),
        ]
        inputs = ["x_real", "w_real"]
        if self.has_bias:
            b_scale = (self.scale * W_SCALE * X_SCALE).astype(np.float32)
            constants |= {"bias": self.bias, "b_scale": b_scale, "b_zero": np.zeros(len(b_scale), np.int32)}
            if len(b_scale) == 1:
                constants |= {"b_scale": b_scale[0], "b_zero": np.int32(0)}
            nodes.append(helper.make_node("DequantizeLinear", ["bias", "b_scale", "b_zero"], ["b_real"], axis=0))
            inputs.append("b_real")
        nodes.append(helper.make_node(self.operator, inputs, ["sum"], **self.attributes()))
        last = "sum"
        if self.activation == "relu":
            nodes.append(helper.make_node("Relu", ["sum"], ["kept"]))
            last = "kept"
        elif self.activation is not None:
            low, high = self.activation
            constants |= {"low": np.float32(low), "high": np.float32(high)}
            nodes.append(helper.make_node("Clip", ["sum", "low", "high"], ["kept"]))
            last = "kept"
        nodes.append(helper.make_node("QuantizeLinear", [last, "y_scale", "y_zero"], ["y"]))
        y_type = helper.np_dtype_to_tensor_dtype(np.dtype(self.result))
        y = run(nodes, self.x, constants, y_type, False)
        assert np.array_equal(y, run(nodes, self.x, constants, y_type, True)), self.name
        return y

    def layer(self):
        """The layer and its engine, in the keys of a layer file."""
        top, left, bottom, right = self.pads
        layer = dict(
            in_channels=self.c, out_channels=self.k, in_size=self.size, kernel=self.kernel, stride=self.stride,
            dilation=self.dilation, padding=[top, bottom, left, right], groups=self.groups,
        )
        if self.transposed:
            layer |= {"op": "conv_transpose", "output_padding": self.output_padding}
        else:
            layer["pass"] = "forward"
        simd, pe = self.lanes
        engine = dict(
            simd=simd, pe=pe, input_type="int8", weight_type="int9" if self.w_zero else "int8",
            zero_point=self.x_zero - lift(self.data),
        )
        engine["bias"] = self.has_bias
        if self.operator != "ConvInteger":
            engine |= dict(
                out_type="int8", scale_per="channel" if len(self.scale) > 1 else "tensor", shift=self.shift,
                out_zero_point=self.y_zero - lift(self.result),
            )
        if self.activation == "relu":
            engine["activation"] = "relu"
        elif self.activation is not None:
            level = lambda real: round(real / self.y_scale) + self.y_zero - lift(self.result)
            low, high = self.activation
            assert all((bound / self.y_scale).is_integer() for bound in self.activation), self.name
            engine |= {"activation": "relu6", "out_max": level(high)} if (low, high) == (0.0, 6.0) else {
                "activation": "clamp", "out_min": level(low), "out_max": level(high)}
        return layer, engine

    def entry(self):
        self.draw()
        y = self.compute().astype(np.int64)
        layer, engine = self.layer()
        if self.operator != "ConvInteger":
            y -= lift(self.result)
        cut = [np.mean(y == level) for level in (y.min(), y.max())]
        print(f"{self.name}: {y.size} values from {y.min()} to {y.max()}; at these ends {cut[0]:.0%} and {cut[1]:.0%}",
              file=sys.stderr)
        numbers = lambda array: {"shape": list(array.shape), "values": [int(v) for v in array.reshape(-1)]}
        entry = {
            "name": self.name, "operator": self.operator, "file": {"name": self.name, "layer": layer, "engine": engine},
            "input": numbers(self.x.astype(np.int64) - lift(self.data)),
            "weight": numbers(self.w.astype(np.int64) - (self.w_zero or lift(self.w_type))),
            "output": numbers(y),
        }
        if self.has_bias:
            entry["bias"] = numbers(self.bias)
        if self.operator != "ConvInteger":
            entry["scale"] = numbers(self.scale)
        return entry


def lift(name):
    """What is subtracted of a type to make it int8."""
    return 128 if name == "uint8" else 0


CASES = [
    Case(1, "linear_per_tensor", "QLinearConv", channels=(3, 4, 1), size=[6, 7], kernel=[3, 3], pads=[1, 1, 1, 1],
         zeros=[-11, 6], scales=[150, 150], lanes=(3, 2)),
    Case(2, "linear_per_channel", "QLinearConv", channels=(4, 6, 1), size=[9, 8], kernel=[3, 3], stride=[2, 2],
         pads=[1, 1, 1, 1], zeros=[7, -20], scales=[30, 250], lanes=(2, 3)),
    Case(3, "linear_unsigned", "QLinearConv", channels=(5, 4, 1), size=[5, 6], kernel=[1, 1], types=["uint8", "uint8"],
         zeros=[113, 140], scales=[200, 500], lanes=(2, 2), batch=2),
    Case(4, "linear_depthwise", "QLinearConv", channels=(4, 4, 4), size=[8, 7], kernel=[3, 3], stride=[2, 1],
         pads=[0, 1, 1, 2], zeros=[-128, -128], scales=[60, 300], lanes=(1, 2)),
    Case(5, "linear_grouped_dilated", "QLinearConv", channels=(4, 6, 2), size=[9, 10], kernel=[2, 3], stride=[1, 2],
         dilation=[3, 2], pads=[2, 0, 1, 3], zeros=[127, 99], scales=[50, 300], lanes=(2, 2)),
    Case(6, "linear_finest_scale", "QLinearConv", channels=(3, 3, 1), size=[6, 6], kernel=[3, 2], reach=9,
         zeros=[3, 0], scales=[9000, 32767], lanes=(1, 1)),
    Case(7, "linear_without_bias", "QLinearConv", channels=(6, 2, 1), size=[5, 5], kernel=[5, 5], pads=[4, 4, 4, 4],
         zeros=[64, -64], scales=[90, 90], bias=False, lanes=(3, 1)),
    Case(8, "integer_sums", "ConvInteger", channels=(3, 4, 1), size=[7, 6], kernel=[3, 3], stride=[2, 1], pads=[1, 2, 0, 1],
         types=["uint8", "uint8"], zeros=[201, 0], bias=False, lanes=(3, 4)),
    Case(9, "integer_weights_from_a_zero_point", "ConvInteger", channels=(4, 3, 1), size=[6, 6], kernel=[2, 2],
         pads=[1, 1, 1, 1], types=["uint8", "uint8"], zeros=[17, 0], weights=["uint8", 90], bias=False, lanes=(2, 3)),
    Case(10, "relu", "Conv", channels=(3, 4, 1), size=[8, 8], kernel=[3, 3], pads=[1, 1, 1, 1], zeros=[-5, -30],
         scales=[80, 250], activation="relu", lanes=(3, 4)),
    Case(11, "relu6_depthwise", "Conv", channels=(6, 6, 6), size=[7, 7], kernel=[3, 3], stride=[2, 2],
         pads=[1, 1, 1, 1], zeros=[-128, -128], shift=13, scales=[5, 40], activation=(0.0, 6.0), lanes=(1, 3)),
    Case(12, "clamped", "Conv", channels=(4, 4, 1), size=[6, 6], kernel=[3, 1], pads=[2, 0, 0, 1],
         types=["uint8", "uint8"], zeros=[90, 160], shift=15, scales=[40, 200], activation=(-6.25, 17.5),
         lanes=(2, 2)),
    Case(13, "transposed", "ConvTranspose", channels=(4, 3, 1), size=[5, 6], kernel=[3, 3], stride=[2, 2],
         pads=[1, 1, 1, 1], output_padding=[1, 1], zeros=[-9, 12], scales=[70, 300], lanes=(2, 3)),
    Case(14, "transposed_grouped", "ConvTranspose", channels=(4, 6, 2), size=[4, 5], kernel=[4, 3], stride=[2, 3],
         pads=[1, 0, 2, 1], dilation=[1, 2], zeros=[100, -1], scales=[150, 150], activation="relu", lanes=(2, 3)),
    Case(15, "transposed_with_gaps", "ConvTranspose", channels=(3, 3, 3), size=[4, 4], kernel=[2, 2], stride=[3, 4],
         zeros=[31, -77], types=["int8", "int8"], scales=[400, 400], lanes=(1, 3)),
]

if __name__ == "__main__":
    versions = {"onnxruntime": ort.__version__, "onnx": onnx.__version__, "numpy": np.__version__}
    lines = [json.dumps(case.entry()) for case in CASES]
    print("{\"versions\": " + json.dumps(versions) + ",\n\"cases\": [\n" + ",\n".join(lines) + "\n]}")
