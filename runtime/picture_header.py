"""What a picture's file states about its pixels, read without decoding one."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from edge_tosca.runtime.colour_space import ColourSpace
from edge_tosca.runtime.spliced_file import Piece

WITHOUT_END = "the file lacks its end; every pixel was read"


@dataclass(frozen=True)
class PictureHeader:
    """The parts of a file that its decoder needs, and what its metadata say about the pixels.

    Attributes:
        pieces: of the file, for the decoder; empty for the whole file.
        orientation: 1 to 8, as in EXIF tag 274.
        icc_profile: the embedded colour profile; None where there is none.
        colours: colour space that is stated in another way; None for sRGB or where nothing is stated.
        transparent: the one sample, or the three, that mean a transparent pixel; empty where there is none.
        bits: per sample of grey pixels that are decoded to 16 bits.
        inverted: 0 is white in grey pixels that are decoded to 16 bits.
        window: left, top, right and bottom of what is shown of the picture, as stored; the rest is
            transparent. None for all of it.
        note: what the file lacks although its pixels are complete; None for a whole file.
    """

    pieces: Sequence[Piece] = ()
    orientation: int = 1
    icc_profile: bytes | None = field(default=None, repr=False)
    colours: ColourSpace | None = None
    transparent: tuple[int, ...] = ()
    bits: int = 16
    inverted: bool = False
    window: tuple[int, int, int, int] | None = None
    note: str | None = None
