"""While hostile files are learned, asked about and imported, nothing is run or written elsewhere."""

import hashlib
import os
import pickle
import zipfile

import pytest
from PIL import Image

WATCHED = '''
import json, os, sys, sysconfig
from pathlib import Path
import edge_tosca
from edge_tosca import Learner
from edge_tosca.errors import EdgeToscaError
from edge_tosca.packs import import_pack, read_pack

good, hostile, shop = map(Path, sys.argv[1:])
# The store's folder, and the program's own cache, which knows golden pictures and no others.
inside = (os.fspath(shop.parent), os.path.expanduser("~/.cache/edge-tosca"))
code = tuple(map(os.path.realpath, (*sysconfig.get_paths().values(), Path(edge_tosca.__file__).parents[1])))
RUNS = {"pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork",
        "os.forkpty", "subprocess.Popen", "pty.spawn", "socket.connect", "socket.bind", "socket.sendto",
        "ctypes.dlopen", "urllib.Request", "compile"}
WRITES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate",
          "os.chmod", "os.chown", "shutil.move", "shutil.rmtree", "shutil.copyfile", "tempfile.mkstemp"}
seen, armed = [], False

def watch(event, args):
    if not armed:
        return
    if event in RUNS:
        seen.append([event, repr(args)[:200]])
    elif event == "exec":
        # Modules that are imported late, from where programs are installed, are no foreign code.
        if not os.path.realpath(args[0].co_filename).startswith(code):
            seen.append([event, args[0].co_filename])
    elif event in WRITES or (event == "open" and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
        path = args[0]
        if isinstance(path, (str, bytes, os.PathLike)):
            place = os.path.realpath(os.fsdecode(path).removeprefix("file:").split("?")[0])
            if not place.startswith(inside) and place != "/dev/null":
                seen.append([event, place])

sys.addaudithook(watch)

def all_of_it(folder, store):
    """Everything that reads what strangers wrote; what it refuses it refuses in one line."""
    told = []
    def attempt(deed, *words):
        try:
            deed(*words)
        except EdgeToscaError as error:
            told.append(str(error))
    learner = Learner.open(store)
    attempt(learner.learn, folder / "photos")
    for path in sorted((folder / "photos").rglob("*")):
        attempt(learner.predict, path)
    attempt(lambda: list(learner.predict_many(sorted((folder / "photos").rglob("*.*")))))
    for path in sorted((folder / "other").iterdir()):
        attempt(lambda: import_pack(learner.store, read_pack(path)))
        attempt(Learner.open, path)
        attempt(lambda: Learner.create(store.parent / "new.tosca", path))
    learner.close()
    return told

Learner.create(shop).close()
all_of_it(good, shop)
armed = True
told = all_of_it(hostile, shop)
armed = False
print(json.dumps({"seen": seen, "told": told}))
'''


class Trap:
    """Unpickled, it runs a command."""

    def __reduce__(self):
        return os.system, ("touch /tmp/edge-tosca-was-here",)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, photos):
    """A folder of class folders and other files, each of which is something that some program would run."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "other").mkdir()
    trap = pickle.dumps(Trap())
    with zipfile.ZipFile(folder / "other" / "weights.pt", "w") as archive:
        archive.writestr("weights/data.pkl", trap)
        archive.writestr("../../escaped", "x")
    (folder / "other" / "features.npy").write_bytes(
        b"\x93NUMPY\x01\0v\0{'descr': '|O', 'fortran_order': False, 'shape': (1,)}" + trap
    )
    (folder / "other" / "bundle").mkdir()
    (folder / "other" / "bundle" / "manifest.json").write_text(
        '{"format": 1, "files": "__import__(\'os\').system(\'id\')"}'
    )
    shop = folder / "other" / "shop.tosca"
    shop.write_bytes(b"SQLite format 3\0" + trap)
    pictures = {
        "pickle.jpg": trap,
        "archive.jpg": (folder / "other" / "weights.pt").read_bytes(),
        "script.png": b"#!/bin/sh\ntouch /tmp/edge-tosca-was-here\n",
        # Pillow hands these to Ghostscript, where it is asked to read them.
        "page.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (r) file\n",
        "form.jpg": b"%PDF-1.7\n1 0 obj << /OpenAction << /S /JavaScript >> >> endobj\n",
        "drawing.gif": b"<svg xmlns='http://www.w3.org/2000/svg'><script>x</script></svg>",
        "message.tif": b"MSG |touch /tmp/edge-tosca-was-here",
    }
    for label in ("flag", "gauge"):
        place = folder / "photos" / label
        place.mkdir(parents=True)
        for name, data in pictures.items():
            (place / name).write_bytes(data)
        for path in (photos / "task3" / label).iterdir():
            (place / path.name).write_bytes(
                path.read_bytes() + (folder / "other" / "weights.pt").read_bytes()
            )
    return folder


@pytest.fixture(scope="module")
def good(tmp_path_factory, photos):
    """The same kinds of files, harmless: what a program imports when it first meets them is imported then."""
    folder = tmp_path_factory.mktemp("good")
    (folder / "other").mkdir()
    (folder / "other" / "text").write_text("a shopping list")
    for path in sorted((photos / "task1").rglob("*.jpg")):
        place = folder / "photos" / path.parent.name
        place.mkdir(parents=True, exist_ok=True)
        (place / path.name).write_bytes(path.read_bytes())
    for kind in ("png", "bmp", "gif", "tif", "webp"):
        Image.new("RGB", (64, 48)).save(folder / "photos" / "apple" / f"plain.{kind}")
    (folder / "photos" / "apple" / "text.jpg").write_text("a shopping list")
    return folder


def tree(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def test_nothing_is_run_and_nothing_is_written_outside_the_store(edge, good, hostile, tmp_path):
    before = tree(hostile)
    (tmp_path / "box").mkdir()
    home = tmp_path / "home"
    home.mkdir()
    ran = edge(
        good, hostile, tmp_path / "box" / "shop.tosca", program=("-c", WATCHED), env={"HOME": str(home)}
    )
    assert ran.code == 0, ran.err
    (result,) = ran.lines
    assert result["seen"] == []
    assert result["told"]
    assert all("\n" not in line for line in result["told"])
    assert tree(hostile) == before
    assert {path.name for path in tmp_path.iterdir()} == {"box", "home"}
    assert {name.split(".tosca")[0] for name in map(str, tree(tmp_path / "box"))} <= {"shop", "new"}


@pytest.mark.parametrize(
    "deed",
    [
        "__import__('pickle').loads(__import__('pickle').dumps(Path('x')))",
        "exec('1')",
        "os.system(':')",
        "open('/tmp/edge-tosca-written', 'w')",
    ],
)
def test_the_watch_sees_what_it_is_there_for(edge, good, tmp_path, deed):
    program = WATCHED.replace("told = all_of_it(hostile, shop)", f"told = []; {deed}").replace(
        "all_of_it(good, shop)", ""
    )
    ran = edge(good, good, tmp_path / "shop.tosca", program=("-c", program))
    (result,) = ran.lines
    assert result["seen"]
