"""Where a store's features come from, and whether another backend's features may join them."""

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from edge_tosca.arrays import Array

if TYPE_CHECKING:
    from edge_tosca.runtime import Fingerprint

MIN_COSINE = 0.99
"""Lowest cosine between two backends' features of a golden picture at which a learner taught on one keeps
its accuracy on the other: `docs/runtimes.md` has the measurement."""


def origin_settings(fingerprint: "Fingerprint") -> dict[str, str]:
    """Say where features come from, for a store to remember.

    Args:
        fingerprint: of the backend that computes them.

    Returns:
        Settings of the store: the fingerprint's digest, the same in words, and what nearness is judged by.
    """
    settings = {
        "fingerprint": fingerprint.digest,
        "origin": str(fingerprint),
        "backbone": fingerprint.backbone,
        "preprocessing": fingerprint.preprocessing,
    }
    if fingerprint.golden is not None:
        golden = base64.b64encode(fingerprint.golden.astype("<f2").tobytes()).decode()
        # With the fingerprint that they belong to: they say nothing of a store that names another one.
        settings["golden"] = f"{fingerprint.digest} {golden}"
    return settings


def incompatible_bundle(settings: Mapping[str, str], backbone: str, preprocessing: str) -> str | None:
    """Tell why no feature of a bundle can belong in a store, before anything is computed.

    Args:
        settings: of the store.
        backbone: sha256 (hex) of the bundle's graph.
        preprocessing: sha256 (hex) of its preprocessing's numbers.

    Returns:
        The reason in a few words; None where it depends on what runs the bundle.
    """
    if settings.get("backbone", backbone) != backbone:
        return "another backbone"
    if settings.get("preprocessing", preprocessing) != preprocessing:
        return "another preprocessing"
    return None


def incompatibility(settings: Mapping[str, str], fingerprint: "Fingerprint") -> str | None:
    """Tell why a backend's features must not be mixed with a store's.

    Features of one backbone on two runtimes or processors may be mixed as long as both make nearly the same
    of the golden pictures; even the same runtime on another processor is held to that. A store that
    remembers no golden features, as older ones do, takes its own fingerprint alone.

    Args:
        settings: of the store.
        fingerprint: of the backend.

    Returns:
        The reason in a few words; None where they may be mixed.
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
    """Give the golden features that a store remembers of its own fingerprint; None where it has none."""
    digest, _, golden = settings.get("golden", "").partition(" ")
    return golden if digest and digest == settings.get("fingerprint") else None


def nearness(kept: str, golden: Array) -> float:
    """Compare what two backends make of the golden pictures.

    Args:
        kept: of one, as a store keeps it.
        golden: of the other, float32 [g, d].

    Returns:
        The lowest cosine of a picture; -1 where they cannot be compared.
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
