"""Makes node_tests.json: the two-dimensional convolutions among ONNX's own node tests (onnx 1.23.2 made the file).

Usage: python node_tests.py > node_tests.json     (pip install onnx)

The numbers are those of the tests. All inputs but the first become constants of the model, as they are in the models that
people have. Models are in hexadecimal. ONNX is under the Apache License 2.0."""
import json
import sys

from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

cases = {}
for case in collect_testcases(None):
    graph = case.model.graph
    node = graph.node[0] if len(graph.node) == 1 else None
    if node is None or node.op_type not in ("Conv", "ConvTranspose", "QLinearConv", "ConvInteger"):
        continue
    inputs, outputs = case.data_sets[0]
    if inputs[0].ndim != 4:
        continue
    for value, array in list(zip(graph.input, inputs))[1:]:
        graph.initializer.append(numpy_helper.from_array(array, value.name))
    del graph.input[1:]
    del case.model.metadata_props[:]
    cases[case.name] = {
        "model": case.model.SerializeToString().hex(),
        "x": {"shape": list(inputs[0].shape), "values": [float(v) for v in inputs[0].ravel()]},
        "y": {"shape": list(outputs[0].shape), "values": [float(v) for v in outputs[0].ravel()]},
    }
json.dump(dict(sorted(cases.items())), sys.stdout)
