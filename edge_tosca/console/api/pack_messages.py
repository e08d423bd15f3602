"""What the API says of packs."""

from typing import Annotated

from pydantic import Field

from edge_tosca.console.api.messages import Asked, Message


class PackClassMessage(Message):
    """A class in a pack."""

    label: str
    images: int


class PackTaskMessage(Message):
    """A task in a pack."""

    name: str
    learned_at: str
    classes: list[PackClassMessage]


class PackMessage(Message):
    """What a pack holds, and who signed it."""

    pack: str
    key: str
    origin: str
    private: bool
    images: int
    tasks: list[PackTaskMessage]


class ImportedMessage(Message):
    """What an import did."""

    generation: int | None
    classes: list[str]
    tasks: list[str]
    images: int
    pack: str
    key: str
    private: bool
    accuracy_new: float | None
    accuracy_old_after: float | None
    seconds: dict[str, float]


class ExportMessage(Asked):
    """Which classes go into a pack; None for all."""

    labels: list[Annotated[str, Field(min_length=1, max_length=4000)]] | None = Field(
        default=None, max_length=1000
    )
    private: bool = False
