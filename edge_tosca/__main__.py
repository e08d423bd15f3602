"""Start the command line: `edge-tosca`, also `python -m edge_tosca`."""

import os
import signal


def main() -> None:
    """Run the command line; Ctrl-C ends it at once while its modules are being imported."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    from edge_tosca.cli import main as run

    run()


if __name__ == "__main__":
    main()
