"""Find what was changed in a store behind its back."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edge_tosca.digests import sha256
from edge_tosca.errors import StoreError
from edge_tosca.store.audit.hash_chain import AuditEntry, contents_digest
from edge_tosca.store.store import Store

_SENSELESS = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What comes of reading a seal that somebody else wrote."""


@dataclass(frozen=True)
class Audit:
    """What was looked at, and what is not as it was left.

    Attributes:
        seals: changes in the chain; 0 where the store is of format 1 and has none yet.
        head: digest of the last seal, "" without any: noted down elsewhere, it vouches for all before it.
        generations: in the store.
        classes: live ones.
        images: cached features, of classes that are not live too.
        solved: the router was solved anew and compared.
        discrepancies: what is not as it was left, in a few words each.
        seconds: spent in all.
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
        """Give the audit as plain values."""
        return {"ok": not self.discrepancies, **asdict(self)}


def content_faults(store: Store, entries: Sequence[AuditEntry], known: str | None = None) -> Iterator[str]:
    """Compare the contents of a store with every digest that it has of them.

    Args:
        store: to be verified; inside a snapshot.
        entries: its audit log.
        known: a digest of an entry that was noted down earlier, or its first digits.

    Yields:
        What differs, in a few words each.
    """
    yield from file_faults(store)
    yield from _chain(entries, known)
    if entries:
        yield from _head(store, entries[-1])
        yield from _tables(store, entries[-1])
        yield from _large(store)
    yield from _modules(store)


def file_faults(store: Store) -> Iterator[str]:
    """Let SQLite check the file and its references.

    Args:
        store: to be looked at.

    Yields:
        What is wrong, in a few words each.
    """
    for (verdict,) in store.query("PRAGMA integrity_check"):
        if verdict != "ok":
            yield f"the file is damaged: {verdict}"
    for table, row, parent, _ in store.query("PRAGMA foreign_key_check"):
        yield f"row {row} of table {table} names a row of {parent} that is not there"


def _chain(seals: Sequence[AuditEntry], known: str | None) -> Iterator[str]:
    before, left = "", ""
    for place, seal in enumerate(seals, 1):
        try:
            entry = seal.content
            follows = entry["before"] == before and entry["number"] == seal.number == place
            undisturbed = place == 1 or entry["found"] == left
            rightly = entry["generation"] == seal.generation and sha256(seal.entry.encode()) == seal.digest
            before, left = seal.digest, contents_digest(entry["left"])
        except _SENSELESS:
            yield f"seal {place} cannot be read"
            return
        if not rightly:
            yield f"seal {place} says something else than what was sealed"
        if not follows:
            yield f"seal {place} does not follow the one before it"
        elif not undisturbed:
            yield f"between seal {place - 1} and seal {place} something else changed the file"
    if known is not None and not any(str(seal.digest).startswith(known.lower()) for seal in seals):
        yield f"no seal has the digest {known}: the chain was cut off or made anew"


def _head(store: Store, head: AuditEntry) -> Iterator[str]:
    """Hold the last seal, which vouches for all others, to the store's key."""
    try:
        genuine = store.audit_log.is_authentic(head)
    except _SENSELESS:
        return
    if not genuine:
        yield f"seal {head.number} was made without the store's key"


def _tables(store: Store, head: AuditEntry) -> Iterator[str]:
    try:
        left = dict(head.content["left"])
    except _SENSELESS:
        return
    now = store.audit_log.contents()
    for table in sorted(now.keys() | left.keys()):
        if now.get(table) != left.get(table):
            yield f"table {table} is not as seal {head.number} left it"


def _large(store: Store) -> Iterator[str]:
    """Compare whatever has a row in `digests`, and find what has none."""
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
    kept: dict[str, dict[Any, str | None]] = {kind: {} for kind in large}
    for kind, key, digest in store.audit_log.digests():
        if kind in kept:
            kept[kind][key] = digest
    for kind, (table, name, tell) in large.items():
        for row, key in store.query(f"SELECT rowid, {name} FROM {table} ORDER BY {name}"):
            filed = kept[kind].pop(key, None)
            # A digest that somebody made NULL is equal to none, and there may be several.
            query = f"SELECT {columns.get(kind, 'data')} FROM {table} WHERE rowid = ?"
            ((data,),) = store.query(query, row)
            content = data.encode(errors="surrogatepass") if isinstance(data, str) else data
            if filed is None:
                # A generation without a report has no digest of one.
                if (kind, data) != ("report", "{}"):
                    yield f"{tell(key)}: nothing vouches for them"
            elif not isinstance(content, bytes) or sha256(content) != filed:
                yield f"{tell(key)}: not what was kept"
        for key in kept[kind]:
            yield f"{tell(key)}: taken away"


def _modules(store: Store) -> Iterator[str]:
    for digest in store.modules():
        try:
            store.module(digest)
        except StoreError:
            yield f"module {digest[:12]}: other bytes than its name says"
