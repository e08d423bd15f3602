"""The wheel has every package of the tree and nothing else; an editable install hides a forgotten one."""

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PLACES = {"edge_tosca": "edge_tosca"} | {
    f"edge_tosca.{name}": name for name in ("export", "runtime", "devices")
}


def packages_of_the_tree():
    found = set()
    for package, folder in PLACES.items():
        for place in (ROOT / folder).rglob("__init__.py"):
            inside = place.parent.relative_to(ROOT / folder).parts
            found.add(".".join((package, *inside)))
    return found


def test_every_package_of_the_tree_is_listed_once():
    listed = PROJECT["tool"]["setuptools"]["packages"]
    assert len(listed) == len(set(listed))
    assert set(listed) == packages_of_the_tree()


def test_tests_and_benchmarks_are_not_in_the_wheel():
    assert not [name for name in PROJECT["tool"]["setuptools"]["packages"] if "tests" in name.split(".")]


# Module -> package, where the names differ; picamera2 comes with Raspberry Pi OS and is not on PyPI.
PACKAGE_OF = {
    "PIL": "pillow",
    "botocore": "boto3",
    "cv2": "opencv-python-headless",
    "paho": "paho-mqtt",
    "multipart": "python-multipart",
    "sklearn": "scikit-learn",
}
FROM_THE_SYSTEM = {"picamera2", "libcamera"}
OF_TYPE_CHECKERS = {"_typeshed"}


def imported_modules():
    """Top-level names of all modules of others that the product imports, wherever in its files."""
    for folder in PLACES.values():
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
                names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                yield from (name.partition(".")[0] for name in names)


def test_every_package_that_is_imported_is_declared():
    listed = [
        *PROJECT["project"]["dependencies"],
        *(item for extra in PROJECT["project"]["optional-dependencies"].values() for item in extra),
    ]
    declared = {re.match(r"[\w-]+", item)[0].lower().replace("-", "_") for item in listed}
    own = {*sys.stdlib_module_names, "edge_tosca", *FROM_THE_SYSTEM, *OF_TYPE_CHECKERS}
    wanted = {PACKAGE_OF.get(name, name).lower().replace("-", "_") for name in {*imported_modules()} - own}
    assert not wanted - declared


def test_at_most_8_modules_stand_directly_in_the_package():
    modules = {path.stem for path in (ROOT / "edge_tosca").glob("*.py")} - {"__init__", "__main__"}
    assert len(modules) <= 8, sorted(modules)


def test_few_files_import_the_luca_network():
    importers = [
        path.relative_to(ROOT)
        for folder in PLACES.values()
        for path in (ROOT / folder).rglob("*.py")
        if "edge_tosca.tosca.luca import" in path.read_text()
    ]
    assert 0 < len(set(importers)) <= 10, sorted(set(importers))
