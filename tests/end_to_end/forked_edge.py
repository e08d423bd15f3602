"""Run the command line in processes forked from one that has imported it."""

import atexit
import gc
import multiprocessing
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path

PRELOADED = [
    "edge_tosca.__main__",
    "edge_tosca.cli.change",
    "edge_tosca.cli.forget",
    "edge_tosca.cli.learn",
    "edge_tosca.cli.predict",
    "edge_tosca.cli.read",
    "edge_tosca.cli.store",
    "edge_tosca.learner.learner",
]
"""None of them starts a thread, so that a fork holds no lock of another. ONNX Runtime would."""

_FAULT = 70


def run(
    args: tuple[str, ...],
    cwd: Path | None,
    environment: Mapping[str, str],
    out: Path,
    err: Path,
    seconds: float,
) -> int:
    """Run one command to its end.

    Args:
        args: of the command line.
        cwd: working directory; None for this process's.
        environment: of the command.
        out: file for its output.
        err: file for its errors.
        seconds: after which it is killed.

    Returns:
        Its exit code; minus the signal that ended it.

    Raises:
        TimeoutError: it was killed.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    child = context.Process(target=_command, args=(args, cwd or Path.cwd(), dict(environment), out, err))
    child.start()
    child.join(seconds)
    if child.exitcode is None:
        child.kill()
        child.join()
        raise TimeoutError(f"edge-tosca {' '.join(args)}: no end after {seconds:g} s")
    return child.exitcode


def _command(args: tuple[str, ...], cwd: Path, environment: dict[str, str], out: Path, err: Path) -> None:
    for number, path in enumerate((Path(os.devnull), out, err)):
        opened = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    from edge_tosca import __main__

    sys.argv = [__main__.__file__, *args]
    code = 0
    try:
        __main__.main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        code = _FAULT
    # What the end of an interpreter would do: a store that is closed takes its log with it.
    atexit._run_exitfuncs()
    gc.collect()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
