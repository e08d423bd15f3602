"""The boxes this runs on, as data: which backbone, runtime, device and threads each wants, and why."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_tosca.devices.processor import Machine, read_machine
from edge_tosca.errors import EdgeToscaError

ANY = "any"
"""Stands in a profile's ``npus`` for every NPU."""


@dataclass(frozen=True)
class Profile:
    """How to run the backbone on a kind of box.

    Attributes:
        name: of the profile, its file's.
        title: for the reader.
        rank: of the profiles that fit a machine, the one of the highest rank is taken.
        architectures: that it fits; empty for all, as are the next three.
        boards: beginnings of the device tree's model, of which one must fit.
        int8: instructions, of which the processor must have one.
        npus: PCI identifiers of Intel NPUs, of which one must be there; "any" for whichever.
        backbone: that is recommended.
        precision: "int8" or "fp32".
        runtime: "onnxruntime" or "openvino".
        device: "CPU" or "NPU".
        threads: of the backbone; None for the runtime's own choice, one a physical core.
        why: reasons, one sentence each.
        governor: of the processor's clock, in one sentence.
        cooling: in one sentence.
        camera: in one sentence.
        sources: where the facts in them stand.
    """

    name: str
    title: str
    rank: int
    architectures: tuple[str, ...]
    boards: tuple[str, ...]
    int8: tuple[str, ...]
    npus: tuple[str, ...]
    backbone: str
    precision: str
    runtime: str
    device: str
    threads: int | None
    why: tuple[str, ...]
    governor: str
    cooling: str
    camera: str
    sources: tuple[str, ...]

    @classmethod
    def from_toml(cls, name: str, content: str) -> "Profile":
        """Read a profile.

        Args:
            name: of the profile.
            content: TOML with a title, a rank, and the tables fits, use and notes.

        Returns:
            The profile.

        Raises:
            EdgeToscaError: it is not TOML, or a key is missing, unknown or of another type.
        """
        try:
            data = tomllib.loads(content)
            values = {
                "title": data["title"],
                "rank": data["rank"],
                **dict.fromkeys(("architectures", "boards", "int8", "npus"), ()),
                **data.get("fits", {}),
                "threads": None,
                **data["use"],
                **data["notes"],
            }
            return cls(name=name, **{key: _checked(key, value) for key, value in values.items()})
        except (ValueError, KeyError, TypeError) as error:
            raise EdgeToscaError(
                f"the profile {name} is malformed ({error}); install edge-tosca again"
            ) from None

    @property
    def options(self) -> str:
        """What to write behind edge-tosca's verbs."""
        threads = f" --threads {self.threads}" if self.threads else ""
        return f"--runtime {self.runtime} --device {self.device}{threads}"

    def fits(self, machine: Machine) -> bool:
        """Say whether a machine is such a box.

        Args:
            machine: which.
        """
        return (
            (not self.architectures or machine.architecture in self.architectures)
            and (not self.boards or machine.board.startswith(self.boards))
            and (not self.int8 or bool(set(self.int8) & set(machine.int8)))
            and (not self.npus or machine.npu in self.npus or (ANY in self.npus and bool(machine.npu)))
        )


def detect(machine: Machine | None = None) -> Profile:
    """Choose the profile of a machine.

    Args:
        machine: which; the one this runs on where None.

    Returns:
        Its profile; "other" where nothing fits.
    """
    known = machine or read_machine()
    return max((profile for profile in PROFILES.values() if profile.fits(known)), key=lambda fit: fit.rank)


def _checked(key: str, value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        if not all(isinstance(entry, str) for entry in value):
            raise TypeError(f"{key} must hold strings")
        return tuple(value)
    expected = {"rank": int, "threads": int | None}.get(key, str)
    if not isinstance(value, expected) or isinstance(value, bool):
        raise TypeError(f"{key} is {value!r}")
    return value


PROFILES = {
    path.stem: Profile.from_toml(path.stem, path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "boxes").glob("*.toml"))
}
"""Every profile that edge-tosca knows, by name."""
