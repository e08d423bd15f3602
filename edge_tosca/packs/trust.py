"""Whose packs a store accepts: public keys, kept in the store itself, trusted one by one."""

from edge_tosca.errors import PackError
from edge_tosca.store.audit.provenance import now
from edge_tosca.store.store import Store

_PREFIX = "trusted key "


def trusted_keys(store: Store) -> dict[str, str]:
    """List the keys that a store trusts.

    Args:
        store: any store.

    Returns:
        Public key in hex to the time when it was first trusted, ISO 8601, UTC.
    """
    return {
        key.removeprefix(_PREFIX): since for key, since in store.settings.items() if key.startswith(_PREFIX)
    }


def trust(store: Store, key: str) -> bool:
    """Accept packs that a key signed, from now on.

    Args:
        store: that imports them.
        key: public key in hex.

    Returns:
        Whether that is new.
    """
    if key in trusted_keys(store):
        return False
    with store.transaction():
        store.set_setting(_PREFIX + key, now())
    return True


def distrust(store: Store, key: str) -> None:
    """Accept no more packs of a key; classes that were imported stay.

    Args:
        store: that trusts it.
        key: public key in hex.

    Raises:
        PackError: the store does not trust it.
    """
    if key not in trusted_keys(store):
        raise PackError(
            f"{store.path} does not trust key {key[:16]}; see: edge-tosca pack trust {store.path}"
        )
    with store.transaction():
        store.set_setting(_PREFIX + key, None)
