"""Messages of the API on class packs."""

from typing import Annotated

from pydantic import Field

from edge_tosca.console.api.messages import Message, OutcomesMessage, RequestMessage


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
    """Content and signer of a pack. `trusted`: the store takes packs of this key."""

    pack: str
    key: str
    origin: str
    private: bool
    images: int
    tasks: list[PackTaskMessage]
    warnings: list[str]
    trusted: bool


class KeyMessage(RequestMessage):
    """A public key that signs packs, in hex."""

    key: str = Field(pattern="^[0-9a-f]{64}$")


class TrustMessage(Message):
    """A key that is trusted; `new` unless it was before."""

    key: str
    new: bool


class ImportedMessage(Message):
    """Result of an import."""

    generation: int | None
    classes: list[str]
    tasks: list[str]
    images: int
    pack: str
    key: str
    private: bool
    accuracy_new: float | None
    accuracy_old_after: float | None
    outcomes_new: OutcomesMessage | None
    outcomes_old_after: OutcomesMessage | None
    seconds: dict[str, float]
    warnings: list[str]


class ExportMessage(RequestMessage):
    """The classes to export; None for all."""

    labels: list[Annotated[str, Field(min_length=1, max_length=4000)]] | None = Field(
        default=None, max_length=1000
    )
    private: bool = False
