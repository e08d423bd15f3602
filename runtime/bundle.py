"""The backbone bundle: a folder with a frozen backbone and a manifest with the SHA-256 of every file."""

import hashlib
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any

from edge_tosca.arrays import MAX_FEATURE_DIM
from edge_tosca.errors import BundleError
from edge_tosca.runtime.built_in import DEFAULT_BUNDLE, bundle_folder
from edge_tosca.runtime.bundle_files import changed, named_files, opened, place_of, require_sizes
from edge_tosca.runtime.golden import GoldenInput, golden_inputs
from edge_tosca.runtime.input_size import resized
from edge_tosca.runtime.manifest import (
    BACKBONE,
    MANIFEST,
    OPENVINO_GRAPH,
    OPENVINO_WEIGHTS,
    REMEDY,
    graph_size_of,
    preprocessing_of,
    read_manifest,
    require_field,
    text_field,
)
from edge_tosca.runtime.onnx_interface import require_interface
from edge_tosca.runtime.onnx_safety import require_self_contained
from edge_tosca.runtime.parts import Part, parts_of, supersedes_of
from edge_tosca.runtime.preprocess import Preprocessing

_GRAPHS = (BACKBONE, "backbone.fp32.onnx")


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
        graph_size: side of the input that the file of the graph states, pixels; where it is not the
            preprocessing's size, the input is resized before a runtime loads the graph.
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
    graph_size: int = 0

    @classmethod
    def load(cls, path: str | PathLike[str] | None = None) -> "Bundle":
        """Load a bundle, verify the sha256 of every file, and compare the graph with the manifest.

        Args:
            path: the bundle's folder, or "fast" or "accurate" for one that ships with edge-tosca; None for
                the first of these.

        Returns:
            The bundle.

        Raises:
            BundleError: the bundle is missing, malformed, of an unknown format, changed or too large, or its
                graph refers to data outside the file, loops, or has other inputs and outputs than the
                manifest says.
        """
        folder = bundle_folder(path) or DEFAULT_BUNDLE
        manifest = read_manifest(folder)
        where = folder / MANIFEST
        files = named_files(manifest, where)
        feature_dim = require_field(manifest, "feature_dim", int, where)
        if not 1 <= feature_dim <= MAX_FEATURE_DIM:
            raise BundleError(f"{where}: 'feature_dim' must be 1 to {MAX_FEATURE_DIM}; {REMEDY}")
        preprocessing = preprocessing_of(manifest, where)
        bundle = cls(
            path=folder,
            name=text_field(manifest, "name", where),
            feature_dim=feature_dim,
            parts=parts_of(manifest, feature_dim, where),
            precision=text_field(manifest, "precision", where),
            preprocessing=preprocessing,
            golden=golden_inputs(require_field(manifest, "golden", list, where), feature_dim, where),
            files=files,
            manifest=manifest,
            supersedes=supersedes_of(manifest, where),
            graph_size=graph_size_of(manifest, preprocessing.size, where),
        )
        require_sizes([bundle.place(name) for name in files])
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

    def place(self, name: str) -> Path:
        """Return where a file of the manifest lies; a graph may lie in the default bundle."""
        return place_of(self.path, name, self.manifest)

    def graph(self) -> bytes:
        """Read the backbone's graph, verify it, and give its input this bundle's size.

        Returns:
            The ONNX file that runs.

        Raises:
            BundleError: the file is missing, changed, or its input is not of `graph_size`.
        """
        data, size = self.read(BACKBONE), self.preprocessing.size
        return resized(data, self.place(BACKBONE), self.graph_size or size, size)

    def read(self, name: str) -> bytes:
        """Read one file of the bundle and verify it, so that the bytes that run are the verified ones.

        Args:
            name: its path in the manifest, for example "backbone.onnx".

        Returns:
            The file's bytes.

        Raises:
            BundleError: the file is missing, or its sha256 is not the manifest's.
        """
        if name not in self.files:
            raise BundleError(f"{self.path}: the bundle has no {name}; {REMEDY}")
        path = self.place(name)
        with opened(path) as file:
            data = file.read()
        if hashlib.sha256(data).hexdigest() != self.files[name]:
            raise changed(path)
        return data

    def _verify(self, name: str) -> None:
        path = self.place(name)
        if path.suffix != ".onnx":
            with opened(path) as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != self.files[name]:
                    raise changed(path)
            return
        graph = self.read(name)
        require_self_contained(graph, path)
        if name in _GRAPHS:
            size = self.graph_size if name == BACKBONE else self.preprocessing.size
            require_interface(graph, path, size, self.feature_dim, self.parts)
