"""Find a backbone's trained weights: a file, a package, or the timm hub. Pickled code is never executed."""

import hashlib
import importlib.metadata
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from edge_tosca.errors import EdgeToscaError, MissingExtraError
from edge_tosca.export.catalog import KnownBackbone

if TYPE_CHECKING:
    import torch

_HUB_TIMEOUT_SECONDS = 5.0
_HUB_FILES = ("model.safetensors", "pytorch_model.bin")
# Keys of the weights in the checkpoints of training scripts; averaged weights come first, being better.
_NESTED = ("state_dict_ema", "model_ema", "state_dict", "model_state_dict", "model")


@dataclass(frozen=True)
class Weights:
    """Trained weights and their source.

    Attributes:
        state: parameter name -> tensor.
        source: for the manifest: "file", "package" or "hub", its id and version, sha256 of the file.
        by_order: the names are of another implementation; parameters match by order and shape.
    """

    state: "dict[str, torch.Tensor]"
    source: dict[str, Any]
    by_order: bool = False


def find_weights(known: KnownBackbone, hub_id: str | None, weights_file: Path | None) -> Weights:
    """Find the weights: the named file, else the catalog's package, else the timm hub.

    Args:
        known: the backbone.
        hub_id: its repository on the hub; None if timm has none.
        weights_file: a safetensors file or torch checkpoint; None for the package or the hub.

    Returns:
        The weights.

    Raises:
        EdgeToscaError: the file is no checkpoint, or the hub is out of reach.
        MissingExtraError: the package with the weights is not installed.
    """
    if weights_file is not None:
        return Weights(load_state(weights_file), {"file": weights_file.name, "sha256": _sha256(weights_file)})
    if known.weights_package is not None:
        path = _package_file(known.weights_package)
        version = importlib.metadata.version(known.weights_package)
        source = {"package": known.weights_package, "version": version, "sha256": _sha256(path)}
        return Weights(load_state(path), source, by_order=True)
    path, revision = _hub_file(known.name, hub_id)
    return Weights(load_state(path), {"hub": hub_id, "version": revision, "sha256": _sha256(path)})


def load_state(path: Path) -> "dict[str, torch.Tensor]":
    """Load a state dict from a safetensors file or a torch checkpoint, without executing pickled code.

    Args:
        path: the file.

    Returns:
        Parameter name -> tensor.

    Raises:
        EdgeToscaError: the file is missing or has no state dict.
    """
    import torch
    from safetensors.torch import load_file

    if not path.is_file():
        raise EdgeToscaError(f"{path}: no such weights file; name a safetensors file or a torch checkpoint")
    refused = f"{path}: not a safetensors file or torch checkpoint of plain tensors"
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise EdgeToscaError(f"{refused} (it would run code); save it as safetensors") from error
    # The readers raise nearly any exception on other kinds of files.
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise EdgeToscaError(f"{refused} ({reason:.80})") from error
    for key in _NESTED:
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
            break
    if not isinstance(loaded, dict) or not all(isinstance(value, torch.Tensor) for value in loaded.values()):
        raise EdgeToscaError(f"{refused}; save the model's state_dict()")
    return {key.removeprefix("module."): value for key, value in loaded.items()}


def _package_file(package: str) -> Path:
    spec = importlib.util.find_spec(package.replace("-", "_"))
    files = [
        path for place in (spec and spec.submodule_search_locations) or () for path in _checkpoints(place)
    ]
    if not files:
        raise MissingExtraError(package, "export")
    return files[0]


def _checkpoints(folder: str) -> list[Path]:
    return sorted(Path(folder).glob("models/*.pth"))


def _hub_file(name: str, hub_id: str | None) -> tuple[Path, str]:
    """Return path and revision of the weights from the hub's cache, or download them."""
    if hub_id is None:
        raise EdgeToscaError(f"{name}: timm has no weights on its hub; give them with --weights FILE")
    import huggingface_hub as hub

    for file in _HUB_FILES:
        cached = hub.try_to_load_from_cache(hub_id, file)
        if isinstance(cached, str):
            return Path(cached), Path(cached).parent.name
    _check_hub_in_reach(name)
    for file in _HUB_FILES:
        try:
            path = Path(hub.hf_hub_download(hub_id, file, etag_timeout=_HUB_TIMEOUT_SECONDS))
        except hub.errors.EntryNotFoundError:
            continue
        except Exception as error:
            raise _out_of_reach(name, error) from error
        return path, path.parent.name
    raise EdgeToscaError(
        f"{name}: {hub_id} on the timm hub has no weights file; give them with --weights FILE"
    )


def _check_hub_in_reach(name: str) -> None:
    """Raise if the hub is out of reach; the hub's client retries for minutes without a network."""
    import urllib.error
    import urllib.request

    from huggingface_hub import constants

    try:
        urllib.request.urlopen(constants.ENDPOINT, timeout=_HUB_TIMEOUT_SECONDS).close()
    except urllib.error.HTTPError:
        return
    except OSError as error:
        raise _out_of_reach(name, error) from error


def _out_of_reach(name: str, error: Exception) -> EdgeToscaError:
    reason = str(error).strip().split("\n")[0]
    return EdgeToscaError(
        f"{name}: the timm hub is out of reach ({reason:.80}); "
        "download the weights elsewhere and give them with --weights FILE"
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
