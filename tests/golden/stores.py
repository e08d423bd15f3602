"""The golden stores, and everything that can be asked of one."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from edge_tosca import Learner

DATA = Path(__file__).parents[1] / "data"
GOLDEN = DATA / "golden"


@dataclass(frozen=True)
class GoldenStore:
    """A store that an earlier program wrote.

    Attributes:
        file: below tests/data.
        queries: which of the golden features it is asked.
        key: file of its key beside it; "" where it is not encrypted.
    """

    file: str
    queries: str = "narrow"
    key: str = ""

    def copy(self, folder: Path) -> Path:
        """Copy the file and its key to a folder: what opens a store may write to it."""
        if self.key:
            # git keeps no permissions, and a key that others can read is refused.
            Path(shutil.copy(GOLDEN / self.key, folder)).chmod(0o600)
        return Path(shutil.copy(DATA / self.file, folder))

    def key_of(self, path: Path) -> Path | None:
        """Give the key that lies beside a copy."""
        return path.with_name(self.key) if self.key else None

    def open(self, path: Path) -> Learner:
        """Open a copy."""
        return Learner.open(path, key_file=self.key_of(path))

    def words(self, path: Path) -> list[str]:
        """Give the options of the command line that open a copy."""
        return ["--key-file", str(self.key_of(path))] if self.key else []


STORES = {
    "format 1": GoldenStore("store_format_1.tosca"),
    "format 2": GoldenStore("store_format_2.tosca"),
    "few": GoldenStore("golden/few.tosca"),
    "many": GoldenStore("golden/many.tosca"),
    "entropy": GoldenStore("golden/entropy.tosca"),
    "real": GoldenStore("golden/real.tosca", "real"),
    "encrypted": GoldenStore("golden/encrypted.tosca", key="encrypted.key"),
    "passphrase": GoldenStore("golden/passphrase.tosca", key="passphrase.key"),
}

READ_BY = ("classes", "history", "verify")
"""Verbs whose answers come out of the file alone."""


def queries(name: str) -> np.ndarray:
    """Load golden features, float32 [n, d]."""
    return load_file(GOLDEN / "queries.safetensors")[name]


def golden_answers() -> dict[str, Any]:
    """Load what each store answered, and what the verbs told of it."""
    return json.loads((GOLDEN / "answers.json").read_text(encoding="utf-8"))
