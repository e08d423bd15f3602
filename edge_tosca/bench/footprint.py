"""How much a device install takes on disk."""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import edge_tosca
from edge_tosca import devices, runtime

_NAME = re.compile(r"[A-Za-z0-9._-]+")


def installed_megabytes(*further: str) -> dict[str, float]:
    """Add up the files of edge-tosca's device part and of every package that it needs.

    Args:
        further: packages that are counted with theirs, for example "openvino"; skipped if they are not
            installed.

    Returns:
        Package to megabytes, the largest first.
    """
    ours = sum(_size(Path(package.__path__[0])) for package in (edge_tosca, runtime, devices))
    sizes = {"edge-tosca": ours}
    waiting = [*_needs("edge-tosca"), *further]
    while waiting:
        name = waiting.pop()
        if name in sizes:
            continue
        try:
            files = distribution(name).files or []
        # Wanted on another system only, or not installed here.
        except PackageNotFoundError:
            continue
        sizes[name] = sum(
            path.stat().st_size for file in files if (path := Path(str(file.locate()))).is_file()
        )
        waiting += _needs(name)
    return {name: size / 1e6 for name, size in sorted(sizes.items(), key=lambda item: -item[1])}


def _needs(name: str) -> list[str]:
    try:
        requirements = distribution(name).requires or []
    except PackageNotFoundError:
        return []
    plain = [line for line in requirements if "extra ==" not in line]
    return [match.group().lower().replace("_", "-") for line in plain if (match := _NAME.match(line))]


def _size(folder: Path) -> int:
    return sum(
        path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
