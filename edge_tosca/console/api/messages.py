"""Messages of the API on the box, its classes and its answers; the OpenAPI description is made from them."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Message(BaseModel):
    """Base of all messages."""

    model_config = ConfigDict(extra="forbid")


class RequestMessage(Message):
    """Base of all request bodies. Types are strict: neither true nor "1" is a number."""

    model_config = ConfigDict(strict=True)


class ErrorMessage(Message):
    """An error, in one sentence that says what to do."""

    error: str


class GuessMessage(Message):
    """A class and its probability."""

    label: str
    confidence: float
    probability: float


class AnswerMessage(Message):
    """The answer to a picture or a burst; `id` names it in corrections while its picture is in memory."""

    id: str | None
    label: str
    confidence: float
    unknown: bool
    task: str
    top: list[GuessMessage]
    familiarity: float
    milliseconds: dict[str, float]
    probability: float
    unknown_probability: float
    set: list[str] | None
    note: str | None


class OutcomesMessage(Message):
    """Shares of held-out pictures that are named right, named wrong and called unknown; they add up to 1."""

    images: int
    named_right: float
    named_wrong: float
    unknown: float
    counts: dict[str, int]
    interval: dict[str, tuple[float, float]]


class LessonMessage(Message):
    """A lesson that taught a class, and ids of its kept pictures."""

    task: str
    images: int
    learned_at: str
    pictures: list[str]


class ClassMessage(Message):
    """A known class. `accuracy` ignores "unknown"; `outcomes` is null where an earlier version learned it."""

    label: str
    task: str
    tasks: list[str]
    images: int
    learned_at: str
    accuracy: float | None
    outcomes: OutcomesMessage | None
    thumbnail: bool
    lessons: list[LessonMessage]


class ModuleMessage(Message):
    """A module of the live generation."""

    digest: str
    task: str
    classes: list[str]
    bytes: int


class ClassesMessage(Message):
    """The known classes, and the modules of the live generation.

    `none`: number of pictures of none of the classes.
    """

    generation: int
    classes: list[ClassMessage]
    modules: list[ModuleMessage]
    none: int


class ChangeMessage(Message):
    """The generation that a change made, and its classes."""

    generation: int
    classes: list[str]


class LabelMessage(RequestMessage):
    """A class by its name."""

    label: str = Field(min_length=1, max_length=4000)


class RenameMessage(RequestMessage):
    """Another name for a class."""

    label: str = Field(min_length=1, max_length=4000)
    new: str = Field(min_length=1, max_length=4000)
    merge: bool = False
    new_class: bool = False


class RollbackMessage(RequestMessage):
    """The generation to restore; None undoes the last change."""

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
    name: str | None
    role: str | None
    live: bool


class HistoryMessage(Message):
    """All changes, the newest first. `undo` is the generation that one undo restores.

    `undone` are classes of lessons that were taken back: they can be restored or forgotten.
    """

    generation: int
    undo: int | None
    undone: list[str]
    generations: list[GenerationMessage]


class SettingsMessage(RequestMessage):
    """Settings of the console."""

    keep_pictures: bool


class HealthMessage(Message):
    """Whether the box works. Without the token only status and version are set."""

    status: Literal["ok", "degraded"]
    version: str
    generation: int | None
    camera: dict[str, Any] | None
    live: dict[str, Any] | None
    uptime: float | None


class ShownMessage(Message):
    """The stable answer that a display should show."""

    label: str
    confidence: float
    probability: float
    unknown_probability: float
    unknown: bool
    top: list[GuessMessage]
    since_seconds: float
    frames: int


class LiveMessage(Message):
    """The newest answer to a region of a camera, or the reason why there is none.

    `camera` has the camera's statistics, `camera_name` and `region` say which region of which camera; null
    for a phone's own camera. `strip` is the id of the newest of the last answers (/answers).
    """

    id: str | None
    frame: int | None
    answer: AnswerMessage | None
    shown: ShownMessage | None
    camera: dict[str, Any] | None
    reason: Literal["no_camera", "starting", "camera_lost", "nothing_learned", "trouble"] | None
    camera_name: str | None = None
    region: str | None = None
    strip: str | None = None


class CameraMessage(Message):
    """Statistics of the camera and its live loop."""

    camera: dict[str, Any] | None
    live: dict[str, Any] | None


class CheckMessage(Message):
    """Result of the verification of a store."""

    ok: bool
    text: str
    faults: int


class StorageMessage(Message):
    """Size and verification of the store."""

    stats: dict[str, Any]
    check: CheckMessage


class FindingMessage(Message):
    """Result of one check of the doctor; `measured` is false where this system does not report it."""

    what: str
    ok: bool
    detail: str
    remedy: str
    measured: bool


class DoctorMessage(Message):
    """Results of all checks of the doctor."""

    ok: bool
    findings: list[FindingMessage]
