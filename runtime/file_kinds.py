"""Recognise what a file is by its first bytes, whatever its name ends in.

Source of the signatures: the formats' specifications, and file(1)'s database.
"""

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

START_BYTES = 512
"""Of a file, enough for every signature."""

Group = Literal["picture", "unread picture", "video", "archive", "other"]


@dataclass(frozen=True)
class FileKind:
    """A kind of file.

    Attributes:
        name: as people call it, with its article.
        group: what it is for this package: a picture that is decoded, one that is not, or no picture.
        remedy: what to do with it; empty for a picture that is decoded.
        format: of the decoder; empty where there is none.
    """

    name: str
    group: Group
    remedy: str = "move it elsewhere"
    format: str = ""


_AS_JPEG = "save it as JPEG"
_FRAMES = "save frames of it as JPEG"
_UNPACK = "unpack it"


def _decoded(name: str) -> FileKind:
    return FileKind(name, "picture", "", {"WebP": "WEBP"}.get(name, name))


def _unread(name: str) -> FileKind:
    return FileKind(name, "unread picture", _AS_JPEG)


def _video(name: str) -> FileKind:
    return FileKind(f"a video ({name})", "video", _FRAMES)


def _archive(name: str) -> FileKind:
    return FileKind(f"an archive ({name})", "archive", _UNPACK)


def _other(name: str, remedy: str = "move it elsewhere") -> FileKind:
    return FileKind(name, "other", remedy)


JPEG, PNG, BMP, WEBP, GIF, TIFF = map(_decoded, ("JPEG", "PNG", "BMP", "WebP", "GIF", "TIFF"))
AVIF = FileKind("AVIF", "picture", "install Pillow 11.3 or later, or save it as JPEG", "AVIF")
HEIC = FileKind("HEIC", "picture", "pip install 'edge-tosca[heic]', or save it as JPEG", "HEIF")
CAMERA_RAW = _unread("a camera's raw file")
EMPTY = _other("empty", "take or copy it again")
ZEROS = _other("nothing but zeros", "copy it again")
TEXT = _other("text")
UNKNOWN = _other("of no known format")
_MP4, _QUICKTIME = _video("MP4"), _video("QuickTime MOV")
_SVG, _HTML = _other("an SVG drawing", "save it as PNG"), _other("a web page (HTML)")
_AUDIO, _POSTSCRIPT = _other("sound"), _other("PostScript", "save it as PNG")

_STARTS: tuple[tuple[bytes, FileKind], ...] = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"FUJIFILMCCD-RAW", CAMERA_RAW),
    (b"IIRO", CAMERA_RAW),
    (b"IIRS", CAMERA_RAW),
    (b"MMOR", CAMERA_RAW),
    (b"IIU\0", CAMERA_RAW),
    (b"FOVb", CAMERA_RAW),
    (b"\0MRM", CAMERA_RAW),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),
    (b"MM\0+", TIFF),
    (b"\0\0\0\x0cJXL \r\n\x87\n", _unread("JPEG XL")),
    (b"\xff\x0a", _unread("JPEG XL")),
    (b"\0\0\0\x0cjP  \r\n\x87\n", _unread("JPEG 2000")),
    (b"\xff\x4f\xff\x51", _unread("JPEG 2000")),
    (b"8BPS", _unread("a Photoshop file (PSD)")),
    (b"gimp xcf", _unread("a GIMP file (XCF)")),
    (b"\x76\x2f\x31\x01", _unread("OpenEXR")),
    (b"#?RADIANCE", _unread("Radiance HDR")),
    (b"qoif", _unread("QOI")),
    (b"BPG\xfb", _unread("BPG")),
    (b"\x8aMNG", _unread("MNG")),
    (b"\x8bJNG", _unread("JNG")),
    (b"\0\0\1\0", _unread("an icon (ICO)")),
    (b"icns", _unread("an icon (ICNS)")),
    (b"II\xbc\1", _unread("JPEG XR")),
    (b"SIMPLE  =", _unread("FITS")),
    (b"AT&TFORM", _unread("DjVu")),
    (b"%!PS", _POSTSCRIPT),
    (b"\xc5\xd0\xd3\xc6", _POSTSCRIPT),
    (b"%PDF", _other("a PDF document", "save its pictures as JPEG")),
    (b"\x1aE\xdf\xa3", _video("Matroska or WebM")),
    (b"\0\0\1\xba", _video("MPEG")),
    (b"\0\0\1\xb3", _video("MPEG")),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", _video("Windows Media")),
    (b"FLV\1", _video("Flash")),
    (b"OggS", _video("Ogg")),
    (b"ID3", _AUDIO),
    (b"fLaC", _AUDIO),
    (b"PK\3\4", _archive("ZIP")),
    (b"PK\5\6", _archive("ZIP")),
    (b"7z\xbc\xaf\x27\x1c", _archive("7z")),
    (b"Rar!\x1a\7", _archive("RAR")),
    (b"\x1f\x8b", _archive("gzip")),
    (b"BZh", _archive("bzip2")),
    (b"\xfd7zXZ\0", _archive("xz")),
    (b"\x28\xb5\x2f\xfd", _archive("Zstandard")),
    (b"\0\5\x16\7", _other("metadata of macOS (AppleDouble)")),
    (b"version https://git-lfs", _other("a pointer of Git LFS", "fetch the picture with: git lfs pull")),
    (b"SQLite format 3\0", _other("a database (SQLite)")),
    (b"\x93NUMPY", _other("an array of NumPy", "save it as PNG")),
    (b"\x7fELF", _other("a program")),
    (b"MZ", _other("a program")),
)

_BRANDS: tuple[tuple[frozenset[bytes], FileKind], ...] = (
    (frozenset({b"avif", b"avis"}), AVIF),
    (frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}), HEIC),
    (frozenset({b"crx "}), CAMERA_RAW),
    (frozenset({b"jxl "}), _unread("JPEG XL")),
    (frozenset({b"qt  "}), _QUICKTIME),
)
"""Of an ISO base media file, in the order in which they decide; all others are videos."""

_SUFFIXES: dict[str, FileKind] = {
    **dict.fromkeys((".heic", ".heif", ".hif"), HEIC),
    ".avif": AVIF,
    ".jxl": _unread("JPEG XL"),
    **dict.fromkeys((".jp2", ".j2k"), _unread("JPEG 2000")),
    ".psd": _unread("a Photoshop file (PSD)"),
    ".tga": _unread("Targa"),
    ".svg": _SVG,
    **dict.fromkeys(
        (".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".iiq", ".kdc", ".mrw"), CAMERA_RAW
    ),
    **dict.fromkeys(
        (".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srw"), CAMERA_RAW
    ),
    **dict.fromkeys((".mp4", ".m4v"), _MP4),
    ".mov": _QUICKTIME,
    **dict.fromkeys((".avi", ".mkv", ".webm", ".mts", ".m2ts", ".3gp", ".wmv"), _video("by its name")),
}
"""What a name says of a file whose bytes say nothing."""

_RAW_SUFFIXES = frozenset(suffix for suffix, kind in _SUFFIXES.items() if kind is CAMERA_RAW)
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)
_PNM = re.compile(rb"P[1-7][\s#]")
_MPEG_PACKET, _MPEG_SYNC = 188, 0x47


def kind_of(start: bytes, name: str = "") -> FileKind:
    """Recognise a file.

    Args:
        start: its first bytes, up to `START_BYTES`; fewer only where the file is shorter.
        name: of the file, which decides where its bytes leave two possibilities or none.

    Returns:
        Its kind.
    """
    suffix = PurePath(name).suffix.lower()
    by_name = _SUFFIXES.get(suffix)
    if not start:
        return EMPTY
    kind = _by_start(start)
    # Raw files of most makers are TIFFs, with a thumbnail where a picture is expected.
    if kind is TIFF and (suffix in _RAW_SUFFIXES or start[8:10] == b"CR"):
        return CAMERA_RAW
    if kind is not None:
        return kind
    if by_name is not None and not _is_text(start):
        return by_name
    if not any(start):
        return ZEROS
    return _kind_of_text(start) if _is_text(start) else UNKNOWN


def unread_reason(kind: FileKind) -> str:
    """Return why a file of a kind is not read, with what to do.

    Args:
        kind: any; of a picture that is decoded, its decoder is not installed.
    """
    if kind in (EMPTY, ZEROS):
        return f"{kind.name}; {kind.remedy}"
    if kind is UNKNOWN:
        return "not a picture; save it as JPEG, PNG, BMP, WebP, GIF or TIFF"
    if kind.group == "picture":
        return f"{kind.name}, whose decoder is not installed; {kind.remedy}"
    if kind.group == "unread picture":
        return f"{kind.name} is not read; {kind.remedy}"
    return f"not a picture but {kind.name}; {kind.remedy}"


def _by_start(start: bytes) -> FileKind | None:
    for signature, kind in _STARTS:
        if start.startswith(signature):
            return kind
    if start[4:8] == b"ftyp":
        return _by_brand(start) if len(start) >= 12 else None
    if start[4:8] in (b"moov", b"mdat", b"wide", b"pnot") or start[4:12] in (b"skipmoov", b"freemoov"):
        return _QUICKTIME
    if start.startswith(b"RIFF"):
        return {b"WEBP": WEBP, b"AVI ": _video("AVI"), b"WAVE": _AUDIO}.get(start[8:12])
    if start.startswith(b"BM") and int.from_bytes(start[14:18], "little") in _BMP_HEADERS:
        return BMP
    if _PNM.match(start):
        return _unread("PNM")
    if start[128:132] == b"DICM":
        return _unread("DICOM")
    if start[257:262] == b"ustar":
        return _archive("tar")
    packets = range(0, len(start), _MPEG_PACKET)
    if len(packets) > 2 and all(start[place] == _MPEG_SYNC for place in packets):
        return _video("MPEG transport stream")
    return None


def _by_brand(start: bytes) -> FileKind:
    size = int.from_bytes(start[:4])
    listed = start[16 : min(size, len(start))]
    brands = {start[8:12], *(listed[at : at + 4] for at in range(0, len(listed), 4))}
    # The first brand is the file's own; a file may be compatible with others.
    for known, kind in _BRANDS:
        if start[8:12] in known and start[8:12] not in (b"mif1", b"msf1"):
            return kind
    for known, kind in _BRANDS:
        if start[8:12] in (b"mif1", b"msf1") and brands & known:
            return kind
    return _video("3GP") if start[8:10] == b"3g" else _MP4


def _is_text(start: bytes) -> bool:
    if b"\0" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    # A character may be cut at the end.
    return "\ufffd" not in start.decode("utf-8", "replace")[:-1] and not re.search(
        rb"[\x01-\x08\x0e-\x1a]", start
    )


def _kind_of_text(start: bytes) -> FileKind:
    head = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in head and head.startswith((b"<?xml", b"<svg", b"<!--", b"<!doctype svg")):
        return _SVG
    if head.startswith((b"<!doctype html", b"<html")):
        return _HTML
    return TEXT
