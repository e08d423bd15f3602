"""The backbone bundle: a folder with a frozen backbone and a manifest with the SHA-256 of every file."""

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from edge_tosca.arrays import MAX_FEATURE_DIM
from edge_tosca.errors import BundleError
from edge_tosca.runtime.golden import GoldenInput, golden_inputs
from edge_tosca.runtime.manifest import (
    BACKBONE,
    MANIFEST,
    OPENVINO_GRAPH,
    OPENVINO_WEIGHTS,
    REMEDY,
    preprocessing_of,
    read_manifest,
    require_field,
    text_field,
)
from edge_tosca.runtime.onnx_interface import require_interface
from edge_tosca.runtime.onnx_safety import require_self_contained
from edge_tosca.runtime.parts import Part, parts_of, supersedes_of
from edge_tosca.runtime.preprocess import Preprocessing
from edge_tosca.system.files import IrregularFileError, open_regular

DEFAULT_BUNDLE = Path(__file__).parent / "bundles" / "efficientnet_lite0"

_GRAPHS = (BACKBONE, "backbone.fp32.onnx")
_MOST_FILES = 100
_MOST_FILE_BYTES = 2 << 30
"""An ONNX file cannot be larger."""

_MOST_BYTES = 4 << 30


@dataclass(frozen=True)
class Bundle:
    """A verified backbone bundle.

    Attributes:
        path: the bundle's folder.
        name: the backbone's name.
        feature_dim: length d of a feature, all parts together.
        parts: of a feature, the last feature first.
        precision: "int8" or "fp32".
        preprocessing: of the pictures.
        golden: computed pictures and their reference features.
        files: path inside the folder -> sha256 (hex).
        manifest: the whole manifest as read.
        supersedes: digests of the backbones whose feature the first part reproduces bit for bit.
        stands_for: the one of them that this bundle stands for, see `as_superseded`; empty otherwise.
    """

    path: Path
    name: str
    feature_dim: int
    parts: tuple[Part, ...]
    precision: str
    preprocessing: Preprocessing
    golden: tuple[GoldenInput, ...] = field(repr=False)
    files: dict[str, str] = field(repr=False)
    manifest: dict[str, Any] = field(repr=False)
    supersedes: tuple[str, ...] = field(default=(), repr=False)
    stands_for: str = ""

    @classmethod
    def load(cls, path: str | Path | None = None) -> "Bundle":
        """Load a bundle, verify the sha256 of every file, and compare the graph with the manifest.

        Args:
            path: the bundle's folder; None for the one that ships with edge-tosca.

        Returns:
            The bundle.

        Raises:
            BundleError: the bundle is missing, malformed, of an unknown format, changed or too large, or its
                graph refers to data outside the file, loops, or has other inputs and outputs than the
                manifest says.
        """
        folder = DEFAULT_BUNDLE if path is None else Path(path)
        manifest = read_manifest(folder)
        where = folder / MANIFEST
        files = _files(manifest, where)
        feature_dim = require_field(manifest, "feature_dim", int, where)
        if not 1 <= feature_dim <= MAX_FEATURE_DIM:
            raise BundleError(f"{where}: 'feature_dim' must be 1 to {MAX_FEATURE_DIM}; {REMEDY}")
        bundle = cls(
            path=folder,
            name=text_field(manifest, "name", where),
            feature_dim=feature_dim,
            parts=parts_of(manifest, feature_dim, where),
            precision=text_field(manifest, "precision", where),
            preprocessing=preprocessing_of(manifest, where),
            golden=golden_inputs(require_field(manifest, "golden", list, where), feature_dim, where),
            files=files,
            manifest=manifest,
            supersedes=supersedes_of(manifest, where),
        )
        _require_sizes([folder / name for name in files])
        for name in files:
            bundle._verify(name)
        return bundle

    @property
    def digest(self) -> str:
        """The sha256 (hex) of the backbone's graph; of the superseded one where this stands for one."""
        return self.stands_for or self.files[BACKBONE]

    @property
    def widths(self) -> tuple[int, ...]:
        """Widths of the feature's parts, which add up to d."""
        return tuple(part.width for part in self.parts)

    def as_superseded(self, digest: str) -> "Bundle":
        """Return the bundle with the first part alone, in the place of a backbone that had no other.

        Args:
            digest: one of `supersedes`.

        Returns:
            A bundle of the same files whose features and digest are those of the superseded backbone.

        Raises:
            BundleError: the bundle does not supersede that backbone.
        """
        if digest not in self.supersedes:
            raise BundleError(f"{self.path}: does not supersede the backbone {digest[:8]}; {REMEDY}")
        first = self.parts[0]
        golden = tuple(replace(one, feature=one.feature[: first.width]) for one in self.golden)
        return replace(
            self, feature_dim=first.width, parts=(first,), golden=golden, supersedes=(), stands_for=digest
        )

    def graph_files(self, runtime: str) -> tuple[str, ...]:
        """Name the files that a runtime loads.

        Args:
            runtime: "onnxruntime" or "openvino", whose own graph is preferred where the bundle has one.

        Returns:
            Their paths in the manifest, the graph first.

        Raises:
            BundleError: the bundle has a graph of OpenVINO without its weights.
        """
        if runtime != "openvino" or OPENVINO_GRAPH not in self.files:
            return (BACKBONE,)
        if OPENVINO_WEIGHTS not in self.files:
            raise BundleError(f"{self.path}: has {OPENVINO_GRAPH} without {OPENVINO_WEIGHTS}; {REMEDY}")
        return OPENVINO_GRAPH, OPENVINO_WEIGHTS

    def read(self, name: str) -> bytes:
        """Read one file of the bundle and verify it, so that the bytes that run are the verified ones.

        Args:
            name: its path in the manifest, for example "backbone.onnx".

        Returns:
            The file's bytes.

        Raises:
            BundleError: the file is missing, or its sha256 is not the manifest's.
        """
        path = self.path / name
        if name not in self.files:
            raise BundleError(f"{self.path}: the bundle has no {name}; {REMEDY}")
        with _opened(path) as file:
            data = file.read()
        if hashlib.sha256(data).hexdigest() != self.files[name]:
            raise _changed(path)
        return data

    def _verify(self, name: str) -> None:
        path = self.path / name
        if path.suffix != ".onnx":
            with _opened(path) as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != self.files[name]:
                    raise _changed(path)
            return
        graph = self.read(name)
        require_self_contained(graph, path)
        if name in _GRAPHS:
            require_interface(graph, path, self.preprocessing.size, self.feature_dim, self.parts)


def _files(manifest: dict[str, Any], where: Path) -> dict[str, str]:
    files = require_field(manifest, "files", dict, where)
    if len(files) > _MOST_FILES:
        raise BundleError(f"{where}: 'files' has {len(files)} entries, at most {_MOST_FILES}; {REMEDY}")
    if BACKBONE not in files:
        raise BundleError(f"{where}: 'files' does not name {BACKBONE}; {REMEDY}")
    for name, digest in files.items():
        parts = PurePosixPath(name)
        if not parts.parts or parts.is_absolute() or ".." in parts.parts or "\\" in name or "\0" in name:
            raise BundleError(f"{where}: the file {name!r} lies outside the bundle; {REMEDY}")
        if not isinstance(digest, str) or len(digest) != 64:
            raise BundleError(f"{where}: the sha256 of {name!r} is malformed; {REMEDY}")
        inside = (where.parent / name).resolve()
        if not inside.is_relative_to(where.parent.resolve()):
            raise BundleError(f"{where}: the file {name!r} is a link that leaves the bundle; {REMEDY}")
    return dict(files)


@contextmanager
def _opened(path: Path) -> Iterator["io.BufferedReader[io.FileIO]"]:
    try:
        with open_regular(path, _most_bytes()) as file, io.BufferedReader(file) as buffered:
            yield buffered
    except FileNotFoundError:
        raise BundleError(f"{path}: missing, though the bundle's manifest names it; {REMEDY}") from None
    except IrregularFileError as error:
        raise BundleError(f"{path}: {error}, which no file of a bundle is; {REMEDY}") from None
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}); {REMEDY}") from error
    except MemoryError:
        raise BundleError(f"{path}: does not fit this device's memory; use a smaller backbone") from None


def _require_sizes(paths: list[Path]) -> None:
    total = 0
    for path in paths:
        with _opened(path) as file:
            total += os.fstat(file.fileno()).st_size
    if total > _MOST_BYTES:
        raise BundleError(
            f"{paths[0].parent}: the bundle's files have more than {_MOST_BYTES >> 30} GiB; {REMEDY}"
        )


def _most_bytes() -> int:
    """Return the size of the largest file: no graph that takes half of the memory can be loaded."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(_MOST_FILE_BYTES, memory // 2)


def _changed(path: Path) -> BundleError:
    return BundleError(f"{path}: changed since the bundle was made (its sha256 differs); {REMEDY}")
