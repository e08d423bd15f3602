"""What reads files of strangers, as functions of bytes that may raise nothing but an EdgeToscaError."""

import contextlib
import io
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from edge_tosca.errors import EdgeToscaError
from edge_tosca.knowledge import Knowledge
from edge_tosca.lessons import teach_task
from edge_tosca.module import Module
from edge_tosca.packs import SigningKey, export_classes, make_key, read_pack
from edge_tosca.runtime.bundle import DEFAULT_BUNDLE, Bundle
from edge_tosca.runtime.manifest import BACKBONE, MANIFEST
from edge_tosca.runtime.pictures import load_picture
from edge_tosca.store import Store

_D = 16
_MEMORY = Path("/dev/shm")


@dataclass(frozen=True)
class Target:
    """A reader of hostile bytes.

    Attributes:
        read: takes the bytes; returns, or raises an EdgeToscaError of one line.
        seeds: makes files that are in order, to be spoilt.
    """

    read: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


def _picture(data: bytes) -> None:
    with _one_line():
        load_picture(data, shortest=256)


def _module(data: bytes) -> None:
    with _one_line():
        Module.from_bytes(data)


def _store(data: bytes) -> None:
    with _file("shop.tosca", data) as path, _one_line():
        store = Store.open(path)
        try:
            store.history()
            state = store.state()
            if state.tasks:
                Knowledge(store, state).decide(np.ones((1, _D), np.float32), 3)
        finally:
            store.close()


def _pack(data: bytes) -> None:
    with _file("classes.pack", data) as path, _one_line():
        read_pack(path)


def _bundle(data: bytes) -> None:
    with _file(MANIFEST, data) as path, _one_line():
        (path.parent / BACKBONE).symlink_to(DEFAULT_BUNDLE / BACKBONE)
        Bundle.load(path.parent)


def _pictures() -> list[bytes]:
    rng = np.random.default_rng(0)
    pixels = Image.fromarray(rng.integers(0, 256, (24, 32, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    kinds = [
        ("JPEG", pixels, {"exif": exif}),
        ("JPEG", pixels, {"progressive": True}),
        ("JPEG", pixels.convert("CMYK"), {}),
        ("PNG", pixels, {}),
        ("PNG", pixels.convert("P"), {"transparency": 3}),
        ("PNG", pixels.convert("I;16"), {}),
        ("BMP", pixels, {}),
        ("GIF", pixels.convert("P"), {"save_all": True, "append_images": [pixels.convert("P")]}),
        ("WEBP", pixels, {}),
        ("WEBP", pixels, {"lossless": True}),
        ("TIFF", pixels, {"compression": "tiff_lzw"}),
        ("TIFF", pixels, {"compression": "jpeg"}),
    ]
    files = []
    for kind, image, options in kinds:
        file = io.BytesIO()
        image.save(file, kind, **options)
        files.append(file.getvalue())
    return files


def _stores() -> list[bytes]:
    with _taught() as store:
        store.close()
        return [store.path.read_bytes()]


def _modules() -> list[bytes]:
    with _taught() as store:
        modules = [store.module(task.module) for task in store.state().tasks]
        store.close()
        return modules


def _packs() -> list[bytes]:
    with _taught() as store:
        make_key(store.path.parent / "key")
        signer = SigningKey.load(store.path.parent / "key")
        packs = [export_classes(store, (), private=private).to_bytes(signer) for private in (False,)]
        store.close()
        return packs


def _manifests() -> list[bytes]:
    return [(DEFAULT_BUNDLE / MANIFEST).read_bytes()]


TARGETS = {
    "picture": Target(_picture, _pictures),
    "module": Target(_module, _modules),
    "store": Target(_store, _stores),
    "pack": Target(_pack, _packs),
    "bundle": Target(_bundle, _manifests),
}


@contextlib.contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except EdgeToscaError as error:
        if not str(error) or "\n" in str(error):
            raise AssertionError(f"the error is not one line: {error!r}") from None


@contextlib.contextmanager
def _file(name: str, data: bytes) -> Iterator[Path]:
    """Put bytes into a file in memory, and see that nothing is written beside it."""
    folder = Path(tempfile.mkdtemp(dir=_MEMORY if _MEMORY.is_dir() else None))
    try:
        path = folder / name
        path.write_bytes(data)
        yield path
        left = {entry.name for entry in folder.iterdir()}
        strange = left - {name, f"{name}-wal", f"{name}-shm", f"{name}-journal", BACKBONE}
        if strange:
            raise AssertionError(f"files were written: {strange}")
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _taught() -> Iterator[Store]:
    settings = {
        "bundle": "",
        "runtime": "onnxruntime",
        "device": "CPU",
        "fingerprint": "0" * 64,
        "origin": "fuzz",
        "feature_dim": str(_D),
        "router": "fused",
        "refused": "0.05",
    }
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        store = Store.create(Path(folder) / "shop.tosca", settings)
        taught = {label: rng.gamma(1.0, 1.0, (4, _D)).astype(np.float32) for label in ("mug", "bowl")}
        names = {label: [f"{number}.jpg" for number in range(4)] for label in taught}
        teach_task(store, taught, names, None, skipped=(), force=True, feature_seconds=0.0)
        yield store
