"""Write the units and scripts of the service to a folder."""

import shutil
from importlib.resources import as_file, files
from pathlib import Path

from edge_tosca.errors import EdgeToscaError


def write_service_files(out: Path) -> list[Path]:
    """Write the files of `devices/service` to a folder.

    Args:
        out: the folder; files of the same names in it are overwritten.

    Returns:
        The paths of the written files.

    Raises:
        EdgeToscaError: the folder cannot be written.
    """
    written = []
    with as_file(files("edge_tosca.devices") / "service") as folder:
        for source in sorted(path for path in folder.rglob("*") if path.is_file()):
            target = out / source.relative_to(folder)
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
