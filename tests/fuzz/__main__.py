"""`python -m tests.fuzz TARGET [libFuzzer options]`: coverage-guided fuzzing with atheris.

Inputs that reach something new are kept in build/fuzz/TARGET, and a next run goes on from them. What breaks a
bound is kept as build/fuzz/TARGET-crash-..., and given as the last argument it is run alone.
"""

import hashlib
import os
import random
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["edge_tosca", "PIL", "safetensors", "tests.fuzz"]):
    from tests.fuzz.targets import TARGETS

MEGABYTES = 1024
"""Of memory that the process may have in all."""


def main() -> None:
    name, *options = sys.argv[1:] or [""]
    if name not in TARGETS:
        sys.exit(f"name a target: {', '.join(TARGETS)}")
    target = TARGETS[name]
    corpus = Path("build") / "fuzz" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (corpus / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
    words = corpus.with_suffix(".dict")
    # A dictionary without a word is refused.
    words.write_text(
        '"edge-tosca"\n'
        + "".join(f'"{"".join(f"{chr(92)}x{byte:02x}" for byte in word)}"\n' for word in target.words)
    )
    bounds = [
        # Of the wall clock, for real hangs; what an input takes of the processor the target measures itself.
        "-timeout=120",
        f"-rss_limit_mb={MEGABYTES}",
        f"-max_len={target.most}",
        f"-dict={words}",
        f"-artifact_prefix={corpus}-",
        "-print_final_stats=1",
    ]
    alone = [option for option in options if not option.startswith("-")]
    change = None if target.change is None else _mixed(target.change)
    arguments = [sys.argv[0], *bounds, *options, *([] if alone else [os.fspath(corpus)])]
    atheris.Setup(arguments, target.run, **({} if change is None else {"custom_mutator": change}))
    atheris.Fuzz()


def _mixed(change):
    """Let the fuzzer's own ways of spoiling an input take their turn."""

    def spoil(data: bytes, most: int, seed: int) -> bytes:
        chance = random.Random(seed)
        if chance.random() < 0.3:
            return atheris.Mutate(data, most)
        return change(data, most, seed)

    return spoil


if __name__ == "__main__":
    main()
