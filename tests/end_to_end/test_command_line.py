"""Habits of the command line: its version, its key file, a slip of a verb's name, completion in a shell."""

import os
import secrets
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import edge_tosca

PROGRAM = Path(sys.executable).with_name("edge-tosca")

needs_cryptography = pytest.mark.skipif(not find_spec("cryptography"), reason="needs cryptography")
needs_bash = pytest.mark.skipif(
    not (shutil.which("bash") and PROGRAM.exists()), reason="needs bash and the installed program"
)


@pytest.mark.parametrize("words", [("--version",), ("--version", "learn"), ("--version", "--help")])
def test_the_version_is_printed(edge, words):
    ran = edge(*words)
    assert (ran.code, ran.out, ran.err) == (0, f"edge-tosca {edge_tosca.__version__}\n", "")


@pytest.mark.skipif(not PROGRAM.exists(), reason="needs the installed program")
def test_the_installed_program_prints_the_same_version():
    ran = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, f"edge-tosca {edge_tosca.__version__}\n")


@pytest.mark.parametrize(
    ("typed", "meant", "group"),
    [
        ("lern", "learn", ""),
        ("LEARN", "learn", ""),
        ("benhc accuracy", "bench", ""),
        ("store comapct shop.tosca", "compact", "store "),
        ("store encypt shop.tosca", "encrypt", "store "),
        ("pack improt", "import", "pack "),
        ("service flies", "files", "service "),
        ("bench acuracy", "accuracy", "bench "),
    ],
)
def test_a_slip_of_a_verb_is_answered_with_the_verb(edge, typed, meant, group):
    ran = edge(*typed.split())
    wrong = typed.removeprefix(group).split()[0]
    line = f"edge-tosca: No such command {wrong!r}; did you mean {meant!r}? See: edge-tosca {group}--help\n"
    assert (ran.code, ran.out, ran.err) == (2, "", line)


@pytest.mark.parametrize("word", ["zzzz", "store stat.tosca", "bench burts"])
def test_nothing_is_suggested_where_nothing_visible_is_near(edge, word):
    ran = edge(*word.split())
    assert ran.code == 2
    assert "did you mean" not in ran.err or "'stats'" in ran.err


@pytest.mark.parametrize(
    ("typed", "verb"), [("learn shop.tosca --none", "learn"), ("store backup --nope", "store backup")]
)
def test_wrong_options_are_answered_with_the_help_of_their_verb(edge, typed, verb):
    ran = edge(*typed.split())
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.endswith(f" See: edge-tosca {verb} --help\n")


def test_a_slip_of_a_class_is_answered_with_the_class(edge, taught):
    assert "did you mean 'apple'?" in edge("forget", taught, "aple").complaint


def completed(line, shell="bash"):
    """What the program offers a shell for a line."""
    how = {
        "bash": {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    ran = subprocess.run(
        [sys.executable, "-m", "edge_tosca"],
        capture_output=True,
        text=True,
        env={**os.environ, **how, "_EDGE_TOSCA_COMPLETE": f"complete_{shell}"},
    )
    assert ran.stderr == ""
    return ran.stdout


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("edge-tosca le", ["learn"]),
        ("edge-tosca store st", ["stats", "strictness"]),
        ("edge-tosca pack i", ["import", "inspect"]),
        ("edge-tosca learn shop.tosca photos --forc", ["--force"]),
        ("edge-tosca classes shop.tosca --key", ["--key-file"]),
        ("edge-tosca init shop.tosca --runtime o", ["onnxruntime", "openvino"]),
        # Where nothing is offered the shell completes names of files.
        ("edge-tosca classes sh", []),
    ],
)
def test_words_are_completed(line, offered):
    assert completed(line).split() == offered


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_offered_the_same_with_the_help(shell):
    said = completed("edge-tosca le", shell)
    assert "learn" in said
    assert "Learn new classes" in said


@needs_bash
def test_bash_completes_by_the_script_that_is_shown():
    path = {**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}
    shown = subprocess.run(
        ["bash", "-c", "edge-tosca --show-completion; exit $?"], capture_output=True, text=True, env=path
    )
    assert shown.returncode == 0, shown.stderr
    ask = 'COMP_WORDS=(edge-tosca le) COMP_CWORD=1; _edge_tosca_completion edge-tosca; echo "$COMPREPLY"'
    answer = subprocess.run(
        ["bash", "--norc", "-c", f"{shown.stdout}\n{ask}"], capture_output=True, text=True, env=path
    )
    assert (answer.stdout, answer.stderr) == ("learn\n", "")


@needs_bash
def test_completion_is_installed_for_the_shell_that_asks(tmp_path):
    ran = subprocess.run(
        ["bash", "-c", f"{PROGRAM} --install-completion; exit $?"],
        capture_output=True,
        text=True,
        env={**os.environ, "HOME": os.fspath(tmp_path)},
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    script = tmp_path / ".bash_completions" / "edge-tosca.sh"
    assert "complete -o default -F _edge_tosca_completion edge-tosca" in script.read_text()
    assert str(script) in (tmp_path / ".bashrc").read_text()


@pytest.fixture(scope="module")
def locked(edge, taught, copy_store, tmp_path_factory):
    """An encrypted store, and the file with its key."""
    folder = tmp_path_factory.mktemp("locked")
    key = folder / "shop.key"
    key.write_text(secrets.token_hex(32))
    key.chmod(0o600)
    store = copy_store(taught, folder / "shop.tosca")
    assert edge("store", "encrypt", store, "--key-file", key).code == 0
    return store, key


@needs_cryptography
@pytest.mark.parametrize(
    "words",
    [
        "classes STORE",
        "history STORE",
        "predict STORE PICTURE",
        "evaluate STORE FOLDER",
        "verify STORE",
        "store check STORE",
        "store stats STORE",
        "store limit STORE",
        "store compact STORE",
        "rename STORE apple pear",
        "rollback STORE",
        "learn STORE TASK",
        "forget STORE door",
        "migrate STORE --pictures TASK",
        "pack trust STORE",
        "doctor STORE",
    ],
)
def test_a_key_file_opens_a_store_wherever_it_stands(
    edge, locked, copy_store, photos, asked, tmp_path, words
):
    original, key = locked
    places = {
        "STORE": copy_store(original, tmp_path / "shop.tosca"),
        "PICTURE": asked / "apple" / "100.jpg",
        "FOLDER": asked,
        "TASK": photos / "task3",
    }
    verb, _, rest = words.partition("STORE")
    given = [places.get(word, word) for word in rest.split()]
    without = edge(*verb.split(), places["STORE"], *given)
    assert without.code == 1
    assert "is encrypted" in without.out + without.err
    for ran in (
        edge(*verb.split(), "--key-file", key, places["STORE"], *given),
        edge(*verb.split(), copy_store(original, tmp_path / "shop.tosca"), *given, "--key-file", key),
        edge(
            *verb.split(),
            copy_store(original, tmp_path / "shop.tosca"),
            *given,
            env={"EDGE_TOSCA_KEY_FILE": os.fspath(key)},
        ),
    ):
        # The doctor complains of a throttled machine, and migrate of pictures that are missing here.
        assert "is encrypted" not in ran.out + ran.err
        assert ran.code == 0 or verb.strip() in ("doctor", "migrate"), ran.err


@needs_cryptography
def test_a_store_is_made_decrypted_and_rekeyed_with_key_files(edge, tmp_path):
    store, keys = tmp_path / "shop.tosca", [tmp_path / "one.key", tmp_path / "two.key"]
    for key in keys:
        key.write_text(secrets.token_hex(32))
        key.chmod(0o600)
    for words in (
        ("init", store, "--key-file", keys[0]),
        ("init", store, "--if-missing", "--key-file", keys[0]),
        ("store", "rekey", store, "--key-file", keys[0], "--new-key-file", keys[1]),
        ("classes", store, "--key-file", keys[1]),
        ("store", "decrypt", store, "--key-file", keys[1]),
        ("classes", store),
    ):
        assert edge(*words).code == 0


@needs_cryptography
def test_a_key_file_is_for_the_verb_and_not_for_its_commands(edge, locked, asked, tmp_path):
    store, key = locked
    frames = tmp_path / "frames.mjpeg"
    frames.write_bytes((asked / "apple" / "100.jpg").read_bytes() * 6)
    seen = tmp_path / "seen"
    program = f"import os; open({os.fspath(seen)!r}, 'w').write(str('EDGE_TOSCA_KEY_FILE' in os.environ))"
    command = shlex.join([sys.executable, "-c", program])
    ran = edge("watch", store, "--camera", frames, "--key-file", key, "--on-change", command)
    assert (ran.code, ran.err) == (0, "")
    assert seen.read_text() == "False"
