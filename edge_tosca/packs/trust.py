"""The signers whose packs a store accepts: public keys in the store's settings."""

from edge_tosca.errors import PackError
from edge_tosca.store.audit.provenance import now
from edge_tosca.store.store import Store

_PREFIX = "trusted key "


def trusted_keys(store: Store) -> dict[str, str]:
    """List the keys that a store trusts.

    Args:
        store: any store.

    Returns:
        Public key in hex to the time from which it is trusted, ISO 8601, UTC.
    """
    return {
        key.removeprefix(_PREFIX): since for key, since in store.settings.items() if key.startswith(_PREFIX)
    }


def trust(store: Store, key: str) -> bool:
    """Trust a key, so that packs that it signed can be imported.

    Args:
        store: to import into.
        key: public key in hex.

    Returns:
        Whether the key was not trusted before.
    """
    if key in trusted_keys(store):
        return False
    with store.transaction():
        store.set_setting(_PREFIX + key, now())
    return True


def distrust(store: Store, key: str) -> None:
    """Trust a key no longer; classes that were imported stay.

    Args:
        store: that trusts the key.
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
