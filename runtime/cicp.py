"""Colours by the code points of ITU-T H.273, as PNG, AVIF and HEIC state them."""

from edge_tosca.errors import PictureError
from edge_tosca.runtime.colour_space import BT2020, DISPLAY_P3, SRGB, ColourSpace

_UNSPECIFIED = 2
_PRIMARIES = {1: SRGB, _UNSPECIFIED: SRGB, 9: BT2020, 12: DISPLAY_P3}
_CURVES = {
    # Still pictures that name the curve of BT.709 and its equals are shown as sRGB by browsers and viewers.
    **dict.fromkeys((1, _UNSPECIFIED, 6, 13, 14, 15), SRGB.curve),
    4: (2.2,),
    5: (2.8,),
    8: (1.0,),
}


def cicp_colours(primaries: int, curve: int) -> ColourSpace | None:
    """Return the colour space of two code points.

    Args:
        primaries: ColourPrimaries.
        curve: TransferCharacteristics.

    Returns:
        The colour space; None for sRGB.

    Raises:
        PictureError: the colours are those of high dynamic range, or rare ones.
    """
    if curve in (16, 18):
        raise PictureError("a picture of high dynamic range (PQ or HLG), which is not read; save it as sRGB")
    if primaries not in _PRIMARIES or curve not in _CURVES:
        raise PictureError(
            f"colours by the codes {primaries} and {curve}, which are not converted; save it as sRGB"
        )
    base = _PRIMARIES[primaries]
    space = ColourSpace(base.red, base.green, base.blue, base.white, _CURVES[curve])
    return None if space.is_srgb else space
