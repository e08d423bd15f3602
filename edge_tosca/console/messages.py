"""What the API says, as models from which its OpenAPI description is made."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from edge_tosca.console.queue import Flaw, Lack


class Message(BaseModel):
    """Anything the API says."""

    model_config = ConfigDict(extra="forbid")


class Asked(Message):
    """Anything the API is told: true is no number here, and "1" is none either."""

    model_config = ConfigDict(strict=True)


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


class LabelMessage(Asked):
    """A class by its name."""

    label: str = Field(min_length=1, max_length=4000)


class RenameMessage(Asked):
    """Another name for a class."""

    label: str = Field(min_length=1, max_length=4000)
    new: str = Field(min_length=1, max_length=4000)
    merge: bool = False


class RollbackMessage(Asked):
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


class TokenMessage(Asked):
    """The token that the box was started with."""

    token: str = Field(min_length=1, max_length=1000)


class SessionMessage(Message):
    """Whether a token is needed here, and whether this client has shown it."""

    needed: bool
    open: bool


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
    """Where a job is. In the report, a suspect's path is the id of its picture."""

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


class SettingsMessage(Asked):
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


class ShownMessage(Message):
    """What a display should say."""

    label: str
    confidence: float
    unknown: bool
    top: list[GuessMessage]
    since_seconds: float
    frames: int


class LiveMessage(Message):
    """What a camera sees now, or the reason why there is no answer."""

    id: str | None
    frame: int | None
    answer: AnswerMessage | None
    shown: ShownMessage | None
    camera: dict[str, Any] | None
    reason: Literal["no_camera", "starting", "camera_lost", "nothing_learned", "trouble"] | None


class CameraMessage(Message):
    """How the camera and its live loop are doing."""

    camera: dict[str, Any] | None
    live: dict[str, Any] | None


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


class CheckMessage(Message):
    """Whether a store is as it was left."""

    ok: bool
    text: str
    faults: int


class StorageMessage(Message):
    """A store in numbers."""

    stats: dict[str, Any]
    check: CheckMessage


class FindingMessage(Message):
    """One thing that the doctor looked at."""

    what: str
    ok: bool
    detail: str
    remedy: str


class DoctorMessage(Message):
    """All that the doctor looked at."""

    ok: bool
    findings: list[FindingMessage]


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
