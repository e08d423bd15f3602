"""Examine a store: does it open, is every page of it sound, was it made with these eyes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from edge_tosca.devices.findings import Finding
from edge_tosca.digests import sha256
from edge_tosca.errors import EdgeToscaError, what_and_remedy
from edge_tosca.runtime import Fingerprint
from edge_tosca.store.sqlite_errors import obstacle, sqlite_errors
from edge_tosca.store.store import Store
from edge_tosca.tosca.task_module import Module
from edge_tosca.vision.compatibility import incompatibility

_RESTORE = "restore a copy, or init a new store and teach it again"


def examine_store(path: Path, eyes: Fingerprint | None) -> Iterator[Finding]:
    """Look at a store.

    Args:
        path: of the store.
        eyes: what the features of this machine's backbone depend on; None where it does not run.

    Yields:
        The findings; what needs a sound file is left out where it is not.
    """
    try:
        store = Store.open(path)
    except EdgeToscaError as error:
        yield _told("store", error)
        return
    except OSError as error:
        words = f"{path} cannot be read ({error.strerror})"
        yield Finding("store", False, words, f"give this user the right to read it: chmod u+r {path}")
        return
    with closing(store):
        pages = _pages(path)
        yield pages
        if not pages.ok:
            return
        hindered = obstacle(path)
        if hindered is not None:
            yield Finding("store writable", False, f"{path} cannot be changed: {hindered[0]}", hindered[1])
        yield _content(store)
        yield _origin(store, eyes)


def _told(what: str, error: EdgeToscaError) -> Finding:
    # A sound store may want a key, room on the disk or its right name: each error knows its own remedy.
    detail, remedy = what_and_remedy(error)
    return Finding(what, False, detail, remedy or _RESTORE)


def _pages(path: Path) -> Finding:
    try:
        with sqlite_errors(path), closing(sqlite3.connect(path)) as connection:
            rows = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
    except EdgeToscaError as error:
        return _told("store pages", error)
    if rows != ["ok"]:
        return Finding("store pages", False, f"{path}: {' '.join(rows[0].split())}", _RESTORE)
    return Finding("store pages", True, f"{path}: SQLite finds every page sound")


def _content(store: Store) -> Finding:
    # SQLite does not see a changed byte inside a blob; a module's name is the digest of its bytes.
    try:
        state = store.state()
        for task in state.tasks:
            data = store.module(task.module)
            if sha256(data) != task.module:
                words = f"the module of {task.name!r} changed since it was filed"
                return Finding("store content", False, f"{store.path}: {words}", "learn its task again")
            Module.from_bytes(data)
            for group in task.groups:
                store.features(group)
    except EdgeToscaError as error:
        return _told("store content", error)
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        return Finding("store content", False, f"{store.path}: features cannot be read ({reason})", _RESTORE)
    count = f"{len(state.tasks)} modules and {len(state.labels)} classes in generation {state.generation}"
    return Finding("store content", True, f"{count}, each module as it was filed")


def _origin(store: Store, eyes: Fingerprint | None) -> Finding:
    made = store.settings.get("origin", "an unknown backbone")
    if eyes is None:
        return Finding(
            "store origin", False, f"made with {made}, which does not run here", "see the backbone above"
        )
    reason = incompatibility(store.settings, eyes)
    return Finding(
        "store origin",
        reason is None,
        f"made with {made}" + ("" if reason is None else f", this is {eyes}: {reason}"),
        ""
        if reason is None
        else f"name the same backbone, --runtime and --device, or run: edge-tosca migrate {store.path}",
    )
