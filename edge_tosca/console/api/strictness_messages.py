"""Messages of the API on the strictness."""

from pydantic import Field

from edge_tosca.console.api.messages import Message, RequestMessage


class StrictnessEffectMessage(Message):
    """What a strictness does to the pictures that placed the threshold."""

    strictness: float
    threshold: float | None
    known: int
    known_refused: int
    references: int
    references_refused: int


class StrictnessMessage(Message):
    """How much evidence a picture needs to pass as known, and what each level would call unknown."""

    value: float
    classes: dict[str, float]
    now: StrictnessEffectMessage
    levels: dict[str, StrictnessEffectMessage]


class ChangeStrictnessMessage(RequestMessage):
    """A new strictness, of a class or of all; null for balanced, or of a class for that of all."""

    value: float | None = Field(ge=0, le=1)
    label: str | None = Field(default=None, min_length=1, max_length=4000)
