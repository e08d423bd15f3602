"""The backbone that computes features; it is loaded when the first picture comes."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import PictureError, StoreError
from edge_tosca.vision.compatibility import incompatibility, incompatible_bundle, superseded

if TYPE_CHECKING:
    from edge_tosca.runtime import Backend, Bundle, Extracted, Fingerprint, PictureSource, VerifiedBackend
    from edge_tosca.runtime.region import Region


@dataclass(frozen=True)
class FeatureExtractor:
    """A backbone and the runtime, device and threads it runs on.

    Attributes:
        bundle_path: folder of the backbone bundle; None for the one that ships with edge-tosca.
        runtime: "onnxruntime" or "openvino".
        device: "CPU", "GPU", "NPU" or "AUTO".
        threads: of the backbone; None for the runtime's own choice.
        hint: "LATENCY" for single pictures, "THROUGHPUT" for folders.
        made_with: backbone of the store whose features these are to fit, see `backbone_of`. A bundle that
            supersedes it then computes the first part alone, as that backbone did. By default all parts.
    """

    bundle_path: Path | None = None
    runtime: str = "onnxruntime"
    device: str = "CPU"
    threads: int | None = None
    hint: str = "LATENCY"
    made_with: str = ""

    @cached_property
    def bundle(self) -> "Bundle":
        """The verified bundle."""
        from edge_tosca.runtime import Bundle

        bundle = Bundle.load(self.bundle_path)
        old = superseded(self.made_with, bundle.supersedes)
        return bundle.as_superseded(old) if old else bundle

    def offers_levels(self, store: Path) -> str:
        """Return the line that says that a store could have more parts; empty if it has all.

        Args:
            store: its path.
        """
        if not self.bundle.stands_for:
            return ""
        return (
            f"{store} keeps the features it was made with; "
            f"edge-tosca migrate {store} would add those of earlier levels (it needs the pictures)"
        )

    @cached_property
    def _verified(self) -> "VerifiedBackend":
        from edge_tosca.runtime import open_verified

        return open_verified(self.bundle, self.runtime, self.device, self.threads, self.hint)

    @property
    def backend(self) -> "Backend":
        """The loaded backbone, on the requested device or the next one whose features are right."""
        return self._verified.backend

    @cached_property
    def fingerprint(self) -> "Fingerprint":
        """The fingerprint of everything that the features depend on."""
        from edge_tosca.runtime import fingerprint

        return fingerprint(self.bundle, self._verified.backend, self._verified.golden)

    def extract(
        self,
        sources: "Iterable[PictureSource]",
        on_progress: Callable[[int], None] | None = None,
        *,
        digests: bool = False,
        region: "Region | None" = None,
    ) -> "Iterator[Extracted]":
        """Compute the features of pictures, in their order.

        Args:
            sources: paths, file contents or pixel arrays.
            on_progress: called after each picture with the number of pictures done.
            digests: compute the SHA-256 of each file that is decoded.
            region: of each upright picture; None for all of it.

        Yields:
            One result per picture, with its features or the reason why it cannot be read.
        """
        from edge_tosca.runtime import extract

        preprocessing = self.bundle.preprocessing
        yield from extract(
            sources, preprocessing, self.backend, digests=digests, region=region, on_progress=on_progress
        )

    def feature(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], dict[str, float]]:
        """Compute the feature of one frame, in the calling thread.

        Args:
            pixels: RGB, uint8 [h, w, 3].

        Returns:
            float32 [d], and the milliseconds spent on "decode" and "features".

        Raises:
            PictureError: the pixels cannot be a picture, or their feature is not finite.
        """
        from edge_tosca.runtime import infinite_feature, load_picture

        start = time.perf_counter()
        prepared = self.bundle.preprocessing(load_picture(pixels))
        ready = time.perf_counter()
        feature = self.backend.features(prepared)
        end = time.perf_counter()
        if (reason := infinite_feature(feature, "the picture")) is not None:
            raise PictureError(reason)
        return feature, {"decode": 1e3 * (ready - start), "features": 1e3 * (end - ready)}

    def check(self, settings: Mapping[str, str], store: Path) -> None:
        """Raise if this backbone's features cannot be mixed with a store's, see `incompatibility`.

        Args:
            settings: of the store.
            store: its path.

        Raises:
            StoreError: the store's features come from another backbone, or differ too much.
        """
        from edge_tosca.runtime import preprocessing_digest

        this = f"{self.bundle.name} ({self.bundle.digest[:8]}) on {self.runtime} {self.device}"
        reason = incompatible_bundle(settings, self.bundle.digest, preprocessing_digest(self.bundle))
        if reason is None:
            this, reason = str(self.fingerprint), incompatibility(settings, self.fingerprint)
        if reason is not None:
            raise StoreError(
                f"{store} was made with {settings['origin']}, this is {this} ({reason}); open it with the "
                "same backbone, --runtime and --device, or recompute its features with: "
                f"edge-tosca migrate {store} {self._options}; or init a new store and teach it again"
            )

    @property
    def _options(self) -> str:
        backbone = "" if self.bundle_path is None else f"--backbone {self.bundle_path} "
        return f"{backbone}--runtime {self.runtime} --device {self.device}"
