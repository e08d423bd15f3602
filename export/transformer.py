"""Rewrite a vision transformer into an equivalent form that runs faster on a device."""

import copy
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def lighten(model: "torch.nn.Module") -> "torch.nn.Module":
    """Rewrite a timm VisionTransformer so that its [CLS] token after the final norm costs less.

    The last block computes the [CLS] token alone, since no other token's output is used; GELU and attention
    are written in the form that ONNX Runtime and OpenVINO recognise and fuse. Each is exact up to rounding.
    A model with other kinds of blocks is not changed.

    Args:
        model: the transformer, in evaluation mode; it is not changed.

    Returns:
        A rewritten copy, or the model itself.
    """
    import torch
    from timm.layers.attention import Attention
    from timm.models.vision_transformer import Block, VisionTransformer

    blocks = list(getattr(model, "blocks", []))
    plain = all(type(block) is Block and type(block.attn) is Attention for block in blocks)
    if type(model) is not VisionTransformer or not plain or any(block.attn.gate for block in blocks):
        return model
    light: Any = copy.deepcopy(model)
    for block in light.blocks:
        block.attn.fused_attn = False
        if type(block.mlp.act) is torch.nn.GELU and block.mlp.act.approximate == "none":
            block.mlp.act = _gelu()
    light.blocks[-1] = _cls_only(light.blocks[-1])
    rewritten: torch.nn.Module = light
    return rewritten


def _gelu() -> "torch.nn.Module":
    import torch

    class Gelu(torch.nn.Module):
        """GELU by erf, in the order of operations that the runtimes fuse."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * (torch.erf(x / math.sqrt(2.0)) + 1.0) * 0.5

    return Gelu()


def _cls_only(block: Any) -> "torch.nn.Module":
    import torch

    attention = block.attn
    width, heads = attention.attn_dim, attention.num_heads

    class ClsOnlyBlock(torch.nn.Module):
        """A transformer block that computes the first token only: one query against all keys and values."""

        def __init__(self) -> None:
            super().__init__()
            self.block = block
            self.query = _rows(attention.qkv, slice(0, width))
            self.key = _rows(attention.qkv, slice(width, 2 * width))
            self.value = _rows(attention.qkv, slice(2 * width, 3 * width))

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            cls = tokens[:, :1] + block.ls1(self._attend(block.norm1(tokens)))
            mixed: torch.Tensor = cls + block.ls2(block.mlp(block.norm2(cls)))
            return mixed

        def _attend(self, tokens: torch.Tensor) -> Any:
            query = attention.q_norm(_by_heads(self.query(tokens[:, :1]), heads)) * attention.scale
            key = attention.k_norm(_by_heads(self.key(tokens), heads))
            shares = (query @ key.transpose(-2, -1)).softmax(dim=-1)
            mixed = shares @ _by_heads(self.value(tokens), heads)
            return attention.proj(attention.norm(mixed.transpose(1, 2).flatten(2)))

    return ClsOnlyBlock().eval()


def _rows(layer: "torch.nn.Linear", rows: slice) -> "torch.nn.Linear":
    import torch

    part = torch.nn.Linear(layer.in_features, layer.weight[rows].shape[0], bias=layer.bias is not None)
    with torch.no_grad():
        part.weight.copy_(layer.weight[rows])
        if layer.bias is not None:
            part.bias.copy_(layer.bias[rows])
    return part.requires_grad_(False)


def _by_heads(tokens: "torch.Tensor", heads: int) -> "torch.Tensor":
    return tokens.reshape(*tokens.shape[:2], heads, -1).transpose(1, 2)
