"""What a user sees for pictures of taught classes: named right, named wrong, or called unknown."""

import math
from dataclasses import dataclass

NORMAL_QUANTILE = 1.959963984540054
"""Standard deviations on each side of the mean that hold 95 % of a normal distribution."""


@dataclass(frozen=True)
class Outcomes:
    """Shares of pictures of taught classes by what their answers say.

    A picture that is called unknown is not named, whichever class its answer lists first.

    Attributes:
        images: number of pictures.
        named_right: share named with the true label.
        named_wrong: share named with another label.
        unknown: share called unknown. The three add up to 1.
        counts: the same as numbers of pictures.
        interval: 95 % confidence interval of each share, lower and upper end; see `wilson_interval`.
    """

    images: int
    named_right: float
    named_wrong: float
    unknown: float
    counts: dict[str, int]
    interval: dict[str, tuple[float, float]]

    @classmethod
    def of(cls, named_right: int, named_wrong: int, unknown: int) -> "Outcomes":
        """Compute shares and intervals from numbers of pictures, of which at least one is not 0."""
        counts = {"named_right": named_right, "named_wrong": named_wrong, "unknown": unknown}
        images = sum(counts.values())
        return cls(
            images,
            named_right / images,
            named_wrong / images,
            unknown / images,
            counts,
            {kind: wilson_interval(count, images) for kind, count in counts.items()},
        )

    def __str__(self) -> str:
        """Return the three shares in words, without intervals."""
        return (
            f"{self.named_right:.1%} named right, {self.named_wrong:.1%} named wrong, "
            f"{self.unknown:.1%} called unknown"
        )


def wilson_interval(count: int, n: int) -> tuple[float, float]:
    """Compute the 95 % confidence interval of a share.

    Source: Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal of the
    American Statistical Association 22, 1927. With z the normal quantile and p = count / n:

        (p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)

    Args:
        count: of successes, 0 .. n.
        n: of independent trials, at least 1.

    Returns:
        The lower and the upper end, in 0 .. 1.
    """
    share, square = count / n, NORMAL_QUANTILE**2
    middle = share + square / (2 * n)
    half = NORMAL_QUANTILE * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    scale = 1 + square / n
    # Rounding must not leave the range, nor exclude a share of 0 or 1.
    low = 0.0 if count == 0 else max((middle - half) / scale, 0.0)
    return low, 1.0 if count == n else min((middle + half) / scale, 1.0)
