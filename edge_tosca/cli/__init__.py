"""The command line, put together of its verbs."""

import os
import sys

from typer.main import get_command

from edge_tosca.cli.bench import bench
from edge_tosca.cli.cameras import camera_verbs
from edge_tosca.cli.change import change_verbs
from edge_tosca.cli.export_dataset import dataset_verb
from edge_tosca.cli.export_model import model_verb
from edge_tosca.cli.fleet_box import fleet_verbs
from edge_tosca.cli.init import init_verb
from edge_tosca.cli.learn import learn_verb
from edge_tosca.cli.migrate import migrate_verb
from edge_tosca.cli.output import OutputError, drop_output, open_streams
from edge_tosca.cli.pack import pack_verbs
from edge_tosca.cli.predict import predict_verb
from edge_tosca.cli.read import read_verbs
from edge_tosca.cli.regions import region_verbs
from edge_tosca.cli.serve import serve_verb
from edge_tosca.cli.service import service_verbs
from edge_tosca.cli.store import store_verbs
from edge_tosca.cli.tally import tally_verb
from edge_tosca.cli.terminal import fail
from edge_tosca.cli.tools import tool_verbs
from edge_tosca.cli.verbs import PROGRAM, Interrupted, WrongUsage, app, fail_usage
from edge_tosca.cli.watch import watch_verb
from edge_tosca.errors import EdgeToscaError
from edge_tosca.system.malloc import bound_heap

__all__ = ["app", "main"]

for verbs in (
    init_verb,
    learn_verb,
    change_verbs,
    migrate_verb,
    predict_verb,
    read_verbs,
    watch_verb,
    store_verbs,
    region_verbs,
    tally_verb,
    camera_verbs,
    tool_verbs,
    dataset_verb,
    model_verb,
    pack_verbs,
    fleet_verbs,
    serve_verb,
    bench,
    service_verbs,
):
    app.add_typer(verbs)


def main() -> None:
    """Run the command line; every error is one line on stderr."""
    open_streams()
    bound_heap()
    try:
        # In its standalone mode Typer prints wrong usage in a frame of several lines.
        code = get_command(app)(prog_name=PROGRAM, standalone_mode=False)
    except EdgeToscaError as error:
        fail(str(error))
    except WrongUsage as error:
        fail_usage(error)
    except Interrupted:
        fail("interrupted; unfinished work was not kept", code=130)
    except BrokenPipeError:
        # The reader of the output has gone, so that there is no place for a message.
        drop_output()
        sys.exit(1)
    except OutputError as error:
        drop_output()
        fail(
            f"the output cannot be written ({error}); the command itself was carried out, and "
            "`edge-tosca history` shows every change; write the output elsewhere"
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
            "and EDGE_TOSCA_DEBUG=1 shows where the fault is"
        )
    # What a verb returns if it was left by typer.Exit.
    sys.exit(code)
