"""The charts of an evaluation's page, as SVG: confusion matrix, reliability diagram, bars of shares."""

from collections.abc import Mapping, Sequence
from html import escape

from edge_tosca.errors import printable
from edge_tosca.outcomes import Outcomes
from edge_tosca.results import Evaluation, ReliabilityBin

MOST_CLASSES = 40
"""Classes that a confusion matrix shows; of more, those of which the fewest pictures are named right."""

UNTAUGHT = "never taught"
"""Row of a confusion matrix with pictures of what was never taught."""

_OTHER = "other"
_UNKNOWN = "unknown"
_LONGEST = 20


def share_bar(outcomes: Outcomes, width: int = 320) -> str:
    """Draw the three shares of pictures as one bar.

    Args:
        outcomes: the shares.
        width: in pixels.

    Returns:
        An SVG element.
    """
    parts, x = [], 0.0
    for kind in ("named_right", "named_wrong", "unknown"):
        wide = width * outcomes.counts[kind] / outcomes.images
        words = f"{kind.replace('_', ' ')}: {outcomes.counts[kind]} of {outcomes.images}"
        parts.append(
            f'<rect class="{kind}" x="{x:.1f}" width="{wide:.1f}" height="14"><title>{words}</title></rect>'
        )
        x += wide
    return f'<svg class="bar" width="{width}" height="14" role="img">{"".join(parts)}</svg>'


def confusion_matrix(evaluation: Evaluation) -> str:
    """Draw how the pictures of each class were named, with a column for "unknown".

    Args:
        evaluation: the evaluation.

    Returns:
        An SVG element.
    """
    ranked = sorted(evaluation.by_class, key=lambda label: evaluation.by_class[label].named_right)
    chosen = set(ranked[:MOST_CLASSES])
    rows = [label for label in evaluation.by_class if label in chosen]
    answered = {label for row in rows for label in evaluation.named[row]} | set(evaluation.untaught_named)
    few = [*rows, *sorted(answered - set(rows))]
    columns = few if len(few) <= MOST_CLASSES else rows
    table = [
        (row, _cells(evaluation.named[row], columns), evaluation.by_class[row].counts["unknown"], row)
        for row in rows
    ]
    if evaluation.strangers:
        cells = _cells(evaluation.untaught_named, columns)
        table.append((UNTAUGHT, cells, evaluation.strangers - sum(cells), ""))
    with_other = any(cells[-1] for _, cells, _, _ in table)
    heads = [*columns, *([_OTHER] if with_other else []), _UNKNOWN]
    size = 30 if len(heads) <= 24 else 20
    left, top = 170, 130
    parts = [
        f'<text class="head" transform="translate({left + (place + 0.6) * size:.0f},{top - 6}) rotate(-50)">'
        f"<title>{_text(head)}</title>{_short(head)}</text>"
        for place, head in enumerate(heads)
    ]
    for line, (name, cells, refused, truth) in enumerate(table):
        y = top + line * size + (6 if name == UNTAUGHT and not truth else 0)
        parts.append(
            f'<text class="row" x="{left - 8}" y="{y + size * 0.65:.0f}"><title>{_text(name)}</title>'
            f"{_short(name)}</text>"
        )
        counts = [*(cells if with_other else cells[:-1]), refused]
        images = max(sum(counts), 1)
        for place, count in enumerate(counts):
            last = place == len(counts) - 1
            right = (not last and heads[place] == truth) or (last and not truth)
            kind = "named_right" if right else "unknown" if last else "named_wrong"
            x = left + place * size + (6 if last else 0)
            words = (
                f"{_text(name)}: {count} of {images} {'called' if last else 'named'} {_text(heads[place])}"
            )
            parts.append(
                f'<g><title>{words}</title><rect class="cell" x="{x}" y="{y}" width="{size - 2}" '
                f'height="{size - 2}"/><rect class="{kind}" x="{x}" y="{y}" width="{size - 2}" '
                f'height="{size - 2}" fill-opacity="{_shade(count / images)}"/>'
                + (
                    f'<text class="count{" strong" if count / images > 0.5 else ""}" '
                    f'x="{x + size / 2 - 1:.0f}" y="{y + size * 0.62:.0f}">{count}</text>'
                    if count
                    else ""
                )
                + "</g>"
            )
    width, height = left + len(heads) * size + 60, top + len(table) * size + 12
    return (
        f'<svg class="matrix" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">'
        f"{''.join(parts)}</svg>"
    )


def reliability_diagram(bins: Sequence[ReliabilityBin]) -> str:
    """Draw the share of right labels over the stated probability, with the number of pictures below.

    Args:
        bins: of an evaluation.

    Returns:
        An SVG element.
    """
    side, left, top, below = 300, 56, 14, 60
    most = max((each.images for each in bins), default=1)
    parts = [
        f'<rect class="plot" x="{left}" y="{top}" width="{side}" height="{side}"/>',
        f'<line class="ideal" x1="{left}" y1="{top + side}" x2="{left + side}" y2="{top}"/>',
    ]
    floor = top + side + 34 + below
    for tick in range(0, 101, 20):
        at = tick / 100 * side
        parts.append(
            f'<text class="tick" x="{left + at:.0f}" y="{top + side + 16}" text-anchor="middle">{tick}</text>'
            f'<text class="tick" x="{left - 8}" y="{top + side - at + 4:.0f}" text-anchor="end">{tick}</text>'
        )
    for each in bins:
        x = left + each.stated * side
        y = top + (1 - each.right) * side
        low, high = (top + (1 - end) * side for end in each.interval)
        tall = max(each.images / most * below, 1)
        words = f"{each.images} pictures: stated {each.stated:.1%}, right {each.right:.1%}"
        parts.append(
            f'<g><title>{words}</title><line class="range" x1="{x:.1f}" y1="{low:.1f}" x2="{x:.1f}" '
            f'y2="{high:.1f}"/><circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'
            f'<rect class="images" x="{x - 8:.1f}" y="{floor - tall:.1f}" width="16" height="{tall:.1f}"/>'
            f'<text class="tick" x="{x:.1f}" y="{floor + 14}" text-anchor="middle">{each.images}</text></g>'
        )
    parts.append(
        f'<text class="axis" x="{left + side / 2:.0f}" y="{floor + 34}" text-anchor="middle">'
        "stated probability, %; below it the number of pictures</text>"
        f'<text class="axis" transform="translate(16,{top + side / 2:.0f}) rotate(-90)" '
        'text-anchor="middle">right labels, %</text>'
    )
    width, height = left + side + 24, floor + 44
    return (
        f'<svg class="reliability" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img">{"".join(parts)}</svg>'
    )


def _cells(named: Mapping[str, int], columns: Sequence[str]) -> list[int]:
    """Count the pictures named with each column's label, and last with any other label."""
    cells = [named.get(column, 0) for column in columns]
    return [*cells, sum(named.values()) - sum(cells)]


def _shade(share: float) -> str:
    # A single picture of many must be seen.
    return f"{0.18 + 0.82 * share:.2f}" if share else "0"


def _text(name: str) -> str:
    return escape(printable(name))


def _short(name: str) -> str:
    shown = printable(name)
    return escape(shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}")
