"""Nothing in the program runs or unpickles what a file says: its source is searched for ways to do so."""

import ast
from pathlib import Path

import pytest

import edge_tosca

ROOT = Path(edge_tosca.__file__).parents[1]
ROOMS = ("edge_tosca", "runtime", "devices", "export")

NEVER = {
    *("eval", "exec", "compile", "__import__", "execfile", "os.system", "os.popen", "subprocess.getoutput"),
    *("pickle.load", "pickle.loads", "pickle.Unpickler", "marshal.load", "marshal.loads", "shelve.open"),
    *("dill.load", "dill.loads", "joblib.load", "cloudpickle.load", "yaml.load", "yaml.unsafe_load"),
    *("pandas.read_pickle", "np.fromfile", "code.interact", "runpy.run_path", "shutil.unpack_archive"),
}
MODULES = {
    "pickle",
    "marshal",
    "shelve",
    "dill",
    "joblib",
    "cloudpickle",
    "zipfile",
    "tarfile",
    "code",
    "runpy",
}
"""That the program has no use for: nothing is unpickled, and no archive is unpacked."""

READS_ARCHIVES = ROOT / "edge_tosca/vision/datasets/archive.py"
"""Reads members of a zip archive in place, into memory; the one file that may import zipfile."""


def faults(source):
    """Say which ways of running foreign code a source has."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            # The error is caught, of whoever unpickles with bounds.
            found += [alias.name for alias in node.names if alias.name != "UnpicklingError"]
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            options = {option.arg: ast.unparse(option.value) for option in node.keywords}
            if name.endswith(".extractall"):
                found.append(name)
            if name in NEVER or options.get("shell") == "True":
                found.append(name)
            if name.endswith("torch.load") and options.get("weights_only") != "True":
                found.append(name)
            if name.split(".")[-1] == "load" and name.split(".")[0] in ("np", "numpy"):
                found += [] if options.get("allow_pickle", "False") == "False" else [name]
            if options.get("allow_pickle", "False") != "False" or options.get("trust_remote_code") == "True":
                found.append(name)
    return found


SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def test_there_is_a_source_to_search():
    assert len(SOURCES) > 100


def test_no_source_has_a_way_to_run_what_a_file_says():
    found = {path: some for path in SOURCES if (some := faults(path.read_text()))}
    assert found.pop(READS_ARCHIVES) == ["zipfile"]
    assert found == {}


def test_the_reader_of_archives_unpacks_none():
    assert "extract" not in READS_ARCHIVES.read_text()


@pytest.mark.parametrize(
    "line",
    [
        "eval(text)",
        "exec(text)",
        "import pickle",
        "from pickle import loads",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "os.system('ls')",
        "subprocess.run(line, shell=True)",
        "import zipfile",
        "yaml.load(text)",
        "archive.extractall(folder)",
    ],
)
def test_the_search_finds_it(line):
    assert faults(line)


@pytest.mark.parametrize(
    "line", ["torch.load(path, weights_only=True)", "np.load(path)", "model.eval()", "re.compile(x)"]
)
def test_the_search_lets_the_rest_pass(line):
    assert not faults(line)


def test_no_test_imports_onnxruntime_with_its_telemetry_on():
    """It would report to its maker for as long as the suite runs; `import_onnxruntime` turns that off."""
    found = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [path.name for name in names if name.split(".")[0] == "onnxruntime"]
    assert found == []
