"""Identifiers use the field's words; docs/developing.md has the glossary."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("edge_tosca", "export", "runtime", "devices", "tests/benchmarks")

RETIRED = frozenset(
    {
        "anew",
        "circumstances",
        "eyes",
        "heard",
        "kinship",
        "relief",
        "seal",
        "sealed",
        "seals",
        "somebody",
        "stranger",
        "strangers",
        "surroundings",
        "tell",
        "telling",
        "tells",
        "thing",
        "things",
        "told",
        "whereabouts",
        "whoever",
        "worth",
    }
)

PUBLISHED = frozenset({"seal", "seals", "strangers", "strangers_unknown_rate"})
"""Keys of published JSON that are attributes of results, too."""


def identifiers(tree):
    """Every name that a module defines or uses, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute):
            yield node.attr, node.lineno
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg) or (isinstance(node, ast.keyword) and node.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.alias):
            yield node.asname or node.name, node.lineno


def words_of(identifier):
    apart = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", identifier)
    return {word for part in apart.split(".") for word in part.lower().split("_")}


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_identifier_has_a_retired_word(folder):
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for name, line in identifiers(ast.parse(path.read_text()))
        if name not in PUBLISHED and words_of(name) & RETIRED
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("folder", FOLDERS)
def test_file_names_have_no_retired_word(folder):
    paths = [*(ROOT / folder).rglob("*.py")]
    assert paths
    assert not [path for path in paths if words_of(path.stem) & RETIRED]


def test_words_are_found_in_every_spelling():
    assert words_of("_tell_lesson") & RETIRED == {"tell"}
    assert words_of("KeptSeals") & RETIRED == {"seals"}
    assert not words_of("tellurium_sealant") & RETIRED
