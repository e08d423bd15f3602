"""Recipes of quantization, and the grid of recipes to try for each family of backbones."""

from dataclasses import dataclass
from typing import Literal

from edge_tosca.errors import EdgeToscaError

Tool = Literal["ort-static", "ort-dynamic", "nncf-onnx", "nncf-openvino"]

_TOOLS = {
    "ort-static": "static QDQ by ONNX Runtime, U8 activations, S8 weights per channel",
    "ort-dynamic": "dynamic by ONNX Runtime, MatMul only, U8 activations, S8 weights per channel",
    "nncf-onnx": "post-training quantization by NNCF on the ONNX graph",
    "nncf-openvino": "post-training quantization by NNCF on the OpenVINO graph",
}


@dataclass(frozen=True)
class Recipe:
    """One way to quantize an FP32 graph.

    Attributes:
        tool: the quantizer and the format of its graph.
        float_layers: number of first convolutions that stay in float; a transformer's patch embedding is one.
        widest: activation ranges are the extremes over all pictures instead of the mean over pictures of
            their extremes.
        symmetric: activations have no zero point (NNCF's preset "performance" instead of "mixed").
        smooth_quant: NNCF's SmoothQuant alpha for matrix products; None to disable it.
    """

    tool: Tool
    float_layers: int = 0
    widest: bool = False
    symmetric: bool = False
    smooth_quant: float | None = None

    @property
    def runtime(self) -> str:
        """The runtime of the quantized graph."""
        return "openvino" if self.tool == "nncf-openvino" else "onnxruntime"

    @property
    def name(self) -> str:
        """A short name for the command line."""
        parts: list[str] = [self.tool]
        parts += [f"float{self.float_layers}"] if self.float_layers else []
        parts += ["widest"] if self.widest else []
        parts += ["symmetric"] if self.symmetric else []
        parts += [f"smooth{self.smooth_quant:g}"] if self.smooth_quant is not None else []
        return "-".join(parts)

    @property
    def text(self) -> str:
        """A description for the manifest."""
        if self.tool == "ort-dynamic":
            return _TOOLS[self.tool]
        parts = [_TOOLS[self.tool]]
        parts += (
            [f"all operators but the first {self.float_layers} convolutions"] if self.float_layers else []
        )
        if self.tool != "ort-static":
            parts += ["symmetric activations" if self.symmetric else "mixed preset"]
            parts += [f"SmoothQuant {self.smooth_quant:g}"] if self.smooth_quant is not None else []
        means = "the mean over pictures of their extremes"
        reach = "the extremes over all pictures" if self.widest else means
        return ", ".join(parts) + f"; ranges are {reach}"


# NNCF's ONNX graphs have quantizers that ONNX Runtime does not fuse on x86; one recipe measures the cost.
GRIDS: dict[str, tuple[Recipe, ...]] = {
    "cnn": (
        Recipe("ort-static", float_layers=3),
        Recipe("ort-static", float_layers=5),
        Recipe("ort-static", float_layers=8),
        Recipe("ort-static", float_layers=5, widest=True),
        Recipe("nncf-onnx"),
        Recipe("nncf-openvino"),
        Recipe("nncf-openvino", float_layers=5),
        Recipe("nncf-openvino", float_layers=5, symmetric=True),
    ),
    "vit": (
        Recipe("ort-dynamic"),
        Recipe("ort-static"),
        Recipe("nncf-openvino", smooth_quant=0.5),
        Recipe("nncf-openvino", smooth_quant=0.7),
        Recipe("nncf-openvino", symmetric=True),
        Recipe("nncf-openvino", symmetric=True, smooth_quant=0.7),
        Recipe("nncf-openvino", widest=True, symmetric=True, smooth_quant=0.7),
    ),
}


def find_recipes(family: str, names: tuple[str, ...]) -> tuple[Recipe, ...]:
    """Look recipes up by name.

    Args:
        family: "cnn" or "vit".
        names: of the recipes; none for the family's whole grid.

    Returns:
        The recipes.

    Raises:
        EdgeToscaError: a name is not known.
    """
    if not names:
        return GRIDS[family]
    known = {recipe.name: recipe for grid in (GRIDS["cnn"], GRIDS["vit"], GRIDS[family]) for recipe in grid}
    for name in names:
        if name not in known:
            choices = ", ".join(recipe.name for recipe in GRIDS[family])
            raise EdgeToscaError(f"recipe {name!r} is not known; choose --recipe from {choices}")
    return tuple(known[name] for name in names)
