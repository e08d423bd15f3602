"""Wheels of what is installed here, so that an installation can be tried where there is no network."""

import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from email.parser import HeaderParser
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

_NOT_BUILT = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "build", "tests", "docs")
_OF_AN_INSTALLATION = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}


def write_wheels(extras: set[str], folder: Path) -> None:
    """Write a wheel of edge-tosca, built from the source, and of all that it and some extras need.

    Args:
        extras: of edge-tosca.
        folder: that they are written to.
    """
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    with tempfile.TemporaryDirectory() as scratch:
        # In the tree two builds at the same time would share a folder.
        source = shutil.copytree(Path(__file__).parents[3], Path(scratch) / "source", ignore=_NOT_BUILT)
        subprocess.run([*command, "--wheel-dir", str(folder), str(source)], check=True)
    waiting, done = [("edge-tosca", frozenset(extras))], set()
    while waiting:
        name, wanted = waiting.pop()
        found = distribution(name)
        for text in found.requires or []:
            requirement = Requirement(text)
            holds = any(
                requirement.marker is None or requirement.marker.evaluate({"extra": extra})
                for extra in (wanted or {""})
            )
            need = (requirement.name, frozenset(requirement.extras))
            if holds and need not in done:
                done.add(need)
                waiting.append(need)
        if name != "edge-tosca":
            _write_wheel(found, folder)


def _write_wheel(found: Distribution, folder: Path) -> None:
    tags = HeaderParser().parsestr(found.read_text("WHEEL") or "").get_all("Tag") or ["py3-none-any"]
    parts = zip(*(tag.split("-") for tag in tags), strict=True)
    tag = "-".join(".".join(dict.fromkeys(some)) for some in parts)
    name = re.sub(r"[-_.]+", "_", found.metadata["Name"]).lower()
    wheel = folder / f"{name}-{found.version}-{tag}.whl"
    if wheel.exists():
        return
    record = []
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_STORED) as archive:
        for file in found.files or []:
            place = Path(str(file.locate()))
            outside = ".." in file.parts or "__pycache__" in file.parts
            if outside or file.name in _OF_AN_INSTALLATION or not place.is_file():
                continue
            archive.write(place, str(file))
            record.append(f"{file},,")
        about = next(line.split("/")[0] for line in record if ".dist-info/" in line)
        record.append(f"{about}/RECORD,,")
        archive.writestr(f"{about}/RECORD", "\n".join(record) + "\n")
