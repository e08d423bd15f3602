"""What `serve` prints when it listens: addresses, the certificate's fingerprint, a QR code for a phone."""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edge_tosca.cli.output import is_unicode, write
from edge_tosca.cli.terminal import say

if TYPE_CHECKING:
    from edge_tosca.console.server import Ready

JoinWord = Literal["view", "teach", "administer", "off"]


def announce(ready: "Ready", store: Path, join: JoinWord) -> None:
    """Print where the console is, and how a phone joins it.

    Args:
        ready: the server.
        store: that it serves.
        join: role of a phone that reads the QR code; "off" prints none. Without a terminal none is printed
            either: a log would keep the code.
    """
    say(f"{ready.url} serves {store}; Ctrl-C ends it")
    for address in ready.addresses:
        if address != ready.url:
            say(f"{address} is another address of it")
    if ready.certificate is not None:
        say(f"the certificate's SHA-256 fingerprint: {ready.certificate.fingerprint}")
    if join == "off" or ready.invite is None or not ready.addresses or not sys.stdout.isatty():
        return
    _show(ready, join)
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and sys.stdin is not None and sys.stdin.isatty():
        # In the background a read would stop the process.
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)
        threading.Thread(target=_show_again, args=(ready, join), daemon=True, name="join codes").start()


def _show(ready: "Ready", join: JoinWord) -> None:
    from edge_tosca.console.http.page_addresses import qr_text
    from edge_tosca.console.options import ROLES

    assert ready.invite is not None
    address = ready.invite(ROLES[join], ready.addresses[0])
    write((qr_text(address) if is_unicode() else address) + "\n")
    say(f"A phone that reads this within 5 minutes may {join}, once. Press Enter for another code.")


def _show_again(ready: "Ready", join: JoinWord) -> None:
    try:
        while os.read(sys.stdin.fileno(), 1024):
            _show(ready, join)
    except OSError:
        return
