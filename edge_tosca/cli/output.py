"""The standard streams: what they cannot spell is escaped, and output that fails is told as such."""

import codecs
import errno
import io
import os
import sys


class OutputError(Exception):
    """The output cannot be written; whatever the command did is done."""


def open_streams() -> None:
    """Let the standard streams be written to, whatever they are."""
    # Python has none where a stream is closed, and the next file to be opened would come in its place.
    if sys.stdout is None:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 1)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8")
    if sys.stderr is None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def speaks_unicode() -> bool:
    """Say whether the output takes every character."""
    return codecs.lookup(sys.stdout.encoding or "utf-8").name == "utf-8"


def write(text: str) -> None:
    """Write to the output, at once: later nobody could tell any more that it failed.

    Args:
        text: whole lines.

    Raises:
        OutputError: it cannot be written, as the disk is full or the output closed.
        BrokenPipeError: its reader went away.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        closed = error.errno == errno.EBADF
        raise OutputError("it is closed" if closed else (error.strerror or str(error)).lower()) from None


def give_up_output() -> None:
    """Drop what was not written yet, which Python would try to write once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
