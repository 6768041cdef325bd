"""ONNX Runtime, inference only."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import onnxruntime
from cases import Case
from onnx import TensorProto, helper, numpy_helper


def make_model(case: Case) -> bytes:
    nodes, tensors, last = [], [], "x"
    for i, weight in enumerate(case.weights()):
        tensors += [
            numpy_helper.from_array(weight, f"w{i}"),
            numpy_helper.from_array(np.zeros(weight.shape[1], np.float32), f"b{i}"),
        ]
        nodes.append(helper.make_node("Gemm", [last, f"w{i}", f"b{i}"], [f"z{i}"]))
        last = f"z{i}"
        if i + 2 < len(case.sizes):
            nodes.append(helper.make_node(case.activation.capitalize(), [last], [f"a{i}"]))
            last = f"a{i}"
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "network",
        [value("x", TensorProto.FLOAT, ["B", case.sizes[0]])],
        [value(last, TensorProto.FLOAT, ["B", case.sizes[-1]])],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def prepare(case: Case) -> Callable[[], object] | None:
    if case.kind != "predict":
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    session = onnxruntime.InferenceSession(make_model(case), options)
    x, _ = case.data()
    return lambda: session.run(None, {"x": x})
