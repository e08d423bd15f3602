"""Whatever reads files of strangers, by name."""

from tests.fuzz import bundles, datasets, packs, pictures, stores
from tests.fuzz.target import Target

TARGETS: dict[str, Target] = {
    **pictures.TARGETS,
    **datasets.TARGETS,
    **stores.TARGETS,
    **packs.TARGETS,
    **bundles.TARGETS,
}
