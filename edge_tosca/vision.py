"""The learner's eyes: a backbone that is loaded when the first picture comes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from edge_tosca.errors import StoreError

if TYPE_CHECKING:
    from edge_tosca.runtime import Backend, Bundle, Extracted, Fingerprint, PictureSource


@dataclass(frozen=True)
class Vision:
    """Which backbone, and on what it runs.

    Attributes:
        bundle_path: folder of the backbone bundle; None for the one that ships with edge-tosca.
        runtime: "onnxruntime" or "openvino".
        device: "CPU", "GPU", "NPU" or "AUTO".
        threads: of the backbone; None for the runtime's own choice.
    """

    bundle_path: Path | None = None
    runtime: str = "onnxruntime"
    device: str = "CPU"
    threads: int | None = None

    @cached_property
    def bundle(self) -> "Bundle":
        """The verified bundle."""
        from edge_tosca.runtime import Bundle

        return Bundle.load(self.bundle_path)

    @cached_property
    def backend(self) -> "Backend":
        """The loaded backbone."""
        from edge_tosca.runtime import open_backend

        return open_backend(self.bundle, self.runtime, self.device, self.threads)

    @cached_property
    def fingerprint(self) -> "Fingerprint":
        """What the features of this backbone depend on."""
        from edge_tosca.runtime import fingerprint

        return fingerprint(self.bundle, self.backend)

    def extract(
        self, sources: "Iterable[PictureSource]", on_progress: Callable[[int], None] | None = None
    ) -> "Iterator[Extracted]":
        """Compute the features of pictures, in their order.

        Args:
            sources: paths, file contents or pixel arrays.
            on_progress: called with the number of pictures done, after each.

        Yields:
            One result a picture, with its features or the reason why there are none.
        """
        from edge_tosca.runtime import extract

        yield from extract(sources, self.bundle.preprocessing, self.backend, on_progress=on_progress)

    def check(self, digest: str, origin: str, store: Path) -> None:
        """Make sure that a store's features come from this backbone.

        Args:
            digest: the store's fingerprint.
            origin: the same in words.
            store: its path.

        Raises:
            StoreError: they do not.
        """
        if self.fingerprint.digest != digest:
            raise StoreError(
                f"{store} was made with {origin}, this is {self.fingerprint}; open it with the same "
                "backbone, --runtime and --device, or init a new store and teach it again"
            )
