"""The page's JavaScript modules import each other in one direction."""

import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import edge_tosca.console

STATIC = Path(edge_tosca.console.__file__).parent / "static"
IMPORT = re.compile(r"""\b(?:from|import)\s*\(?\s*["']\./([\w./-]+\.js)["']""")


def imports():
    """The modules that each module imports, by file name."""
    return {path.name: set(IMPORT.findall(path.read_text("utf-8"))) for path in STATIC.glob("*.js")}


def test_the_modules_form_no_cycle():
    modules = imports()
    assert modules["app.js"] >= {"live.js", "lesson.js"}
    order = list(TopologicalSorter(modules).static_order())
    assert order[-1] == "app.js"


def test_every_imported_module_is_there_and_every_module_is_imported():
    modules = imports()
    assert set().union(*modules.values()) | {"app.js"} == set(modules)


def test_a_cycle_would_be_found():
    with pytest.raises(CycleError):
        TopologicalSorter(imports() | {"report.js": {"lesson.js"}}).prepare()


@pytest.mark.parametrize(
    "statement",
    [
        'import { a } from "./a.js";',
        "import * as a from './a.js';",
        'import "./a.js";',
        'const { a } = await import("./a.js");',
        'export { a } from "./a.js";',
        'import {\n  a,\n} from "./a.js";',
    ],
)
def test_every_form_of_import_is_read(statement):
    assert IMPORT.findall(statement) == ["a.js"]
