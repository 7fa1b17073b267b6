"""Generators as ONNX, whole or with their weights in half precision."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.models.model import Model, one_thread
from engine.weights.subject import Subject, described, difference_of, subject_of

OPSET = 18


def runner(made: bytes, name: str) -> Callable[[Tensor], np.ndarray]:
    """What runs an ONNX file's bytes, on one thread."""
    import onnxruntime as runtime

    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(made, options, providers=["CPUExecutionProvider"])
    return lambda x: np.asarray(session.run(None, {name: x.numpy()})[0])


def as_onnx(subject: Subject, in_half: bool = False) -> bytes:
    """``subject`` as ONNX; ``in_half``: weights are kept as float16, and computed with as float32."""
    import onnx

    axes = {subject.input: subject.axes, subject.output: subject.axes if subject.direction else {0: "n"}}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the newer exporter takes forty times as long, and gives the same
        torch.onnx.export(
            subject.network,
            (subject.examples[0],),
            file := os.path.join(folder, "exported.onnx"),
            input_names=[subject.input],
            output_names=[subject.output],
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
        made = onnx.load(file)
    if in_half:
        _halve(made)
    onnx.helper.set_model_props(made, described(subject, "onnx"))
    return made.SerializeToString()


def _halve(made: Any) -> None:
    """Keep the float32 weights of an ONNX model as float16, each with a node that casts it back."""
    import onnx

    casts = []
    for weight in made.graph.initializer:
        if weight.data_type == onnx.TensorProto.FLOAT:
            name = weight.name
            halved = onnx.numpy_helper.to_array(weight).astype(np.float16)
            weight.CopyFrom(onnx.numpy_helper.from_array(halved, f"{name}_half"))
            casts.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *made.graph.node]
    del made.graph.node[:]
    made.graph.node.extend(nodes)


def small_onnx(model: Model) -> tuple[bytes, float]:
    """``model``'s generator as ONNX with its weights in half precision, and the largest difference of its
    outputs from the model's own. Raises ``BadInput`` without the package onnx, or for a translator.
    """
    subject = subject_of(model, None)
    with one_thread(), torch.no_grad():
        made = as_onnx(subject, in_half=True)
        return made, difference_of(subject, runner(made, subject.input))
