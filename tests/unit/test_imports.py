"""Each room is imported in a process of its own in which the packages it must not need are blocked."""

import subprocess
import sys

import pytest

WORKSHOP = ("torch", "torchvision", "timm", "onnx", "onnxscript", "nncf")
DEMO = ("sklearn", "scipy", "matplotlib")
PACKS = ("cryptography",)
CAMERA = ("cv2", "picamera2", "paho")
CONSOLE = ("fastapi", "starlette", "uvicorn")

BLOCK = """
import sys
blocked = set(sys.argv[1].split(","))

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {name!r} (blocked)", name=name)

sys.meta_path.insert(0, Block())
"""

# A module that only runs a program or needs an extra by its nature is not part of the claim.
IMPORT_ALL = """
import importlib, pkgutil

def import_all(name, but=()):
    room = importlib.import_module(name)
    found = 1
    for module in pkgutil.iter_modules(room.__path__):
        full = f"{name}.{module.name}"
        if full in but or module.name == "__main__":
            continue
        found += import_all(full, but) if module.ispkg else bool(importlib.import_module(full))
    return found
"""


def run(program, *blocked, folder=None):
    """Run a program without some packages and give what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", BLOCK + IMPORT_ALL + program, ",".join(blocked)],
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_blocker_blocks():
    program = "try:\n    import torch\nexcept ImportError as error:\n    print(error.name)"
    assert run(program, "torch") == "torch"


def test_every_module_of_the_core_imports_without_any_extra():
    rooms = [f"edge_tosca.{name}" for name in ("export", "runtime", "devices", "tosca.torch_training")]
    blocked = (*WORKSHOP, *DEMO, *PACKS, *CAMERA, "openvino")
    assert int(run(f"print(import_all('edge_tosca', {rooms}))", *blocked)) > 20


def test_importing_edge_tosca_loads_no_runtime_and_no_picture_library():
    heavy = ("onnxruntime", "PIL", "typer", "rich", "openvino", *CONSOLE, *WORKSHOP, *DEMO)
    assert run("from edge_tosca import Learner", *heavy) == ""
    program = "from edge_tosca import Learner; import sys\n"
    program += "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = set(run(program, "none").split())
    assert "numpy" in loaded
    assert not loaded & set(heavy)


def test_the_package_itself_imports_nothing_before_it_is_asked_for():
    assert (
        run("import edge_tosca; assert not hasattr(edge_tosca, 'NoSuchName')", "numpy", "safetensors") == ""
    )


def test_every_module_of_the_runtime_imports_without_the_workshop_and_openvino():
    assert int(run("print(import_all('edge_tosca.runtime'))", *WORKSHOP, *DEMO, "openvino")) > 5


def test_every_module_of_devices_imports_without_the_workshop():
    assert int(run("print(import_all('edge_tosca.devices'))", *WORKSHOP, *DEMO, *CAMERA, "openvino")) >= 1


def test_the_torch_trainer_without_torch_names_the_extra():
    program = """
from edge_tosca.errors import MissingExtraError
try:
    import edge_tosca.tosca.torch_training
except MissingExtraError as error:
    print(error)
"""
    assert "pip install 'edge-tosca[torch]'" in run(program, "torch")


def test_a_network_camera_without_opencv_names_the_extra():
    program = """
from edge_tosca.devices.camera import Stream
from edge_tosca.errors import MissingExtraError
try:
    Stream.of("rtsp://127.0.0.1/stream")
except MissingExtraError as error:
    print(error)
"""
    assert "pip install 'edge-tosca[camera]'" in run(program, *CAMERA)


def test_a_key_without_cryptography_names_the_extra():
    program = """
from pathlib import Path
from edge_tosca.errors import MissingExtraError
from edge_tosca.packs import make_key
try:
    make_key(Path("key"))
except MissingExtraError as error:
    print(error)
"""
    assert "pip install 'edge-tosca[packs]'" in run(program, *PACKS)


@pytest.mark.parametrize("blocked", [(*WORKSHOP, *DEMO, *PACKS, *CAMERA, "openvino")], ids=["device"])
def test_a_device_learns_and_answers_with_nothing_but_its_own_packages(tmp_path, blocked):
    program = """
from pathlib import Path
import numpy as np
from PIL import Image
from edge_tosca import Learner

rng = np.random.default_rng(0)
colours = {"red": (200, 30, 30), "green": (30, 180, 40), "blue": (30, 40, 200)}
for label, colour in colours.items():
    Path("photos", label).mkdir(parents=True)
    for number in range(6):
        pixels = np.clip(rng.normal(colour, 25, (96, 96, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(Path("photos", label, f"{number}.png"))
shop = Learner.create("shop.tosca", threads=1)
shop.learn("photos")
shop.close()
shop = Learner.open("shop.tosca", threads=1)
print(*(shop.predict(Path("photos", label, "5.png")).label for label in colours))
print(*sorted(blocked & {name.partition(".")[0] for name in sys.modules}))
"""
    assert run(program, *blocked, folder=tmp_path) == "red green blue"
