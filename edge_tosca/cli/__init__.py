"""The command line, put together of its verbs."""

import os
import signal
import sys
from typing import NoReturn

from edge_tosca.cli.bench import bench
from edge_tosca.cli.change import teach
from edge_tosca.cli.key import with_key_file
from edge_tosca.cli.migrate import migrate
from edge_tosca.cli.output import OutputError, give_up_output, open_streams
from edge_tosca.cli.pack import pack
from edge_tosca.cli.read import ask
from edge_tosca.cli.serve import serving
from edge_tosca.cli.service import service
from edge_tosca.cli.store import upkeep
from edge_tosca.cli.terminal import WrongUsage, app, fail, fail_usage
from edge_tosca.cli.tools import make
from edge_tosca.cli.watch import watching
from edge_tosca.errors import EdgeToscaError
from edge_tosca.system.blas import one_blas_thread

__all__ = ["app", "main"]

for verbs in (teach, migrate, ask, watching, upkeep, make, pack, serving, bench, service):
    app.add_typer(verbs)


class _Interrupted(BaseException):
    """Ctrl-C. Typer would end on a KeyboardInterrupt without a word."""


def _interrupt(*_: object) -> NoReturn:
    raise _Interrupted


def main() -> None:
    """Run the command line; every error is one line on stderr."""
    signal.signal(signal.SIGINT, _interrupt)
    open_streams()
    try:
        with one_blas_thread():
            # By itself Typer would tell wrong usage in a frame of several lines.
            code = with_key_file(app)(standalone_mode=False)
    except EdgeToscaError as error:
        fail(str(error))
    except WrongUsage as error:
        fail_usage(error)
    except _Interrupted:
        fail("interrupted; nothing that was not finished has been kept", code=130)
    except BrokenPipeError:
        # The reader of our output went away; there is nobody left to tell.
        give_up_output()
        sys.exit(1)
    except OutputError as error:
        give_up_output()
        fail(
            f"the output cannot be written ({error}); what it was to tell of is done, and "
            "`edge-tosca history` shows every change; send the output elsewhere"
        )
    except MemoryError:
        fail("there is not enough memory; close other programs, or learn from fewer pictures at a time")
    except OSError as error:
        where = error.filename or "the system"
        fail(f"{where}: {error.strerror or error}; check the path, its permissions and the disk")
    except Exception as error:
        if os.environ.get("EDGE_TOSCA_DEBUG"):
            raise
        where = f"{type(error).__name__}: {error}".splitlines()[0]
        fail(
            f"a fault of edge-tosca itself ({where}); `edge-tosca history` shows whether a change was made, "
            "EDGE_TOSCA_DEBUG=1 where the fault is"
        )
    # What a verb returns if it was left by typer.Exit.
    sys.exit(code)
