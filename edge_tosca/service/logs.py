"""Logs of a service: one JSON object a line for a journal, or a line of text for a terminal."""

import contextlib
import json
import logging
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import numpy as np

from edge_tosca.addresses import without_addresses
from edge_tosca.errors import EdgeToscaError

LogKind = Literal["text", "json"]

_OWN = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}
"""Attributes of every record; all others are fields, but for uvicorn's coloured copy of its message."""

logger = logging.getLogger(__name__)


class JsonLines(logging.Formatter):
    """One object a line: `at` (UTC), `level`, `event` and `fields`; control characters are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one record.

        Args:
            record: of any library; its fields are what was given as `extra`.

        Returns:
            One line of JSON.
        """
        event, fields = _event_and_fields(record)
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        line = {
            "at": _moment(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": event,
            "fields": {"logger": record.name, **fields},
        }
        return _printable(json.dumps(line, ensure_ascii=False, default=_plain))


class TextLines(logging.Formatter):
    """One line of text a record: time, level, event, and the fields after it."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one record in one line; of an exception its last line.

        Args:
            record: of any library.

        Returns:
            One line.
        """
        event, fields = _event_and_fields(record)
        if record.exc_info and record.exc_info[1] is not None:
            fields["exception"] = repr(record.exc_info[1])
        pairs = "".join(f"  {name}={value}" for name, value in fields.items())
        return _printable(f"{_moment(record):%Y-%m-%d %H:%M:%S}Z {record.levelname.lower():7} {event}{pairs}")


def set_up_logging(kind: LogKind, stream: TextIO | None = None) -> None:
    """Send the records of all libraries, warnings and errors of threads to one stream, one a line.

    Args:
        kind: "json" or "text".
        stream: standard error by default; standard output is for a program's answers.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if kind == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # Each of these has handlers of its own if uvicorn set up logging.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.captureWarnings(True)
    threading.excepthook = _log_thread_error


@contextlib.contextmanager
def errors_as_log_lines(kind: LogKind) -> Iterator[None]:
    """Log an error that ends the program as a record, so that a JSON log is JSON to its last line.

    Args:
        kind: with "text" the error is raised on, for the command line to print.

    Raises:
        SystemExit: with code 1, in place of the error.
    """
    try:
        yield
    except EdgeToscaError as error:
        if kind == "text":
            raise
        logger.error(without_addresses(str(error), sys.argv[1:]))
        sys.exit(1)


def _event_and_fields(record: logging.LogRecord) -> tuple[str, dict[str, Any]]:
    if record.name == "uvicorn.access" and isinstance(record.args, tuple) and len(record.args) == 5:
        client, method, path, _, status = record.args
        # A query holds names of classes and answers; the path is enough.
        return "request", {
            "client": client,
            "method": method,
            "path": str(path).partition("?")[0],
            "status": status,
        }
    fields = {name: value for name, value in vars(record).items() if name not in _OWN}
    return record.getMessage(), fields


def _moment(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    return str(value)


def _printable(line: str) -> str:
    """Escape, as JSON does, all that a terminal might interpret, the C1 control characters included."""
    return "".join(c if c.isprintable() else _escaped(c) for c in line)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))


def _log_thread_error(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is SystemExit or args.exc_value is None:
        return
    name = args.thread.name if args.thread is not None else "a thread"
    logger.error(
        "a thread ended with an error",
        extra={"in_thread": name},
        exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
    )
