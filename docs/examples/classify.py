"""Classify pictures with an exported model: python classify.py model.onnx picture.jpg ..."""

import json
import os
import sys

import numpy as np

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # onnxruntime reports its use to its maker otherwise
import onnxruntime
from PIL import Image, ImageOps

session = onnxruntime.InferenceSession(sys.argv[1])
about = session.get_modelmeta().custom_metadata_map
labels, how = json.loads(about["labels"]), json.loads(about["preprocessing"])
size, side = how["size"], int(how["size"] / how["crop_pct"])

for path in sys.argv[2:]:
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    scale = side / min(image.size)
    image = image.resize(
        [max(side, round(scale * length)) for length in image.size], Image.Resampling.BICUBIC
    )
    left, top = (image.width - size) // 2, (image.height - size) // 2
    picture = np.asarray(image.crop((left, top, left + size, top + size)))[None]
    label, probabilities, unknown, unknown_probability, _ = session.run(None, {"picture": picture})
    named = labels[label[0]]
    share = 100 * probabilities[0, label[0]]
    print(
        path,
        "unknown" if unknown[0] else named,
        f"({named} {share:.0f} %, unknown {unknown_probability[0]:.0%})",
    )
