"""A zip archive that is read in place: its members are decoded from it, and no file is written.

The limits hold for what the archive says of itself and for what is really read: a small archive can unpack to
terabytes, and one of a few megabytes can list millions of members.
"""

import io
import stat
import struct
import threading
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from edge_tosca.errors import LearnError, PictureError, printable
from edge_tosca.runtime import NamedPicture, PictureSource, is_hidden
from edge_tosca.runtime.file_kinds import START_BYTES, kind_of, unread_reason
from edge_tosca.runtime.picture_file import BYTES_LIMIT, first_line
from edge_tosca.runtime.picture_folders import PICTURE_SUFFIXES
from edge_tosca.runtime.picture_formats import is_decoded
from edge_tosca.runtime.region import Region
from edge_tosca.system.files import IrregularFileError, open_regular
from edge_tosca.vision.datasets.dataset import ENTRIES_LIMIT, TEXT_BYTES_LIMIT, unsafe_name
from edge_tosca.vision.datasets.members import RefusedError

ARCHIVE_LIMIT = 64 << 30
"""Bytes of an archive's file, which is not read at once."""

UNPACKED_LIMIT = 64 << 30
"""Bytes that are read from one archive, of all members together."""

DIRECTORY_LIMIT = 48 << 20
"""Bytes of an archive's table of contents: 100,000 members with names of some 400 bytes."""

_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_END_BYTES, _LOCATOR_BYTES, _COMMENT_BYTES = 22, 20, 1 << 16
_ENCRYPTED = 0x1

_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
"""What `zipfile` raises for damaged, encrypted and unsupported members; of LZMA it is a ValueError's kin."""


class Archive:
    """The members of a zip archive.

    Args:
        file: open for reading; it is closed with the archive.
        name: of the archive, for messages.

    Attributes:
        name: of the archive.
        names: of the members that may be read, as the archive spells them, without folders and hidden files.
        refused: name to the reason why a member is not read.

    Raises:
        LearnError: it is no zip archive, or lists too many members.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._left = UNPACKED_LIMIT
        self.names: list[str] = []
        self.refused: dict[str, str] = {}
        try:
            if (size := _directory_bytes(file)) > DIRECTORY_LIMIT:
                raise LearnError(f"{name}: its table of contents has {size >> 20} MB; make smaller archives")
            self._zip = zipfile.ZipFile(file)
        except _UNREADABLE as error:
            file.close()
            raise LearnError(f"{name}: no zip archive, or damaged ({first_line(error)})") from None
        members = self._zip.infolist()
        if len(members) > ENTRIES_LIMIT:
            raise LearnError(f"{name}: over {ENTRIES_LIMIT:,} members; make smaller archives")
        for member in members:
            self._take(member)
        # A name that comes twice stands for its last member. Sorted, as the files of a folder are.
        self._readable = frozenset(self.names)
        self.names = sorted(self._readable)

    @classmethod
    def open(cls, path: Path) -> "Archive":
        """Open an archive.

        Args:
            path: of its file.

        Raises:
            LearnError: it cannot be read, is no zip archive, or lists too many members.
        """
        try:
            return cls(io.BufferedReader(open_regular(path, ARCHIVE_LIMIT)), str(path))
        except (OSError, IrregularFileError) as error:
            raise LearnError(f"{path}: cannot be read ({first_line(error)}); name a zip archive") from None

    def has(self, name: str) -> bool:
        """Return whether there is a member of this name, see `Members.has`."""
        return name in self._readable

    def picture(self, name: str, region: Region | None = None) -> PictureSource:
        """Return the picture of this name, see `Members.picture`."""
        if reason := self.refused.get(name) or unsafe_name(name):
            raise RefusedError(reason)
        if not self.has(name):
            raise RefusedError(f"{self.name} has no such member; check the name")
        if PurePosixPath(name).suffix.lower() not in PICTURE_SUFFIXES:
            try:
                kind = kind_of(self._read(name, START_BYTES), name)
            except PictureError as error:
                raise RefusedError(str(error)) from None
            if not is_decoded(kind):
                raise RefusedError(unread_reason(kind))
        return NamedPicture(self.path_of(name), lambda: self._whole(name, BYTES_LIMIT), region)

    def path_of(self, name: str) -> str:
        """Return the name of a member in reports: the archive's and its own."""
        return f"{self.name}/{name}"

    def text(self, name: str) -> bytes:
        """Read a text of the archive, such as a manifest.

        Args:
            name: of the member.

        Raises:
            PictureError: it cannot be read, or is too large.
        """
        return self._whole(name, TEXT_BYTES_LIMIT)

    def _take(self, member: zipfile.ZipInfo) -> None:
        name = member.filename
        # An empty name is possible, too, of which `is_dir` asks the last character.
        if name.endswith("/"):
            return
        mode = member.external_attr >> 16
        if reason := unsafe_name(name):
            self.refused[name] = reason
        elif any(is_hidden(part) for part in PurePosixPath(name).parts):
            return
        elif stat.S_ISLNK(mode):
            self.refused[name] = "a link; put the picture itself into the archive"
        elif stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            self.refused[name] = "no regular file"
        elif member.flag_bits & _ENCRYPTED:
            self.refused[name] = "encrypted; make the archive without a password"
        elif member.file_size > BYTES_LIMIT:
            self.refused[name] = f"more than {BYTES_LIMIT // 10**6} MB"
        else:
            self.names.append(name)

    def _whole(self, name: str, limit: int) -> bytes:
        data = self._read(name, limit + 1)
        if len(data) > limit:
            raise PictureError(f"{printable(name)}: more than {limit // 10**6} MB")
        return data

    def _read(self, name: str, most: int) -> bytes:
        # One at a time: the archive's file has one position.
        with self._lock:
            if self._left <= 0:
                raise PictureError(
                    f"{self.name} unpacks to over {UNPACKED_LIMIT >> 30} GB; make smaller ones"
                )
            try:
                with self._zip.open(name) as member:
                    data = member.read(most)
            except (*_UNREADABLE, KeyError) as error:
                why = first_line(error) if isinstance(error, Exception) else str(error)
                raise PictureError(f"{printable(name)}: cannot be read from {self.name} ({why})") from None
            self._left -= len(data)
            return data


def _directory_bytes(file: BinaryIO) -> int:
    """Return the size of a zip archive's table of contents, which `zipfile` reads at once.

    Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.14 to 4.3.16.
    """
    size = file.seek(0, io.SEEK_END)
    length = min(size, _END_BYTES + _COMMENT_BYTES)
    file.seek(size - length)
    tail = file.read(length)
    place = tail.rfind(_END)
    if place < 0 or len(tail) < place + _END_BYTES:
        raise zipfile.BadZipFile("it has no table of contents")
    (found,) = struct.unpack_from("<L", tail, place + 12)
    at = size - length + place - _LOCATOR_BYTES
    if at >= 0:
        file.seek(at)
        locator = file.read(_LOCATOR_BYTES)
        if locator.startswith(_LOCATOR_64):
            (start,) = struct.unpack_from("<Q", locator, 8)
            # Beyond the file it is damaged; zipfile says so.
            file.seek(min(start, size))
            record = file.read(56)
            if record.startswith(_END_64) and len(record) == 56:
                (found,) = struct.unpack_from("<Q", record, 40)
    file.seek(0)
    return int(found)
