"""Makes quantised.json: quantised operators as models, and what onnxruntime (1.32.0 made the file) gives for an input.

Usage: python quantised.py > quantised.json     (pip install onnx onnxruntime numpy)

Scales are such that the factor of a sum is a whole number over a power of two, so that nothing but the last step rounds.
Models are in hexadecimal."""
import json
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(5)


def case(op, data, shape, weight_shape, zeros, scales=None, bias=False, **attributes):
    x_zero, w_zero, y_zero = (None if zero is None else np.asarray(zero, dtype) for zero, dtype in zip(
        zeros, (data, np.int8, data)))
    info = np.iinfo(data)
    x = random.integers(info.min, info.max + 1, shape).astype(data)
    weight = random.integers(-60, 61, weight_shape).astype(np.int8)
    constants = {"w": weight, "xz": x_zero}
    if op == "QLinearConv":
        x_scale, w_scale, y_scale = (np.asarray(scale, np.float32) for scale in scales)
        constants |= {"xs": x_scale, "ws": w_scale, "wz": w_zero, "ys": y_scale, "yz": y_zero}
        inputs = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"]
        if bias:
            constants["b"] = random.integers(-3000, 3001, weight_shape[0]).astype(np.int32)
            inputs.append("b")
        output = helper.np_dtype_to_tensor_dtype(np.dtype(data))
    else:
        inputs = ["x", "w", "xz"]
        output = TensorProto.INT32
    graph = helper.make_graph(
        [helper.make_node(op, inputs, ["y"], name="the_node", **attributes)], "g",
        [helper.make_tensor_value_info("x", helper.np_dtype_to_tensor_dtype(np.dtype(data)), shape)],
        [helper.make_tensor_value_info("y", output, None)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    y, = session.run(None, {"x": x})
    numbers = lambda array: {"shape": list(array.shape), "values": [float(v) for v in array.ravel()]}
    return {"model": model.SerializeToString().hex(), "x": numbers(x), "y": numbers(y)}


json.dump({
    "linear_unsigned": case(
        "QLinearConv", np.uint8, (1, 4, 7, 6), (6, 4, 3, 3), (97, 0, 131), (0.5, 0.25, 16), True,
        strides=[2, 1], pads=[1, 0, 1, 2]),
    "linear_by_channel": case(
        "QLinearConv", np.int8, (2, 4, 5, 5), (4, 2, 3, 2), (-7, [0] * 4, 20), (0.5, [0.25, 0.75, 1.5, 0.125], 16), False,
        group=2, dilations=[2, 1], pads=[2, 1, 2, 0]),
    "linear_depthwise": case(
        "QLinearConv", np.uint8, (1, 5, 6, 6), (5, 1, 3, 3), (128, 0, 100), (0.25, 0.25, 8), True, group=5,
        auto_pad="SAME_UPPER", strides=[2, 2]),
    "integer": case("ConvInteger", np.uint8, (1, 3, 5, 4), (4, 3, 2, 2), (200, None, None), pads=[1, 1, 0, 0]),
}, sys.stdout)
