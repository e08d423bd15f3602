"""Encrypt a store that is there already, give it another key, or decrypt it."""

from pathlib import Path

from edge_tosca.errors import StoreError
from edge_tosca.store.crypto.keys import WAYS, UserKey, find_key, new_cipher, wrap
from edge_tosca.store.crypto.row_cipher import PLAIN_ROWS, PlainRows, RowCipher
from edge_tosca.store.database_file import open_file
from edge_tosca.store.schema import ENCRYPTION_SETTING
from edge_tosca.store.store import Store
from edge_tosca.store.thumbnails import follow_store


def is_encrypted(path: Path) -> bool:
    """Say whether a store is encrypted; its key is not needed for that.

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
    """Encrypt a store, in one transaction, and leave no plain page in its file or log.

    Plain pictures that the console kept beside it are erased, as they are no part of the transaction.

    Args:
        path: of the store.
        key_file: with the key; see `find_key` for where else it may be.

    Returns:
        Whether it was not encrypted before. Where it was, plain pages that an interrupted call left are
        written over.

    Raises:
        StoreError: there is no key, the disk is full, or another process is at work.
    """
    key = find_key(key_file)
    if key is None:
        raise StoreError(f"{path}: there is no key to encrypt it with; give one by {WAYS}")
    store = Store(path, open_file(path)) if not is_encrypted(path) else Store.open(path, key_file)
    try:
        plain = not store.cipher.encrypted
        if plain:
            setting, cipher = new_cipher(path, key)
            _change(store, setting, cipher, "encrypt")
        _leave_no_trace(store)
    finally:
        store.close()
    return plain


def decrypt(path: Path, key_file: Path | None = None) -> None:
    """Let everything in a store lie there as it is, in one transaction.

    Args:
        path: of the store.
        key_file: that it was encrypted with.

    Raises:
        StoreError: it is not encrypted, there is no key or another one, or another process is at work.
    """
    store = _encrypted(path, key_file)
    try:
        _change(store, None, PLAIN_ROWS, "decrypt")
        _leave_no_trace(store)
    finally:
        store.close()


def rekey(path: Path, new_key_file: Path, key_file: Path | None = None, *, fresh: bool = False) -> None:
    """Let another key open a store, and the old one no longer.

    Args:
        path: of the store.
        new_key_file: with the other key.
        key_file: that opens it now.
        fresh: encrypt everything anew: else whoever has the old key and an old copy of the file can read
            the new file, too.

    Raises:
        StoreError: it is not encrypted, a key is missing or wrong, or another process is at work.
    """
    new = UserKey.load(new_key_file)
    store = _encrypted(path, key_file)
    try:
        cipher = store.cipher
        if fresh or not isinstance(cipher, RowCipher):
            setting, cipher = new_cipher(path, new)
        else:
            setting = wrap(new, cipher.data_key)
        anew = cipher is not store.cipher
        _change(store, setting, cipher, "rekey")
        _leave_no_trace(store, other_key=anew)
    finally:
        store.close()


def _encrypted(path: Path, key_file: Path | None) -> Store:
    if not is_encrypted(path):
        raise StoreError(f"{path} is not encrypted; encrypt it with: edge-tosca store encrypt {path}")
    return Store.open(path, key_file)


def _leave_no_trace(store: Store, *, other_key: bool = False) -> None:
    """Write over what lay in the file before, and erase the pictures beside it that are not under its key."""
    try:
        follow_store(store, other_key=other_key)
    finally:
        store.vacuum()


def _change(store: Store, setting: str | None, cipher: PlainRows, command: str) -> None:
    with store.transaction():
        store.set_cipher(setting, cipher, command)
