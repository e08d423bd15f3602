"""How alike copies of a picture are to it, and different pictures to each other, as the gate sees them.

As a program: `python tests/end_to_end/gate_copies.py FOLDER...` with folders of class folders prints the
table behind the thresholds of copies in docs/gate.md, and the gate's verdicts on classes of copies.
"""

import argparse
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from gate_sweep import teach
from PIL import Image, ImageEnhance, ImageOps

from edge_tosca.bench.data import load_features
from edge_tosca.features.normalization import normalize
from edge_tosca.runtime import load_picture
from edge_tosca.vision.feature_extractor import FeatureExtractor

COPIED = 80
"""Pictures of each set that are copied, spread evenly."""


def saved(quality: int) -> Callable[[Image.Image], Image.Image]:
    """Save as JPEG, and read again."""

    def through(picture: Image.Image) -> Image.Image:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        return Image.open(file).convert("RGB")

    return through


def cropped(picture: Image.Image) -> Image.Image:
    """Cut 3 % off each side."""
    x, y = round(0.03 * picture.width), round(0.03 * picture.height)
    return picture.crop((x, y, picture.width - x, picture.height - y))


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "the same pixels": lambda picture: picture,
    "JPEG quality 95": saved(95),
    "brightness + 10 %": lambda picture: ImageEnhance.Brightness(picture).enhance(1.1),
    "JPEG quality 75": saved(75),
    "JPEG quality 50": saved(50),
    "mirrored": ImageOps.mirror,
    "3 % cropped from each side": cropped,
}

ONE_PICTURE: dict[str, list[Callable[[Image.Image], Image.Image]]] = {
    "equal pixels": [COPIES["the same pixels"]] * 12,
    "saved at qualities 95 to 71": [saved(quality) for quality in range(95, 70, -2)],
    "saved at qualities 90 to 50": [
        saved(quality) for quality in np.linspace(90, 50, 13).astype(int).tolist()
    ],
}
"""Classes that are copies of one picture."""

CLASSES = 10
"""Such classes of each kind and set."""


def figures(folder: Path, vision: FeatureExtractor) -> dict[str, str]:
    """Compute the cosines of one set, a row of the table each."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    some = [paths[place] for place in np.linspace(0, len(paths) - 1, COPIED).astype(int)]
    pictures = [load_picture(path) for path in some]
    originals = normalized(pictures, vision)
    rows = {}
    for name, copied in COPIES.items():
        cosines = np.sum(originals * normalized([copied(picture) for picture in pictures], vision), axis=1)
        rows[f"{name}: lowest hundredth, median"] = in_words(np.quantile(cosines, [0.01, 0.5]))
    for name, copied in ONE_PICTURE.items():
        classes = [[copy(picture) for copy in copied] for picture in pictures[:: COPIED // CLASSES]]
        verdicts = [verdict(copies, vision) for copies in classes]
        caught = len(verdicts) - verdicts.count("accept")
        rows[f"classes of one picture, {name}: caught"] = f"{caught} of {len(verdicts)}"
    data = load_features(folder, vision, lambda done, of: None)
    features = np.concatenate([data.train, data.test])
    labels = np.concatenate([data.train_labels, data.test_labels])
    z = normalize(features)
    cosines = z @ z.T
    np.fill_diagonal(cosines, -1)
    same = labels[:, None] == labels
    for name, among in (("its class", same), ("another class", ~same)):
        nearest = np.where(among, cosines, -1).max(axis=1)
        rows[f"nearest other picture of {name}: median, highest hundredth, highest"] = in_words(
            np.quantile(nearest, [0.5, 0.99, 1])
        )
    means = [cosines[np.ix_(labels == c, labels == c)] for c in np.unique(labels)]
    alike = [
        (block.sum() + len(block)) / (len(block) * (len(block) - 1)) for block in means if len(block) > 1
    ]
    rows["mean cosine of the pictures of a class: highest"] = in_words(np.array([max(alike)]))
    return rows


def normalized(pictures: list[Image.Image], vision: FeatureExtractor) -> np.ndarray:
    """Compute the normalised features of pictures, float32 [n, d]."""
    return normalize(features_of(pictures, vision))


def features_of(pictures: list[Image.Image], vision: FeatureExtractor) -> np.ndarray:
    """Compute the features of pictures, float32 [n, d]."""
    arrays = [np.asarray(picture) for picture in pictures]
    return np.stack([found.features for found in vision.extract(arrays)])


def verdict(pictures: list[Image.Image], vision: FeatureExtractor) -> str:
    """Teach pictures as the first class of a new learner, and return the gate's verdict."""
    names = [f"{place}.jpg" for place in range(len(pictures))]
    (report,) = teach([{"tool": (features_of(pictures, vision), names)}], force=True)
    return report.gate.verdict


def in_words(values: np.ndarray) -> str:
    """Return cosines as a cell of the table."""
    return " / ".join(f"{value:.3f}" for value in values)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    folders, vision = parser.parse_args().folders, FeatureExtractor()
    found = {folder: figures(folder, vision) for folder in folders}
    print("|", "|", " | ".join(str(folder) for folder in folders), "|")
    for row in next(iter(found.values())):
        print("|", row, "|", " | ".join(rows[row] for rows in found.values()), "|", flush=True)


if __name__ == "__main__":
    main()
