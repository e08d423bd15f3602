"""Queue pictures under a class name, wherever they are kept."""

from collections.abc import Sequence
from dataclasses import dataclass

from edge_tosca.console.app_state.answer_strip import AnswerStrips
from edge_tosca.console.app_state.doubtful_answers import DoubtfulAnswers
from edge_tosca.console.app_state.inboxes import Inboxes
from edge_tosca.console.app_state.recent_answers import RecentAnswers
from edge_tosca.console.app_state.training_queue import Queue


@dataclass(frozen=True)
class Named:
    """What became of the pictures.

    Attributes:
        moved: number of pictures that wait under the name now.
        gone: number of pictures that are no longer kept.
        full: number of pictures for which the queue has no room; they stay where they were.
    """

    moved: int = 0
    gone: int = 0
    full: int = 0


@dataclass(frozen=True)
class PicturePlaces:
    """The places that hold pictures without a class, and the queue.

    Attributes:
        queue: of pictures to teach.
        inbox: of unknown pictures.
        doubtful: pictures of answers that were hardly decided.
        strips: of the last answers.
        recent: answers.
    """

    queue: Queue
    inbox: Inboxes
    doubtful: DoubtfulAnswers
    strips: AnswerStrips
    recent: RecentAnswers

    def name(self, keys: Sequence[str], label: str) -> Named:
        """Queue pictures under a class name.

        Args:
            keys: their ids. Waiting ones change their class, unknown ones leave the inbox, those of answers
                stay in the strip and are marked.
            label: of the class.

        Returns:
            What became of them.
        """
        moved = gone = full = 0
        for key in dict.fromkeys(keys):
            found = self._move(key, label)
            moved, gone, full = moved + (found is True), gone + (found is None), full + (found is False)
        return Named(moved, gone, full)

    def _move(self, key: str, label: str) -> bool | None:
        if self.queue.picture(key) is not None:
            return self.queue.rename(key, label)
        answered = self.strips.find(key)
        image = (
            (None if answered is None else answered.image)
            or self.inbox.picture(key)
            or self.doubtful.picture(key)
            or self.recent.find(key)
        )
        if image is None:
            return None
        # A user named this picture, so its quality is not checked.
        if not self.queue.add(label, image, force=True).accepted:
            return False
        self.strips.mark(key, label)
        self.inbox.remove([key])
        self.doubtful.remove([key])
        return True
