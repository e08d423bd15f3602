"""Examine a store: whether it opens, its pages and blobs are intact, and it fits this backbone."""

import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from edge_tosca.devices.findings import Finding
from edge_tosca.digests import sha256
from edge_tosca.errors import EdgeToscaError, what_and_remedy
from edge_tosca.runtime import Fingerprint
from edge_tosca.store.location import files_of
from edge_tosca.store.sqlite_errors import obstacle
from edge_tosca.store.store import Store
from edge_tosca.tosca.task_module import Module
from edge_tosca.vision.compatibility import incompatibility

_RESTORE = "restore a copy, or init a new store and learn again"


def examine_store(
    path: Path, backbone: Fingerprint | None, key_file: Path | None = None
) -> Iterator[Finding]:
    """Examine a store.

    Args:
        path: of the store.
        backbone: fingerprint of this machine's features; None where the backbone does not run.
        key_file: key of an encrypted store; None for the places that `find_key` looks at.

    Yields:
        The findings; checks that need an intact file are skipped where it is damaged.
    """
    try:
        store = Store.open(path, key_file)
    except EdgeToscaError as error:
        yield _failure("store", error)
        return
    except OSError as error:
        detail = f"{path} cannot be read ({error.strerror})"
        yield Finding("store", False, detail, f"make it readable for this user: chmod u+r {path}")
        return
    with closing(store):
        pages = _pages(store)
        yield pages
        if not pages.ok:
            return
        yield from _permissions(path)
        reason = obstacle(path)
        if store.read_only and reason is not None:
            detail = f"{path} can be read but not taught: {reason[0]}"
            yield Finding("store writable", True, detail, reason[1])
        elif reason is not None:
            yield Finding("store writable", False, f"{path} cannot be changed: {reason[0]}", reason[1])
        yield _content(store)
        yield _origin(store, backbone)


def _permissions(path: Path) -> Iterator[Finding]:
    exposed = [str(file) for file in files_of(path) if file.stat().st_mode & stat.S_IRWXO]
    if exposed:
        detail = f"other users of this machine can open {', '.join(exposed)}"
        yield Finding(
            "store private", True, detail, f"keep it to yourself with: chmod 600 {' '.join(exposed)}"
        )


def _failure(what: str, error: EdgeToscaError) -> Finding:
    # An intact store may lack a key, disk space or its right name: each error has its own remedy.
    detail, remedy = what_and_remedy(error)
    return Finding(what, False, detail, remedy or _RESTORE)


def _pages(store: Store) -> Finding:
    try:
        faults = store.page_faults()
    except EdgeToscaError as error:
        return _failure("store pages", error)
    if faults:
        return Finding("store pages", False, f"{store.path}: {' '.join(faults[0].split())}", _RESTORE)
    return Finding("store pages", True, f"{store.path}: SQLite finds every page intact")


def _content(store: Store) -> Finding:
    # SQLite does not detect a changed byte inside a blob; a module's name is the digest of its bytes.
    try:
        state = store.state()
        for task in state.tasks:
            data = store.module(task.module)
            if sha256(data) != task.module:
                change = f"the module of {task.name!r} changed since it was stored"
                return Finding("store content", False, f"{store.path}: {change}", "learn its task again")
            Module.from_bytes(data)
            for group in task.groups:
                store.features(group)
    except EdgeToscaError as error:
        return _failure("store content", error)
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        return Finding("store content", False, f"{store.path}: features cannot be read ({reason})", _RESTORE)
    count = f"{len(state.tasks)} modules and {len(state.labels)} classes"
    return Finding("store content", True, f"{count}, each module as stored")


def _origin(store: Store, backbone: Fingerprint | None) -> Finding:
    origin = store.settings.get("origin", "an unknown backbone")
    if backbone is None:
        return Finding(
            "store origin", False, f"made with {origin}, which does not run here", "see the backbone above"
        )
    reason = incompatibility(store.settings, backbone)
    return Finding(
        "store origin",
        reason is None,
        f"made with {origin}" + ("" if reason is None else f", this is {backbone}: {reason}"),
        ""
        if reason is None
        else f"name the same backbone, --runtime and --device, or run: edge-tosca migrate {store.path}",
    )
