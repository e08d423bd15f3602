"""Device profiles: the recommended backbone, runtime, device and threads of each kind of machine."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_tosca.devices.processor import Machine, read_machine
from edge_tosca.errors import EdgeToscaError

ANY = "any"
"""Matches every NPU in a profile's ``npus``."""


@dataclass(frozen=True)
class Profile:
    """How to run the backbone on one kind of machine.

    Attributes:
        name: of the profile and its file.
        title: for people.
        rank: of all profiles that match a machine, the one with the highest rank is chosen.
        architectures: that match; empty for all, as in the next three.
        boards: prefixes of the device tree's model, of which one must match.
        int8: instructions, of which the processor must have one.
        npus: PCI identifiers of Intel NPUs, of which one must be present; "any" matches every NPU.
        backbone: recommended backbone.
        precision: "int8" or "fp32".
        runtime: "onnxruntime" or "openvino".
        device: "CPU" or "NPU".
        threads: of the backbone; None for the runtime's own choice, one a physical core.
        why: reasons, one sentence each.
        governor: advice on the processor's clock, one sentence.
        cooling: advice, one sentence.
        camera: advice, one sentence.
        sources: references for the reasons and the advice.
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
        """The command-line options of edge-tosca's verbs."""
        threads = f" --threads {self.threads}" if self.threads else ""
        return f"--runtime {self.runtime} --device {self.device}{threads}"

    def fits(self, machine: Machine) -> bool:
        """Return whether the profile matches a machine.

        Args:
            machine: the machine.
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
        machine: the machine; None for this one.

    Returns:
        Its profile; "other" where no other profile matches.
    """
    known = machine or read_machine()
    matching = (profile for profile in PROFILES.values() if profile.fits(known))
    return max(matching, key=lambda profile: profile.rank)


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
"""All profiles by name."""
