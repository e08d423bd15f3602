"""What evidence beside the discriminant gains on held-out pictures, and whether it is sure to."""

from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array

SURE = 3.0
"""Standard errors over the pictures by which an opinion must lower the held-out loss before its weight is
nonzero: the best of several weights is chosen."""

SURE_BY_BLOCK = 2.0
"""Standard errors over the blocks by which it must lower the held-out loss and the held-out errors, too.
Pictures of one series gain or lose together: by picture, a vote passed at 7.0 where it cost 3.7 points on
pictures from elsewhere; by block it stood at 1.4. And a lower loss alone is what a better
temperature gives, too."""


@dataclass(frozen=True)
class HeldOutGain:
    """What a weight of some evidence gains on held-out pictures.

    Attributes:
        blocks: number of the block of each picture, int [n].
        gains: in the log-probability of the true group, [n].
        fewer_errors: 1 where an error is mended, -1 where one is made, int [n].
    """

    blocks: Array
    gains: Array
    fewer_errors: Array

    def passes(self, sure: float, by_block: bool = True) -> bool:
        """Return whether the evidence is sure to help.

        Args:
            sure: standard errors over the pictures by which the held-out loss must fall.
            by_block: test by block and errors, too. Modules of few pictures, whose evidence earlier versions
                filed, are judged as they were: their stores give the same answers.
        """
        if not by_block:
            error = (
                sure * self.gains.std(ddof=1) / np.sqrt(len(self.gains)) if len(self.gains) > 1 else np.inf
            )
            return bool(self.gains.mean() > error)
        if len(np.unique(self.blocks)) < 2:
            return False
        loss, loss_by_block, errors_by_block = self.standard_errors
        return loss > sure and loss_by_block > SURE_BY_BLOCK and errors_by_block > SURE_BY_BLOCK

    @property
    def standard_errors(self) -> tuple[float, float, float]:
        """Mean gain over its standard error by picture and by block, and that of fewer errors by block."""
        by_picture = float(self.gains.std(ddof=1) / np.sqrt(len(self.gains)))
        return (
            _over(self.gains, by_picture),
            _over(self.gains, _error_by_block(self.gains, self.blocks)),
            _over(self.fewer_errors, _error_by_block(self.fewer_errors, self.blocks)),
        )


def _over(values: Array, error: float) -> float:
    return float(values.mean()) / error if error > 0 else 0.0


def _error_by_block(values: Array, blocks: Array) -> float:
    """Compute the standard error of a mean of pictures whose blocks are independent.

    Source: Cameron and Miller, "A Practitioner's Guide to Cluster-Robust Inference", 2015, section II.A, for
    a constant alone.

    Args:
        values: [n].
        blocks: number of each one's block, int [n].

    Returns:
        The standard error; blocks of any sizes, at least two.
    """
    _, block = np.unique(blocks, return_inverse=True)
    sums = np.bincount(block, values - values.mean())
    return float(np.sqrt((sums**2).sum() * len(sums) / (len(sums) - 1)) / len(values))
