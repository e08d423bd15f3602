"""Verify the contents of a store against its audit log: find changes that another program made."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edge_tosca.digests import sha256
from edge_tosca.errors import StoreError
from edge_tosca.store.audit.hash_chain import AuditEntry, contents_digest
from edge_tosca.store.sqlite_errors import sqlite_errors
from edge_tosca.store.store import Store

_MALFORMED = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""Errors of parsing an untrusted audit entry."""


@dataclass(frozen=True)
class Audit:
    """The result of a verification.

    Attributes:
        seals: number of audit entries; 0 for a store of format 1, which has none yet.
        head: digest of the last entry, "" without any. A copy of it, kept elsewhere, authenticates the chain.
        generations: number of generations.
        classes: number of live classes.
        images: number of cached features, those of classes that are not live included.
        solved: the router was solved again and compared.
        discrepancies: what differs from the audit log, in a few words each.
        seconds: duration of the verification.
    """

    seals: int
    head: str
    generations: int
    classes: int
    images: int
    solved: bool
    discrepancies: tuple[str, ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the audit as values that JSON can hold."""
        return {"ok": not self.discrepancies, **asdict(self)}


def content_faults(store: Store, entries: Sequence[AuditEntry], known: str | None = None) -> Iterator[str]:
    """Compare the contents of a store with all its digests of them.

    Args:
        store: to be verified; inside a snapshot.
        entries: its audit log.
        known: digest of an entry that was recorded elsewhere, or its first digits.

    Yields:
        The discrepancies, in a few words each.
    """
    yield from file_faults(store)
    yield from _chain(entries, known)
    if entries:
        yield from _head(store, entries[-1])
        yield from _tables(store, entries[-1])
        yield from _large(store)
    yield from _modules(store)


def file_faults(store: Store) -> Iterator[str]:
    """Check the integrity of the file and its references with SQLite.

    Args:
        store: to be checked.

    Yields:
        The faults, in a few words each.
    """
    for (verdict,) in store.query("PRAGMA integrity_check"):
        if verdict != "ok":
            yield f"the file is damaged: {verdict}"
    for table, row, parent, _ in store.query("PRAGMA foreign_key_check"):
        yield f"row {row} of table {table} names a row of {parent} that is not there"


def _chain(entries: Sequence[AuditEntry], known: str | None) -> Iterator[str]:
    before, left = "", ""
    for place, entry in enumerate(entries, 1):
        try:
            content = entry.content
            follows = content["before"] == before and content["number"] == entry.number == place
            undisturbed = place == 1 or content["found"] == left
            intact = content["generation"] == entry.generation and entry.intact
            before, left = entry.digest, contents_digest(content["left"])
        except _MALFORMED:
            yield f"audit entry {place} cannot be read"
            return
        if not intact:
            yield f"audit entry {place} was changed after it was written"
        if not follows:
            yield f"audit entry {place} does not follow the one before it"
        elif not undisturbed:
            yield f"between audit entry {place - 1} and audit entry {place} another program changed the file"
    if known is not None and not any(str(entry.digest).startswith(known.lower()) for entry in entries):
        yield f"no audit entry has the digest {known}: the chain was cut off or replaced"


def _head(store: Store, head: AuditEntry) -> Iterator[str]:
    """Authenticate the last entry, and with it all others, by the store's key."""
    try:
        with sqlite_errors(store.path):
            authentic = store.audit_log.is_authentic(head)
    except _MALFORMED:
        return
    if not authentic:
        yield f"audit entry {head.number} was made without the store's key"


def _tables(store: Store, head: AuditEntry) -> Iterator[str]:
    try:
        left = dict(head.content["left"])
    except _MALFORMED:
        return
    with sqlite_errors(store.path):
        now = store.audit_log.contents()
    for table in sorted(now.keys() | left.keys()):
        if now.get(table) != left.get(table):
            yield f"table {table} is not as audit entry {head.number} left it"


def _large(store: Store) -> Iterator[str]:
    """Compare the contents that have a row in `digests`, and find those that have none."""
    names = {
        group.features: f"class {group.label!r} in task {task.name!r}"
        for task in store.tasks_ever()
        for group in task.groups
    }
    large: dict[str, tuple[str, str, Callable[[Any], str]]] = {
        "features": ("features", "id", lambda row: f"features of {names.get(row, f'row {row}')}"),
        "evidence": ("modules", "digest", lambda digest: f"held-out answers of module {str(digest)[:12]}"),
        "report": ("generations", "number", lambda number: f"report of generation {number}"),
        "routers": ("routers", "generation", lambda _: "router"),
        "statistics": ("statistics", "generation", lambda _: "sums of features"),
    }
    columns = {"evidence": "evidence", "report": "report"}
    recorded: dict[str, dict[Any, str | None]] = {kind: {} for kind in large}
    with sqlite_errors(store.path):
        for kind, key, digest in store.audit_log.digests():
            if kind in recorded:
                recorded[kind][key] = digest
    for kind, (table, name, describe) in large.items():
        for row, key in store.query(f"SELECT rowid, {name} FROM {table} ORDER BY {name}"):
            expected = recorded[kind].pop(key, None)
            # By its rowid: a key that was made NULL is equal to none, and there may be several.
            query = f"SELECT {columns.get(kind, 'data')} FROM {table} WHERE rowid = ?"
            ((data,),) = store.query(query, row)
            content = data.encode(errors="surrogatepass") if isinstance(data, str) else data
            if expected is None:
                # A generation without a report has no digest of one.
                if (kind, data) != ("report", "{}"):
                    yield f"{describe(key)}: no digest is recorded"
            elif not isinstance(content, bytes) or sha256(content) != expected:
                yield f"{describe(key)}: differs from its recorded digest"
        for key in recorded[kind]:
            yield f"{describe(key)}: missing"


def _modules(store: Store) -> Iterator[str]:
    for digest in store.modules():
        try:
            store.module(digest)
        except StoreError:
            yield f"module {digest[:12]}: its bytes do not match its digest"
