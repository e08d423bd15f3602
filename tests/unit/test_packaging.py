"""The wheel has every package of the tree and nothing else; an editable install hides a forgotten one."""

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
