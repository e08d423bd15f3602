"""What the API says of teaching: the queue, jobs, and the inbox of unknown things."""

from typing import Annotated, Any, Literal

from pydantic import Field

from edge_tosca.console.api.messages import Asked, Message
from edge_tosca.console.app_state.training_queue import Flaw, Lack


class CorrectionMessage(Asked):
    """What the picture of an answer really shows."""

    answer: str = Field(min_length=1, max_length=64)
    label: str = Field(min_length=1, max_length=4000)


class WaitingMessage(Message):
    """A picture that waits to be taught."""

    id: str
    sharpness: float
    hint: Flaw | None


class WaitingClassMessage(Message):
    """The pictures of a class that wait to be taught."""

    label: str
    known: bool
    pictures: list[WaitingMessage]
    hints: list[Lack]


class QueueMessage(Message):
    """All pictures that wait to be taught."""

    classes: list[WaitingClassMessage]
    pictures: int
    limit: int
    limit_of_a_class: int


class AddedMessage(Message):
    """What became of a picture."""

    label: str
    id: str | None
    accepted: bool
    reason: Flaw | Literal["full"] | None
    hint: Flaw | None
    count: int


class DroppedMessage(Message):
    """How many pictures were dropped."""

    dropped: int


class LearnMessage(Asked):
    """What to teach of what waits; None for all classes."""

    labels: list[Annotated[str, Field(min_length=1, max_length=4000)]] | None = Field(
        default=None, max_length=1000
    )
    task: str | None = Field(default=None, max_length=200)
    force: bool = False


class JobKeyMessage(Asked):
    """A job by its id."""

    id: str = Field(min_length=1, max_length=64)


class UndoneMessage(Message):
    """A lesson was taken back, and its pictures wait again."""

    generation: int
    classes: list[str]
    waiting: int


class JobMessage(Message):
    """A job that was begun."""

    job: str


class ConfusionMessage(Message):
    """Two classes that were confused, with pictures of both (ids for /picture)."""

    truth: str
    answer: str
    count: int
    pictures: list[str]
    answer_pictures: list[str]


class ProgressMessage(Message):
    """Where a job is. In the report, a suspect's path is the id of its picture.

    `alone` says that no other class is known yet: its answers are all right for want of another.
    """

    id: str
    state: Literal["running", "done", "rejected", "failed"]
    stage: Literal["training", "judging", "finished"]
    done: int
    total: int
    seconds: float
    report: dict[str, Any] | None
    error: str | None
    confusions: list[ConfusionMessage]
    pictures: dict[str, list[str]]
    alone: bool


class UnknownMessage(Message):
    """A picture of something unknown; `at` in seconds since 1970."""

    id: str
    at: float


class UnknownGroupMessage(Message):
    """Unknown pictures that look alike, the newest first."""

    id: str
    count: int
    nearest: str
    pictures: list[UnknownMessage]


class InboxMessage(Message):
    """All groups of unknown pictures."""

    groups: list[UnknownGroupMessage]
    pictures: int


class MoveMessage(Asked):
    """A name for a group of unknown pictures."""

    group: str = Field(min_length=1, max_length=64)
    label: str = Field(min_length=1, max_length=4000)


class MovedMessage(Message):
    """How many pictures of a group wait to be taught now, and how many of the class in all."""

    label: str
    moved: int
    count: int
