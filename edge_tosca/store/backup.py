"""Back a store up while it is in use, and verify the copy."""

import contextlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from edge_tosca.errors import StoreError
from edge_tosca.store.copies import note_copy
from edge_tosca.store.crypto.keys import find_key
from edge_tosca.store.database_copy import PICTURES, copy_database, put_in_place, staged
from edge_tosca.store.database_file import open_file
from edge_tosca.store.location import real_path
from edge_tosca.store.store import Store
from edge_tosca.store.verify import content_faults

_SHOWN = 3


@dataclass(frozen=True)
class Copied:
    """A verified copy of a store.

    Attributes:
        generation: number of its live generation.
        head: digest of its last audit entry; "" without any.
        bytes: of the file.
        noted: it is listed beside the store, so that `forget` can name it.
    """

    generation: int
    head: str
    bytes: int
    noted: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the copy as values that JSON can hold."""
        return asdict(self)


def backup(
    store: Path, file: Path, key_file: Path | None = None, *, pictures: bool = False, force: bool = False
) -> Copied:
    """Copy a store as it is at one moment, while other processes read and write it, and verify the copy.

    The copy of an encrypted store is encrypted. It is noted beside the store, so that `forget` can name it.

    Args:
        store: path of the store.
        file: path of the copy, which only its owner may read.
        key_file: with the store's key; see `find_key` for the other sources of a key.
        pictures: copy the kept thumbnails, too, to FILE.pictures.
        force: replace a file that is there.

    Returns:
        The copy.

    Raises:
        StoreError: there is no store, its contents do not match its audit log, the copy is there already, or
            it cannot be written; then nothing is left of it.
    """
    open_file(store).close()
    target = checked_target(file, store, force=force)
    with staged(target) as successor:
        copy_database(real_path(store), successor, file)
        copied = verified(successor, store, key_file)
        kept = Path(f"{real_path(store)}{PICTURES}")
        if pictures and kept.is_file():
            copy_database(kept, Path(f"{successor}{PICTURES}"), Path(f"{file}{PICTURES}"))
        # The new copy has no forgotten class. Notes beside the one that it replaces are about that one.
        put_in_place(successor, target, force=force)
    Path(f"{target}.forgotten").unlink(missing_ok=True)
    # A store on a read-only medium can be copied, but not noted beside.
    with contextlib.suppress(StoreError):
        note_copy(store, file)
        return replace(copied, noted=True)
    return copied


def verified(copy: Path, named: Path, key_file: Path | None) -> Copied:
    """Compare the contents of a copy with its audit log and all its digests.

    Args:
        copy: path of the copy.
        named: path to name in errors.
        key_file: with its key.

    Returns:
        The copy.

    Raises:
        StoreError: they do not match, or the key is missing or wrong.
    """
    store = Store(named, open_file(copy), find_key(key_file))
    try:
        with store.snapshot():
            entries = store.audit_entries()
            faults = list(content_faults(store, entries))
            head = entries[-1].digest if entries else ""
            generation = store.latest()
    finally:
        store.close()
    if faults:
        more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise StoreError(
            f"{named} was changed outside edge-tosca, and no copy was made of it: "
            f"{', '.join(faults[:_SHOWN])}{more}; restore a copy that you trust"
        )
    return Copied(generation, head, copy.stat().st_size)


def checked_target(file: Path, source: Path, *, force: bool) -> Path:
    """Check that a copy can be written to a path.

    Args:
        file: the path.
        source: of the copy.
        force: a file that is there is replaced.

    Returns:
        The path behind all links.

    Raises:
        StoreError: it names a folder, the source itself or, without force, a file; or its folder is missing.
    """
    target = real_path(file)
    if file.is_dir():
        raise StoreError(f"{file} is a folder; name a file in it")
    if not target.parent.is_dir():
        raise StoreError(f"{file} cannot be written (there is no folder {target.parent}); make it")
    if target.exists() and target.samefile(source):
        raise StoreError(f"{file} is {source} itself; choose another name")
    if target.exists() and not force:
        raise StoreError(f"{file} exists already; choose another name, or add --force")
    if target.exists() and not target.is_file():
        raise StoreError(f"{file} is no regular file; choose another name")
    return target
