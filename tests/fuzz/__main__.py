"""`python -m tests.fuzz TARGET [libFuzzer options]`: coverage-guided fuzzing with atheris.

Inputs that reach something new are kept in build/fuzz/TARGET, and a next run goes on from them.
"""

import hashlib
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["edge_tosca", "PIL", "safetensors"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    name, *options = sys.argv[1:] or [""]
    if name not in TARGETS:
        sys.exit(f"name a target: {', '.join(TARGETS)}")
    target = TARGETS[name]
    corpus = Path("build") / "fuzz" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (corpus / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
    # No input may take more than 10 seconds or 1 GB.
    bounds = ["-timeout=10", "-rss_limit_mb=1024", "-max_len=1000000", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *bounds, *options, str(corpus)], target.read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
