"""What the API says, as models from which its OpenAPI description is made."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Message(BaseModel):
    """Anything the API says or is told."""

    model_config = ConfigDict(extra="forbid")


class ErrorMessage(Message):
    """One sentence that says what to do."""

    error: str


class GuessMessage(Message):
    """A class and its probability."""

    label: str
    confidence: float


class AnswerMessage(Message):
    """What a picture or a burst shows; `id` names it in corrections while its picture is in memory."""

    id: str | None
    label: str
    confidence: float
    unknown: bool
    task: str
    top: list[GuessMessage]
    familiarity: float
    milliseconds: dict[str, float]
    set: list[str] | None


class ClassMessage(Message):
    """A known class."""

    label: str
    task: str
    tasks: list[str]
    images: int
    learned_at: str
    accuracy: float | None
    thumbnail: bool


class ModuleMessage(Message):
    """A module of the live generation."""

    digest: str
    task: str
    classes: list[str]
    bytes: int


class ClassesMessage(Message):
    """What is known."""

    generation: int
    classes: list[ClassMessage]
    modules: list[ModuleMessage]


class ChangeMessage(Message):
    """A change was made."""

    generation: int
    classes: list[str]


class LabelMessage(Message):
    """A class by its name."""

    label: str = Field(min_length=1, max_length=4000)


class RenameMessage(Message):
    """Another name for a class."""

    label: str = Field(min_length=1, max_length=4000)
    new: str = Field(min_length=1, max_length=4000)
    merge: bool = False


class RollbackMessage(Message):
    """Where to go back to; None undoes the last change."""

    generation: int | None = Field(default=None, ge=0, le=2**31)


class GenerationMessage(Message):
    """One change in the store's history."""

    number: int
    parent: int
    made_at: str
    command: str
    classes: list[str]
    before: str | None
    verdict: str | None
    by: str | None
    live: bool


class HistoryMessage(Message):
    """All changes, the newest first. `undo` is the generation that one undo leads to."""

    generation: int
    undo: int | None
    generations: list[GenerationMessage]


class WaitingMessage(Message):
    """A picture that waits to be taught."""

    id: str
    sharpness: float
    hint: Literal["blurred", "copy", "dark", "bright"] | None


class WaitingClassMessage(Message):
    """The pictures of a class that wait to be taught."""

    label: str
    known: bool
    pictures: list[WaitingMessage]
    hints: list[Literal["few", "alike"]]


class QueueMessage(Message):
    """All pictures that wait to be taught."""

    classes: list[WaitingClassMessage]
    pictures: int
    limit: int
    limit_of_a_class: int


class AddedMessage(Message):
    """What became of a picture."""

    id: str | None
    accepted: bool
    reason: Literal["blurred", "copy", "dark", "bright", "full"] | None
    hint: Literal["blurred", "copy", "dark", "bright"] | None
    count: int


class DroppedMessage(Message):
    """How many pictures were dropped."""

    dropped: int


class LearnMessage(Message):
    """What to teach of what waits; None for all classes."""

    labels: list[str] | None = Field(default=None, max_length=1000)
    task: str | None = Field(default=None, max_length=200)
    force: bool = False


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
    """Where a job is. In the report, a suspect's path is the id of its picture."""

    id: str
    state: Literal["running", "done", "rejected", "failed"]
    stage: str
    done: int
    total: int
    seconds: float
    report: dict[str, Any] | None
    error: str | None
    confusions: list[ConfusionMessage]
    pictures: dict[str, list[str]]


class SettingsMessage(Message):
    """What the console may keep."""

    keep_pictures: bool


class HealthMessage(Message):
    """Whether the box is well. Without the token it tells nothing but status and version."""

    status: Literal["ok", "degraded"]
    version: str
    generation: int | None
    camera: dict[str, Any] | None
    live: dict[str, Any] | None
    uptime: float | None
