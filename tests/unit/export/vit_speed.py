"""How much faster a transformer's bundle is than the graph that torch writes of timm's model.

python tests/unit/export/vit_speed.py vit_small_patch14_dinov2.lvd142m FILE.safetensors BUNDLE
"""

import dataclasses
import sys
from pathlib import Path

from PIL import Image

from edge_tosca.export.candidate import OPENVINO_MODEL, open_runner
from edge_tosca.export.catalog import find_backbone
from edge_tosca.export.graph import to_graph
from edge_tosca.export.model import build_model
from edge_tosca.export.timing import processor_milliseconds
from edge_tosca.runtime import Bundle
from edge_tosca.runtime.golden import GOLDEN_PICTURES
from edge_tosca.runtime.manifest import BACKBONE


def in_onnxruntime(graph):
    return open_runner({BACKBONE: graph})


if __name__ == "__main__":
    name, weights, folder = sys.argv[1:]
    model = build_model(find_backbone(name), Path(weights))
    plain = dataclasses.replace(model, light=model.module)
    bundle = Bundle.load(folder)
    files = {file: bundle.read(file) for file in bundle.files}
    runners = {
        "FP32 as torch writes timm's model, ONNX Runtime": open_runner(
            {BACKBONE: to_graph(plain).SerializeToString()}
        ),
        "FP32 rewritten, ONNX Runtime": open_runner({BACKBONE: to_graph(model).SerializeToString()}),
        "INT8, ONNX Runtime": open_runner({BACKBONE: files[BACKBONE]}),
    }
    if OPENVINO_MODEL in files:
        runners["INT8, OpenVINO"] = open_runner(files)
    pixels = model.preprocessing(Image.fromarray(GOLDEN_PICTURES[0].pixels()))
    times = processor_milliseconds(runners, pixels)
    first, second, *_ = times.values()
    for title, time in times.items():
        print(f"{title:<50}{time:7.1f} ms {first / time:5.2f} {second / time:5.2f}")
