"""Build a timm model with trained weights that computes one feature a picture."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_tosca.errors import EdgeToscaError
from edge_tosca.export.catalog import KnownBackbone
from edge_tosca.export.transformer import lighten
from edge_tosca.export.weights import Weights, find_weights
from edge_tosca.runtime.preprocess import INTERPOLATIONS, Preprocessing

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class BackboneModel:
    """A trained backbone in torch.

    Attributes:
        name: the backbone's name.
        licence: of its weights.
        copyright: notice of its weights.
        module: float32 [n, 3, size, size] -> float32 [n, d], as timm computes it.
        light: an equivalent module, optimised for devices.
        preprocessing: of the module's pictures.
        family: "vit" where the feature is a [CLS] token, else "cnn".
        source: of the weights, for the manifest.
    """

    name: str
    licence: str
    copyright: str
    module: "torch.nn.Module"
    light: "torch.nn.Module"
    preprocessing: Preprocessing
    family: str
    source: dict[str, Any]


def build_model(known: KnownBackbone, weights_file: Path | None = None) -> BackboneModel:
    """Build a backbone in torch.

    The feature of a transformer is its last [CLS] token after the final norm; of any other network the
    pooled feature before the classifier.

    Args:
        known: the backbone.
        weights_file: a safetensors file or torch checkpoint; None for the catalog's package or the hub.

    Returns:
        The model, in evaluation mode.

    Raises:
        EdgeToscaError: timm has no such model, its input is not supported, or the weights do not fit.
    """
    config = _config(known)
    preprocessing = _preprocessing(known, config)
    weights = find_weights(known, config.get("hf_hub_id"), weights_file)
    module = _with_weights(known, preprocessing.size, weights, str(weights_file or known.name))
    module.eval().requires_grad_(False)
    vit = getattr(module, "cls_token", None) is not None
    return BackboneModel(
        name=known.name,
        licence=known.licence if weights_file is None else "unknown",
        copyright=known.copyright if weights_file is None else "",
        module=_cls_feature(module) if vit else module,
        light=_cls_feature(lighten(module)) if vit else module,
        preprocessing=preprocessing,
        family="vit" if vit else "cnn",
        source=weights.source,
    )


def _config(known: KnownBackbone) -> dict[str, Any]:
    import timm

    config = timm.models.get_pretrained_cfg(known.timm_name) if _is_model(known.timm_name) else None
    if config is None:
        similar = timm.list_models(f"*{known.timm_name.split('.')[0].split('_')[0]}*")[:5]
        hint = f"; similar: {', '.join(similar)}" if similar else ""
        raise EdgeToscaError(f"{known.name}: timm {timm.__version__} has no such model{hint}")
    return dict(config.to_dict())


def _is_model(name: str) -> bool:
    import timm

    architecture, _, tag = name.partition(".")
    return timm.is_model(architecture) and (not tag or name in timm.list_pretrained(f"{architecture}.*"))


def _preprocessing(known: KnownBackbone, config: dict[str, Any]) -> Preprocessing:
    channels, height, width = config["input_size"]
    interpolation, crop_mode = config.get("interpolation", "bicubic"), config.get("crop_mode") or "center"
    if channels != 3 or height != width or interpolation not in INTERPOLATIONS or crop_mode != "center":
        raise EdgeToscaError(
            f"{known.name}: its input ({channels}x{height}x{width}, {interpolation}, crop mode {crop_mode}) "
            "is not supported; choose a backbone with square RGB input and centre crop"
        )
    return Preprocessing(
        size=known.input_size or height,
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        interpolation=interpolation,
        crop_pct=known.crop_pct or float(config["crop_pct"]),
    )


def _with_weights(known: KnownBackbone, size: int, weights: Weights, origin: str) -> "torch.nn.Module":
    import timm

    architecture = known.timm_name.partition(".")[0]
    state = weights.state
    if weights.by_order:
        state = _renamed(timm.create_model(architecture, pretrained=False).state_dict(), state, origin)
    options: dict[str, Any] = {"img_size": size} if _takes_image_size(architecture) else {}
    module: torch.nn.Module = timm.create_model(known.timm_name, pretrained=False, num_classes=0, **options)
    problem = _load(module, _translated(architecture, state, module))
    if problem:
        raise EdgeToscaError(
            f"{origin}: these weights do not fit {known.timm_name} ({problem}); "
            "give the weights of exactly this model with --weights FILE"
        )
    return module


def _takes_image_size(architecture: str) -> bool:
    import timm

    return "vision_transformer" in timm.model_entrypoint(architecture).__module__


def _translated(
    architecture: str, state: "dict[str, torch.Tensor]", module: "torch.nn.Module"
) -> "dict[str, torch.Tensor]":
    """Convert a checkpoint's names and position table to the model's, as timm does for its own."""
    import sys

    import timm

    family = sys.modules[timm.model_entrypoint(architecture).__module__]
    translate = getattr(family, "checkpoint_filter_fn", None)
    # A checkpoint that cannot be converted is another model's; loading reports what is missing.
    with contextlib.suppress(KeyError, ValueError, RuntimeError):
        return dict(translate(dict(state), module)) if translate else state
    return state


def _load(module: "torch.nn.Module", state: "dict[str, torch.Tensor]") -> str:
    """Load all of a model's parameters; return what does not fit, or an empty string."""
    names = module.pretrained_cfg.get("classifier") or ()  # type: ignore[union-attr, operator]
    heads = tuple(f"{name}." for name in ([names] if isinstance(names, str) else names))
    wanted = module.state_dict()
    given = {key: value for key, value in state.items() if key in wanted or not key.startswith(heads)}
    missing = [key for key in wanted if key not in given and not key.endswith("num_batches_tracked")]
    unknown = [key for key in given if key not in wanted]
    shapes = [key for key in given if key in wanted and given[key].shape != wanted[key].shape]
    for keys, problem in [(missing, "missing"), (unknown, "unknown"), (shapes, "of another shape")]:
        if keys:
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            return f"{keys[0]}{more} {problem}"
    module.load_state_dict(given, strict=False)
    return ""


def _renamed(
    wanted: "dict[str, torch.Tensor]", given: "dict[str, torch.Tensor]", origin: str
) -> "dict[str, torch.Tensor]":
    if [value.shape for value in wanted.values()] != [value.shape for value in given.values()]:
        raise EdgeToscaError(
            f"{origin}: the packaged weights do not match timm's parameters in order and shape; "
            "install another version of timm, or give weights with --weights FILE"
        )
    return dict(zip(wanted, given.values(), strict=True))


def _cls_feature(model: "torch.nn.Module") -> "torch.nn.Module":
    import torch

    class ClsFeature(torch.nn.Module):
        """The last [CLS] token after the final norm."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            tokens = self.model.forward_features(pixels)  # type: ignore[operator]
            norm = getattr(self.model, "fc_norm", None)
            cls: torch.Tensor = tokens[:, 0] if norm is None else norm(tokens[:, 0])
            return cls

    return ClsFeature().eval()
