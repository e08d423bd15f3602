"""The pages name links, files, Python names, programs and make targets that exist, in the field's words."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")), *ROOT.glob("docs/*.md")]
)
PLACES = {f"edge_tosca.{name}": ROOT / name for name in ("export", "runtime", "devices")}

RETIRED = re.compile(
    r"\b(?:anew|circumstances|eyes|heard|kinship|relief|seal(?:s|ed)?|somebody|strangers?|surroundings"
    r"|tells?|telling|told|things?|whereabouts|whoever|worth"
    r"|behind its back|left[ -]out|conditioned features?|signs of familiarity)\b",
    re.IGNORECASE,
)

_FENCED = re.compile(r"^[ \t]*```.*?^[ \t]*```[ \t]*$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:(?<=\n\n)|\A)(?:(?: {4}|\t).*\n?)+")
_SPAN = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"(?<!`)\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.*?) *$", re.MULTILINE)
_DOTTED = re.compile(r"\bedge_tosca(?:\.[A-Za-z_]\w*)+")
_FILE = re.compile(r"(?<![\w/.-])(?:[\w-]+/)+[\w-]+\.py\b")
_MODULE = re.compile(r"\bpython -m (tests(?:\.\w+)+)(?: ([a-z]\w*))?")
_TARGET = re.compile(r"(?:`|^)(?:[A-Z_]+=\S+ )?make ([a-z][\w-]*)", re.MULTILINE)


def prose(text):
    """A page without its code."""
    return _SPAN.sub("", _INDENTED.sub("", _FENCED.sub("", text)))


def links(text):
    """Targets of a page's links, without those to other sites."""
    targets = _LINK.findall(_FENCED.sub("", text))
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def anchors(text):
    """The anchors that headings get where the pages are shown."""
    found = []
    for heading in _HEADING.findall(_FENCED.sub("", text)):
        words = re.sub(r"[^\w\- ]", "", re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading).lower()).replace(" ", "-")
        found.append(f"{words}-{found.count(words)}" if words in found else words)
    return found


def broken(page, text):
    """The links of a page that lead nowhere."""
    wrong = []
    for target in links(text):
        place, _, anchor = target.partition("#")
        path = (page.parent / place).resolve() if place else page
        if not path.exists() or (anchor and anchor not in anchors(path.read_text(encoding="utf-8"))):
            wrong.append(target)
    return wrong


def source_of(dotted):
    """File of a module or package; None if there is none of that name."""
    for package, folder in PLACES.items():
        if dotted == package or dotted.startswith(f"{package}."):
            place = folder.joinpath(*dotted.removeprefix(package).split(".")[1:])
            break
    else:
        place = ROOT.joinpath(*dotted.split("."))
    if (place / "__init__.py").is_file():
        return place / "__init__.py"
    return place.with_suffix(".py") if place.with_suffix(".py").is_file() else None


def members(body):
    """Names that a module or class defines or imports, each with what is inside it."""
    found = {}
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found[node.name] = {}
        elif isinstance(node, ast.ClassDef):
            found[node.name] = members(node.body)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id: {} for target in targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name: {} for alias in node.names}
        elif isinstance(node, ast.If | ast.Try):
            found |= members(node.body)
    return found


def exists(dotted):
    """Whether a dotted name is a module, or defined in one; read from the source, without an import."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        source = source_of(".".join(parts[:length]))
        if source is not None:
            known = members(ast.parse(source.read_text(encoding="utf-8")).body)
            for name in parts[length:]:
                if name not in known:
                    return False
                known = known[name]
            return True
    return False


def is_file(path):
    """Whether a file of the repository has this path; docs/method.md leaves out `edge_tosca/`."""
    return (ROOT / path).is_file() or (ROOT / "edge_tosca" / path).is_file()


def targets_of_make():
    return set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.fixture(params=PAGES, ids=lambda page: page.name)
def page(request):
    return request.param


@pytest.fixture
def text(page):
    return page.read_text(encoding="utf-8")


def test_every_link_leads_to_a_file_and_a_heading(page, text):
    assert broken(page, text) == []


def test_prose_has_no_retired_word(text):
    assert RETIRED.findall(prose(text)) == []


def test_every_dotted_name_exists(text):
    assert [name for name in set(_DOTTED.findall(text)) if not exists(name)] == []


def test_every_python_file_exists(text):
    assert [path for path in set(_FILE.findall(text)) if not is_file(path)] == []


def test_every_program_of_the_tests_exists(text):
    found = set(_MODULE.findall(text))
    names = {module for module, _ in found}
    names |= {f"{module}.{word}" for module, word in found if module == "tests.benchmarks" and word}
    assert [name for name in names if source_of(name) is None] == []


def test_every_target_of_make_exists(text):
    assert set(_TARGET.findall(text)) <= targets_of_make()


def test_every_page_is_linked_from_the_readme():
    linked = {target.partition("#")[0] for target in links((ROOT / "README.md").read_text(encoding="utf-8"))}
    assert {str(page.relative_to(ROOT)) for page in PAGES} - {"README.md"} <= linked


def test_every_benchmark_is_named_in_a_page():
    named = {word for page in PAGES for _, word in _MODULE.findall(page.read_text(encoding="utf-8"))}
    program = (ROOT / "tests" / "benchmarks" / "__main__.py").read_text(encoding="utf-8")
    assert set(re.findall(r"app\.command\(\"(\w+)\"", program)) <= named


@pytest.mark.parametrize(
    ("markdown", "count"),
    [
        ("[a](no-such-page.md)", 1),
        ("[a](README.md#no-such-heading)", 1),
        ("[a](#no-such-heading)", 1),
        ("[a](docs/developing.md#glossary) [b](https://example.org/x)", 0),
        ("```\n[a](no-such-page.md)\n```", 0),
        ("![alt with [CLS] in it](docs/no-such-picture.png)", 1),
    ],
)
def test_broken_links_are_found(markdown, count):
    assert len(broken(ROOT / "README.md", markdown)) == count


def test_headings_of_one_name_get_anchors_of_their_own():
    assert anchors("# A `b`: c\n## d\n## d\n```\n# e\n```\n") == ["a-b-c", "d", "d-1"]


@pytest.mark.parametrize(
    "sentence", ["It tells them.", "A Stranger's file", "new things", "pictures left out of a fit"]
)
def test_retired_words_are_found(sentence):
    assert RETIRED.search(prose(sentence))


@pytest.mark.parametrize(
    "sentence", ["table `seals`", "```\ntell\n```\n", "text\n\n    worth = 1\n", "storytelling intelligence"]
)
def test_code_and_longer_words_are_let_pass(sentence):
    assert not RETIRED.search(prose(sentence))


@pytest.mark.parametrize(
    ("dotted", "there"),
    [
        ("edge_tosca.learner.learner.Learner.predict_features", True),
        ("edge_tosca.runtime.load_picture", True),
        ("edge_tosca.devices.camera.folder.WatchedFolder.read", True),
        ("edge_tosca.__all__", True),
        ("edge_tosca.classifier", True),
        ("edge_tosca.knowledge", False),
        ("edge_tosca.learner.learner.Learner.knowledge", False),
        ("edge_tosca.classifier.ood.detector.no_such_function", False),
    ],
)
def test_names_are_looked_up_in_the_source(dotted, there):
    assert exists(dotted) is there
