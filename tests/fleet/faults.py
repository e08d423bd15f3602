"""What can go wrong between boxes and a broker, drawn at random."""

from collections import Counter
from dataclasses import dataclass, field

from tests.fleet.boxes import Boxes

LONGEST_ROUNDS = 12
"""A box is away, or a broker down, for up to this many rounds."""


@dataclass
class Faults:
    """Faults of one fleet.

    Attributes:
        boxes: the fleet.
        counts: kind of fault to how often it happened.
    """

    boxes: Boxes
    counts: Counter[str] = field(default_factory=Counter)
    _back: dict[str, int] = field(default_factory=dict)
    _stopped: dict[str, int] = field(default_factory=dict)
    _up_at: int = 0

    def begin(self) -> None:
        """Let deliveries arrive twice and in any order from now on."""
        self.boxes.broker.repeats, self.boxes.broker.shuffles = 0.3, True

    def round(self) -> None:
        """Draw the faults of one round, and let it pass for the boxes that are not stopped."""
        boxes, random = self.boxes, self.boxes.random
        name = random.choice(boxes.members)
        if random.random() < 0.3 and name in boxes.running and boxes.running[name].line.connected:
            boxes.running[name].line.break_off()
            self.counts["connection lost"] += 1
        if random.random() < 0.15 and name in boxes.running:
            boxes.stop(name, killed=True)
            self._back[name] = boxes.rounds + random.randint(1, LONGEST_ROUNDS)
            self.counts["box killed"] += 1
        if random.random() < 0.15:
            self._stopped[name] = boxes.rounds + random.randint(1, LONGEST_ROUNDS)
            self.counts["box stopped"] += 1
        if random.random() < 0.05 and boxes.broker.up:
            self._break_broker()
        self._replay()
        self._mend()
        boxes.step(name for name in boxes.running if name not in self._stopped)

    def end(self) -> None:
        """Mend everything; what the broker lost stays lost."""
        self.boxes.broker.repeats, self.boxes.broker.shuffles = 0.0, False
        self._up_at, self._stopped = 0, {}
        self._back = dict.fromkeys(self._back, 0)
        self.boxes.broker.up = True
        self._mend(always=True)

    def _break_broker(self) -> None:
        broker = self.boxes.broker
        if self.boxes.random.random() < 0.5:
            broker.lose_everything()
            self.counts["broker lost everything"] += 1
        else:
            for client in list(broker.clients):
                client.break_off()
            self.counts["broker killed"] += 1
        broker.up = False
        self._up_at = self.boxes.rounds + self.boxes.random.randint(1, LONGEST_ROUNDS)

    def _replay(self) -> None:
        """Publish old messages again, as somebody with access to the broker can."""
        broker, random = self.boxes.broker, self.boxes.random
        if not broker.up or not broker.history:
            return
        for topic, payload in random.choices(broker.history, k=random.randint(0, 4)):
            broker.publish(topic, payload)
            self.counts["message replayed" if payload else "topic cleared"] += 1

    def _mend(self, *, always: bool = False) -> None:
        boxes, random = self.boxes, self.boxes.random
        if not boxes.broker.up and boxes.rounds >= self._up_at:
            boxes.broker.up = True
        for name in [name for name, at in self._back.items() if at <= boxes.rounds]:
            del self._back[name]
            boxes.start(name)
        for name in [name for name, at in self._stopped.items() if at <= boxes.rounds]:
            del self._stopped[name]
        for one in boxes.running.values():
            if not one.line.connected and (always or random.random() < 0.4):
                one.line.reconnect()
