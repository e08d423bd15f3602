"""The code of the tutorial runs as it stands on the page."""

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"


def test_the_blocks_of_the_tutorial_run_in_their_order(tmp_path):
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 10
    (tmp_path / "tutorial.py").write_text("\n".join(blocks), encoding="utf-8")
    kept = {name: text for name, text in os.environ.items() if not name.startswith("EDGE_TOSCA")}
    ran = subprocess.run(
        [sys.executable, "tutorial.py"],
        cwd=tmp_path,
        env={**kept, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert ran.returncode == 0, ran.stderr
    assert "<Learner signs.tosca: 3 classes (park, stop, yield), generation 1, " in ran.stdout
