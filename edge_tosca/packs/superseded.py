"""Packs and stores on two sides of a backbone's levels: made before it had any, and since.

A store without levels takes the first part of a pack with them: it has those features bit for bit. A store
with levels cannot take a pack without them, as a class would lack numbers; while it knows no class it takes
on the backbone of the pack instead.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge_tosca.packs.container import Pack
from edge_tosca.store.store import Store
from edge_tosca.vision.compatibility import backbone_of, feature_settings, origin_settings, superseded
from edge_tosca.vision.feature_extractor import FeatureExtractor

if TYPE_CHECKING:
    from edge_tosca.runtime import Bundle


def fitted(store: Store, pack: Pack) -> Pack:
    """Cut a pack's features to the first part, where the store's backbone had no other.

    Args:
        store: to import into.
        pack: to be imported.

    Returns:
        The pack, or one with shorter features and the store's fingerprint.
    """
    settings = store.settings
    if pack.fingerprint == settings["fingerprint"]:
        return pack
    bundle = _bundle(settings)
    if bundle is None or not superseded(backbone_of(settings), bundle.supersedes):
        return pack
    if pack.fingerprint != _fingerprint(settings, bundle.digest) or pack.feature_dim != bundle.feature_dim:
        return pack
    width = bundle.widths[0]
    tasks = tuple(
        replace(task, features=tuple(rows[:, :width].copy() for rows in task.features)) for task in pack.tasks
    )
    return replace(pack, fingerprint=settings["fingerprint"], feature_dim=width, tasks=tasks)


def superseded_origin(store: Store, pack: Pack) -> dict[str, str | None]:
    """Return the settings with which an empty store takes on the superseded backbone of a pack.

    Args:
        store: to import into.
        pack: to be imported.

    Returns:
        The settings; none where the store knows classes, or its backbone does not supersede the pack's.
    """
    settings = store.settings
    if pack.fingerprint == settings["fingerprint"] or store.tasks_ever():
        return {}
    bundle = _bundle(settings)
    old = (
        []
        if bundle is None
        else [one for one in bundle.supersedes if pack.fingerprint == _fingerprint(settings, one)]
    )
    if bundle is None or not old or pack.feature_dim != bundle.widths[0]:
        return {}
    path = Path(settings["bundle"]) if settings["bundle"] else None
    vision = FeatureExtractor(path, settings["runtime"], settings["device"], made_with=old[0])
    if vision.fingerprint.digest != pack.fingerprint:
        return {}
    return {**origin_settings(vision.fingerprint), **feature_settings(vision.bundle.widths)}


def _bundle(settings: Mapping[str, str]) -> "Bundle | None":
    from edge_tosca.errors import BundleError
    from edge_tosca.runtime import Bundle

    try:
        return Bundle.load(Path(settings["bundle"]) if settings["bundle"] else None)
    except BundleError:
        return None


def _fingerprint(settings: Mapping[str, str], backbone: str) -> str:
    """Return the fingerprint that a store's runtime, device and preprocessing give another backbone."""
    from edge_tosca.runtime import Fingerprint

    parts = (settings["runtime"], settings["device"], settings.get("preprocessing", ""))
    return Fingerprint("", backbone, *parts).digest
