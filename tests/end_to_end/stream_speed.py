"""Time pictures one at a time and several under way, on each installed runtime, in turns.

python tests/end_to_end/stream_speed.py FOLDER [--turns 4]

Prints milliseconds a picture, best and median of the turns: of the backbone alone on prepared pictures (the
first 100 of FOLDER), and of reading the files too (the first 300).
"""

import argparse
import statistics
import time
from itertools import islice
from pathlib import Path

from edge_tosca.errors import MissingExtraError
from edge_tosca.runtime import Bundle, extract, find_pictures, load_picture, open_backend
from edge_tosca.runtime.backend import Inference


class OneAtATime:
    """A backend whose stream waits for each picture."""

    def __init__(self, backend):
        self.backend = backend

    def stream(self, pictures, *, areas=False):
        """See `Backend.stream`."""
        for pixels in pictures:
            yield Inference(self.backend.features(pixels), 0.0)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--turns", type=int, default=4)
    options = parser.parse_args()
    bundle = Bundle.load()
    paths = list(islice(find_pictures(options.folder), 300))
    prepared = [bundle.preprocessing(load_picture(path)) for path in paths[:100]]
    candidates = {}
    for runtime, hint in (("onnxruntime", "LATENCY"), ("openvino", "LATENCY"), ("openvino", "THROUGHPUT")):
        try:
            backend = open_backend(bundle, runtime, hint=hint)
        except MissingExtraError:
            continue
        candidates[f"{runtime} {hint}, one at a time"] = OneAtATime(backend)
        candidates[f"{runtime} {hint}, several under way"] = backend
    times = {name: ([], []) for name in candidates}
    for _ in range(options.turns):
        for name, backend in candidates.items():
            start = time.perf_counter()
            done = sum(1 for _ in backend.stream(prepared))
            middle = time.perf_counter()
            read = sum(1 for _ in extract(paths, bundle.preprocessing, backend))
            times[name][0].append(1e3 * (middle - start) / done)
            times[name][1].append(1e3 * (time.perf_counter() - middle) / read)
    for name, parts in times.items():
        words = "; ".join(f"{min(part):.2f}, median {statistics.median(part):.2f}" for part in parts)
        print(f"{name}: {words} ms")


if __name__ == "__main__":
    main()
