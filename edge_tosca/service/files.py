"""Where the units and scripts of the service lie, and how a user gets a copy of them."""

import shutil
from importlib.resources import as_file, files
from pathlib import Path

from edge_tosca.errors import EdgeToscaError


def write_service_files(out: Path) -> list[Path]:
    """Write what `devices/service` holds to a folder.

    Args:
        out: the folder; files of these names that are in it are written anew.

    Returns:
        The files.

    Raises:
        EdgeToscaError: the folder cannot be written.
    """
    written = []
    with as_file(files("edge_tosca.devices") / "service") as kept:
        for source in sorted(path for path in kept.rglob("*") if path.is_file()):
            target = out / source.relative_to(kept)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
                target.chmod(0o755 if target.suffix == ".sh" else 0o644)
            except OSError as error:
                raise EdgeToscaError(
                    f"{target} cannot be written ({error.strerror}); name another folder"
                ) from None
            written.append(target)
    return written
