"""Whatever reads files of strangers, by name."""

from tests.fuzz import bundles, packs, pictures, stores
from tests.fuzz.target import Target

TARGETS: dict[str, Target] = {**pictures.TARGETS, **stores.TARGETS, **packs.TARGETS, **bundles.TARGETS}
