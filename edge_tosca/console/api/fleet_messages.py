"""Messages of the API on the fleet."""

from pydantic import Field

from edge_tosca.console.api.messages import Message, RequestMessage


class RefusedPackMessage(Message):
    """A lesson that the fleet wants and a box does not have, and why; `label` is "" where it is not known."""

    pack: str
    label: str = ""
    reason: str


class FleetBoxMessage(Message):
    """What another box reports of itself."""

    box: str
    online: bool
    ring: int
    held: int
    refused: list[RefusedPackMessage]
    missing: int
    version: str | None
    temperature: float | None
    free_disk: int | None
    erasures_since: str


class FleetMessage(Message):
    """This box in its fleet. `member` is false where there is none; `share` is "" if lessons stay here."""

    member: bool
    fleet: str = ""
    box: str = ""
    share: str = ""
    may_share: list[str] = Field(default_factory=list)
    held: int = 0
    refused: list[RefusedPackMessage] = Field(default_factory=list)
    deleted: int = 0
    copies: int = 0
    pinned: bool = False
    erasures_since: str = ""
    boxes: list[FleetBoxMessage] = Field(default_factory=list)


class ChangeShareMessage(RequestMessage):
    """The group that gets what this box is taught; "" for none."""

    share: str = Field(max_length=64)
