"""Whether a backend's features may be mixed with those of a store."""

import base64
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.store.validation import PARTS_SETTING

if TYPE_CHECKING:
    from edge_tosca.runtime import Fingerprint

MIN_COSINE = 0.99
"""Lowest cosine between two backends' features of a golden picture from which a learner taught on one keeps
its accuracy on the other; docs/runtimes.md has the measurement."""


def origin_settings(fingerprint: "Fingerprint") -> dict[str, str]:
    """Return the settings by which a store records where its features come from.

    Args:
        fingerprint: of the backend that computes them.

    Returns:
        The fingerprint's digest and description, the digests of backbone and preprocessing, and the golden
        features.
    """
    settings = {
        "fingerprint": fingerprint.digest,
        "origin": str(fingerprint),
        "backbone": fingerprint.backbone,
        "preprocessing": fingerprint.preprocessing,
    }
    if fingerprint.golden is not None:
        golden = base64.b64encode(fingerprint.golden.astype("<f2").tobytes()).decode()
        # With their own fingerprint: in a store that names another one they are void.
        settings["golden"] = f"{fingerprint.digest} {golden}"
    return settings


def feature_settings(widths: Sequence[int]) -> dict[str, str | None]:
    """Return the settings by which a store records the form of its features.

    Args:
        widths: of the parts of a feature.

    Returns:
        The width of a feature, and those of its parts; None, which removes a setting, with one part.
    """
    parts = ",".join(map(str, widths)) if len(widths) > 1 else None
    return {"feature_dim": str(sum(widths)), PARTS_SETTING: parts}


def backbone_of(settings: Mapping[str, str]) -> str:
    """Return the backbone that a store was made with: its sha256 (hex), or words in the first stores.

    Args:
        settings: of the store.
    """
    return settings.get("backbone") or settings["origin"]


def superseded(backbone: str, supersedes: Sequence[str]) -> str:
    """Return the backbone that a bundle stands for in a store that was made before it had levels.

    Args:
        backbone: of the store, see `backbone_of`.
        supersedes: digests of the backbones whose feature the bundle's first part reproduces.

    Returns:
        The digest; empty where the store was made with none of them.
    """
    return next((one for one in supersedes if backbone == one or f"({one[:8]})" in backbone), "")


def incompatible_bundle(settings: Mapping[str, str], backbone: str, preprocessing: str) -> str | None:
    """Return why the features of a bundle cannot be mixed with a store's, before any is computed.

    Args:
        settings: of the store.
        backbone: sha256 (hex) of the bundle's graph.
        preprocessing: sha256 (hex) of its preprocessing's numbers.

    Returns:
        The reason in a few words; None if it depends on the runtime and the processor.
    """
    if settings.get("backbone", backbone) != backbone:
        return "another backbone"
    if settings.get("preprocessing", preprocessing) != preprocessing:
        return "another preprocessing"
    return None


def incompatibility(settings: Mapping[str, str], fingerprint: "Fingerprint") -> str | None:
    """Return why a backend's features cannot be mixed with a store's.

    Features of one backbone on two runtimes or processors may be mixed if both compute nearly the same
    features of the golden pictures; this holds for the same runtime on another processor, too. An older store
    without golden features accepts its own fingerprint only.

    Args:
        settings: of the store.
        fingerprint: of the backend.

    Returns:
        The reason in a few words; None if they may be mixed.
    """
    kept = golden_of(settings)
    if kept is None or fingerprint.golden is None:
        return None if fingerprint.digest == settings.get("fingerprint") else "another origin"
    reason = incompatible_bundle(settings, fingerprint.backbone, fingerprint.preprocessing)
    if reason is not None:
        return reason
    cosine = nearness(kept, fingerprint.golden)
    return None if cosine >= MIN_COSINE else f"features too far apart, cosine {cosine:.3f}"


def golden_of(settings: Mapping[str, str]) -> str | None:
    """Return a store's golden features of its own fingerprint, as they are stored; None if it has none.

    Args:
        settings: of the store.

    Returns:
        Base64 of float16 [g, d].
    """
    digest, _, golden = settings.get("golden", "").partition(" ")
    return golden if digest and digest == settings.get("fingerprint") else None


def nearness(kept: str, golden: Array) -> float:
    """Compute the lowest cosine between two backends' features of the golden pictures.

    Args:
        kept: of one backend, as a store keeps them, see `golden_of`.
        golden: of the other, float32 [g, d].

    Returns:
        The lowest cosine of a picture; -1 if the two cannot be compared.
    """
    try:
        other = np.frombuffer(base64.b64decode(kept), "<f2").reshape(golden.shape).astype(np.float64)
    except ValueError:
        return -1.0
    here = golden.astype(np.float64)
    norms = np.linalg.norm(other, axis=1) * np.linalg.norm(here, axis=1)
    if not (np.isfinite(norms) & (norms > 0)).all():
        return -1.0
    return float(((other * here).sum(axis=1) / norms).min())
