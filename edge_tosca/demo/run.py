"""Run the demo: a box that knows the digits 0 to 7 is shown 8 and 9, and learns them in the field."""

import time
from collections.abc import Callable
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

from edge_tosca.demo.digits import BENCH_PICTURES, FIELD_PICTURES, NEW, OLD, Digits, write_digits
from edge_tosca.demo.report import DemoReport, Exam
from edge_tosca.digests import sha256
from edge_tosca.errors import EdgeToscaError, MissingExtraError
from edge_tosca.learner.learner import Learner
from edge_tosca.results import Answer, LearnReport, Skipped

STORE, PICTURE, PICTURES = "demo.tosca", "demo.png", "digits"
_TASKS = (OLD[0:2], OLD[2:4], OLD[4:6], OLD[6:8])


def run_demo(folder: Path, on_line: Callable[[str], None]) -> DemoReport:
    """Learn 0 to 7, predict all ten digits, learn 8 and 9, and predict all ten again.

    Args:
        folder: for the pictures, the store and the PNG; those of an earlier run are replaced.
        on_line: called with each line of output as soon as it is known.

    Returns:
        The report.

    Raises:
        MissingExtraError: scikit-learn or matplotlib is not installed.
        EdgeToscaError: the folder cannot be written.
    """
    for package, name in (("sklearn", "scikit-learn"), ("matplotlib", "matplotlib")):
        if not _is_installed(package):
            raise MissingExtraError(name, "demo")
    clock = _Clock()
    digits = write_digits(folder / PICTURES)
    clock.lap("pictures")
    with closing(Learner.create(_removed(folder / STORE))) as learner:
        on_line("A camera box learns two new digits in the field")
        on_line(f"  backbone   {learner.store.settings['origin']}, frozen")
        on_line(f"  pictures   {digits.count} handwritten digits in {folder / PICTURES}")
        bench = _learn_bench(learner, digits, on_line)
        clock.lap("bench")

        modules = _modules(learner)
        before = _predict(learner, digits)
        clock.lap("before")
        _print_before(before, on_line)

        field = learner.learn(dict(digits.field), "field")
        unchanged = {digest: _modules(learner).get(digest) == found for digest, found in modules.items()}
        clock.lap("field")
        _print_lesson(field, on_line)

        after = _predict(learner, digits)
        clock.lap("after")
        origin = learner.store.settings["origin"]
    _print_after(before, after, unchanged, on_line)

    from edge_tosca.demo.figure import draw

    report = DemoReport(
        str(folder / STORE), str(folder / PICTURE), origin, bench, field, before, after, unchanged, clock.laps
    )
    draw(report, digits, folder / PICTURE)
    clock.laps["total"] = clock.total
    on_line("")
    on_line(f"See {folder / PICTURE}. The demo took {clock.total:.0f} s, and nothing left this machine.")
    return report


class _Clock:
    def __init__(self) -> None:
        self.start = self._last = time.perf_counter()
        self.laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name], self._last = now - self._last, now

    @property
    def total(self) -> float:
        return time.perf_counter() - self.start


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:
        return False


def _removed(path: Path) -> Path:
    """Remove the store of an earlier run; return its path."""
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        try:
            path.with_name(name).unlink(missing_ok=True)
        except OSError as error:
            raise EdgeToscaError(
                f"{path}: cannot be replaced ({error.strerror}); name another folder"
            ) from None
    return path


def _modules(learner: Learner) -> dict[str, str]:
    """Return the digest that names each live module, and that of its bytes in the file."""
    return {task.module: sha256(learner.store.module(task.module)) for task in learner.state.tasks}


def _learn_bench(learner: Learner, digits: Digits, on_line: Callable[[str], None]) -> tuple[LearnReport, ...]:
    on_line("")
    on_line(f"1. Taught at the bench: four tasks of two digits, {BENCH_PICTURES} pictures each")
    on_line("     digits   features   training     check   module    zeros")
    reports = []
    for labels in _TASKS:
        report = learner.learn(
            {label: digits.bench[label] for label in labels}, f"digits {' and '.join(labels)}"
        )
        on_line(f"     {', '.join(report.classes):6s}{_row(report)}")
        reports.append(report)
    return tuple(reports)


def _row(report: LearnReport) -> str:
    s, module = report.seconds, report.module
    zeros = 1 - module.nonzero / module.parameters
    return (
        f"   {s['features']:6.2f} s   {s['train']:6.2f} s  {s['commit']:6.2f} s"
        f"   {module.bytes / 1000:3.0f} kB   {zeros:6.1%}"
    )


def _predict(learner: Learner, digits: Digits) -> Exam:
    answers = {}
    for label, paths in digits.test.items():
        found = list(learner.predict_many(paths))
        for answer in found:
            if isinstance(answer, Skipped):
                raise EdgeToscaError(f"{answer.path}: {answer.reason}; run the demo again")
        answers[label] = tuple(answer for answer in found if isinstance(answer, Answer))
    return Exam(answers)


def _print_before(exam: Exam, on_line: Callable[[str], None]) -> None:
    on_line("")
    on_line("2. Predicts test pictures, one at a time; it has not learned 8 and 9 yet")
    for label in NEW:
        answers = exam.answers[label]
        unknown = sum(answer.unknown for answer in answers)
        taken = len(answers) - unknown
        on_line(f"     {label}        {unknown} of {len(answers)} flagged unknown, {taken} taken for another")
    count = sum(len(exam.answers[label]) for label in OLD)
    unknown = round(count * exam.unknown(*OLD))
    on_line(f"     0 to 7   {unknown} of {count} flagged unknown by mistake")


def _print_lesson(report: LearnReport, on_line: Callable[[str], None]) -> None:
    on_line("")
    on_line(
        f"3. Taught in the field: 8 and 9, {FIELD_PICTURES} pictures each, in {report.seconds['total']:.2f} s"
    )
    on_line("     digits   features   training     check   module    zeros")
    on_line(f"     {', '.join(report.classes):6s}{_row(report)}")


def _print_after(
    before: Exam, after: Exam, unchanged: dict[str, bool], on_line: Callable[[str], None]
) -> None:
    on_line("")
    on_line("4. The same test pictures before and after that lesson")
    on_line("              named right           flagged unknown")
    on_line("     digits   before     after      before     after")
    for name, labels in (("0 to 7", OLD), *((label, (label,)) for label in NEW)):
        shares = (exam(*labels) for exam in (before.accuracy, after.accuracy, before.unknown, after.unknown))
        on_line(f"     {name:6s}  {'    '.join(f'{share:6.1%}' for share in shares)}")
    same = sum(unchanged.values())
    verdict = "byte for byte as before" if same == len(unchanged) else "AS BEFORE, THE OTHERS CHANGED"
    on_line(f"     the old modules: {same} of {len(unchanged)} {verdict}")
    ms = after.milliseconds
    on_line(
        f"     one answer: {sum(ms.values()):.1f} ms (reading {ms['decode']:.1f},"
        f" features {ms['features']:.1f}, deciding {ms['decide']:.1f})"
    )
