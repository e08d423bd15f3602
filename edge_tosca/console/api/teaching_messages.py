"""Messages of the API on teaching: the training queue, jobs, and the unknown inbox."""

from typing import Annotated, Any, Literal

from pydantic import Field

from edge_tosca.console.api.messages import Message, RequestMessage
from edge_tosca.console.app_state.training_queue import Flaw, Lack


class CorrectionMessage(RequestMessage):
    """The true class of an answer's picture."""

    answer: str = Field(min_length=1, max_length=64)
    label: str = Field(min_length=1, max_length=4000)


class ConfirmationMessage(RequestMessage):
    """An answer that was right."""

    answer: str = Field(min_length=1, max_length=64)


class StripAnswerMessage(Message):
    """One of the last answers; `truth` is the class that a user named, `at` in seconds since 1970."""

    id: str
    at: float
    label: str
    unknown: bool
    probability: float
    truth: str | None


class StripMessage(Message):
    """The last answers of a region or phone, the newest first, one an object."""

    answers: list[StripAnswerMessage]


class NameMessage(RequestMessage):
    """A class name for some pictures, by their ids."""

    pictures: list[Annotated[str, Field(min_length=1, max_length=64)]] = Field(min_length=1, max_length=600)
    label: str = Field(min_length=1, max_length=4000)


class NamedMessage(Message):
    """Number of pictures that were queued, that are gone, and for which the queue has no room.

    `count`: of all queued pictures of the class.
    """

    label: str
    moved: int
    gone: int
    full: int
    count: int


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
    """All pictures that wait to be taught; `kept`: a restart does not lose them."""

    classes: list[WaitingClassMessage]
    pictures: int
    limit: int
    limit_of_a_class: int
    kept: bool


class AddedMessage(Message):
    """Whether a picture was added to the queue, and its fault."""

    label: str
    id: str | None
    accepted: bool
    reason: Flaw | Literal["full"] | None
    hint: Flaw | None
    count: int


class DroppedMessage(Message):
    """Number of removed pictures."""

    dropped: int


class LearnMessage(RequestMessage):
    """The queued classes to teach; None for all."""

    labels: list[Annotated[str, Field(min_length=1, max_length=4000)]] | None = Field(
        default=None, max_length=1000
    )
    task: str | None = Field(default=None, max_length=200)
    force: bool = False
    new_class: bool = False


class JobKeyMessage(RequestMessage):
    """A job by its id."""

    id: str = Field(min_length=1, max_length=64)


class UndoneMessage(Message):
    """A lesson was undone; `waiting` of its pictures are queued again."""

    generation: int
    classes: list[str]
    waiting: int


class JobMessage(Message):
    """The id of a job that was started."""

    job: str


class ConfusionMessage(Message):
    """Two classes that were confused, with pictures of both (ids for /picture)."""

    truth: str
    answer: str
    count: int
    pictures: list[str]
    answer_pictures: list[str]


class ProgressMessage(Message):
    """Progress of a job. In the report, a suspect's path is the id of its picture.

    `alone`: no other class is known yet, so accuracies mean nothing.
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
    """An unknown picture; `at` in seconds since 1970."""

    id: str
    at: float


class UnknownGroupMessage(Message):
    """Similar unknown pictures, the newest first.

    `camera` and `region` are null for pictures that were sent, and while the box has one whole frame only.
    """

    id: str
    count: int
    nearest: str
    pictures: list[UnknownMessage]
    camera: str | None = None
    region: str | None = None


class InboxMessage(Message):
    """All groups of unknown pictures; `kept`: a restart does not lose them."""

    groups: list[UnknownGroupMessage]
    pictures: int
    kept: bool


class QuestionMessage(Message):
    """A picture to ask about; `labels` are the most probable known classes.

    `reason`: "border" if two of them are nearly as probable, "far" if nothing similar was taught.
    """

    id: str
    reason: Literal["border", "far"]
    labels: list[str]


class QuestionsMessage(Message):
    """Questions, the most instructive first, chosen among so many pictures."""

    questions: list[QuestionMessage]
    pictures: int


class MoveMessage(RequestMessage):
    """A class name for a group of unknown pictures."""

    group: str = Field(min_length=1, max_length=64)
    label: str = Field(min_length=1, max_length=4000)


class MovedMessage(Message):
    """Number of pictures of a group that were queued, and of all queued pictures of the class."""

    label: str
    moved: int
    count: int
