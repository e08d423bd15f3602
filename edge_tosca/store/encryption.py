"""Encrypt an existing store, change its key, or decrypt it."""

from pathlib import Path

from edge_tosca.errors import StoreError
from edge_tosca.store.crypto.keys import KEY_SOURCES, UserKey, find_key, new_cipher, wrap
from edge_tosca.store.crypto.row_cipher import PLAIN_ROWS, PlainRows, RowCipher
from edge_tosca.store.database_file import open_file
from edge_tosca.store.schema import ENCRYPTION_SETTING
from edge_tosca.store.store import Store
from edge_tosca.store.thumbnails import follow_store


def is_encrypted(path: Path) -> bool:
    """Return whether a store is encrypted, without its key.

    Args:
        path: of the store.
    """
    connection = open_file(path)
    try:
        query = "SELECT 1 FROM settings WHERE key = ?"
        return connection.execute(query, (ENCRYPTION_SETTING,)).fetchone() is not None
    finally:
        connection.close()


def encrypt(path: Path, key_file: Path | None = None) -> bool:
    """Encrypt a store in one transaction, and overwrite every plain page in its file and log.

    Plain thumbnails beside the store are erased, as they are no part of the transaction.

    Args:
        path: of the store.
        key_file: with the key; see `find_key` for the other sources of a key.

    Returns:
        Whether it was not encrypted before. If it was, only plain pages that an interrupted call left are
        overwritten.

    Raises:
        StoreError: there is no key, the disk is full, or another process is at work.
    """
    key = find_key(key_file)
    if key is None:
        raise StoreError(f"{path}: there is no key to encrypt it with; give one by {KEY_SOURCES}")
    store = Store(path, open_file(path)) if not is_encrypted(path) else Store.open(path, key_file)
    try:
        plain = not store.cipher.encrypted
        if plain:
            setting, cipher = new_cipher(path, key)
            _change(store, setting, cipher, "encrypt")
        _overwrite_old(store)
    finally:
        store.close()
    return plain


def decrypt(path: Path, key_file: Path | None = None) -> None:
    """Decrypt a store in one transaction.

    Args:
        path: of the store.
        key_file: with its key.

    Raises:
        StoreError: it is not encrypted, the key is missing or wrong, or another process is at work.
    """
    store = _open_encrypted(path, key_file)
    try:
        _change(store, None, PLAIN_ROWS, "decrypt")
        _overwrite_old(store, other_key=True)
    finally:
        store.close()


def rekey(path: Path, new_key_file: Path, key_file: Path | None = None, *, fresh: bool = False) -> None:
    """Change the key of a store, so that the old one no longer opens it.

    Args:
        path: of the store.
        new_key_file: with the new key.
        key_file: with the present key.
        fresh: encrypt all rows under a new data key. Otherwise the old key and an old copy of the file still
            decrypt the new file.

    Raises:
        StoreError: it is not encrypted, a key is missing or wrong, or another process is at work.
    """
    new = UserKey.load(new_key_file)
    store = _open_encrypted(path, key_file)
    try:
        cipher = store.cipher
        if fresh or not isinstance(cipher, RowCipher):
            setting, cipher = new_cipher(path, new)
        else:
            setting = wrap(new, cipher.data_key)
        reencrypted = cipher is not store.cipher
        _change(store, setting, cipher, "rekey")
        _overwrite_old(store, other_key=reencrypted)
    finally:
        store.close()


def _open_encrypted(path: Path, key_file: Path | None) -> Store:
    if not is_encrypted(path):
        raise StoreError(f"{path} is not encrypted; encrypt it with: edge-tosca store encrypt {path}")
    return Store.open(path, key_file)


def _overwrite_old(store: Store, *, other_key: bool = False) -> None:
    """Overwrite the old pages of file and log, and erase thumbnails that are not under the store's key."""
    try:
        follow_store(store, other_key=other_key)
    finally:
        store.vacuum()


def _change(store: Store, setting: str | None, cipher: PlainRows, command: str) -> None:
    # A copy of an older format would hold the contents plain.
    with store.transaction(keep_copy=False):
        store.set_cipher(setting, cipher, command)
