"""An evaluation as one HTML page without links: shares, confusions, reliability and the worst pictures."""

import base64
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

from edge_tosca.errors import printable
from edge_tosca.learner.evaluation_charts import (
    MOST_CLASSES,
    confusion_matrix,
    reliability_diagram,
    share_bar,
)
from edge_tosca.outcomes import Outcomes
from edge_tosca.results import Evaluation, WrongPicture

Thumbnail = Callable[[str], bytes | None]
"""Path of a picture to a small JPEG of it; None if it cannot be read."""

_STYLE = """
:root { --right: #1f7a68; --wrong: #c8502d; --unknown: #8a8f98; --ink: #1d2026; --quiet: #5c626d;
  --paper: #ffffff; --field: #eef0f3; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --right: #46b39d; --wrong: #ee7b56; --unknown: #9aa1ac;
  --ink: #eceef2; --quiet: #a3a9b4; --paper: #16181d; --field: #262a31; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1080px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .2rem } h2 { font-size: 1.1rem; margin: 2.2rem 0 .5rem }
p, figcaption, td.quiet { color: var(--quiet) } p { max-width: 46rem; margin: .3rem 0 .8rem }
.shares { display: flex; flex-wrap: wrap; gap: 2.4rem; margin: 1rem 0 .6rem }
.shares b { display: block; font-size: 2rem; line-height: 1.1 } .shares small { color: var(--quiet) }
b.named_right { color: var(--right) } b.named_wrong { color: var(--wrong) }
b.unknown { color: var(--unknown) }
rect.named_right { fill: var(--right) } rect.named_wrong { fill: var(--wrong) }
rect.unknown { fill: var(--unknown) } rect.cell, rect.plot { fill: var(--field) }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif } svg .row { text-anchor: end }
svg .count { text-anchor: middle; font-size: 11px } svg .count.strong { fill: var(--paper) }
svg .tick { font-size: 11px; fill: var(--quiet) } svg .axis { fill: var(--quiet) }
svg .ideal { stroke: var(--unknown); stroke-dasharray: 4 4 }
svg .range { stroke: var(--right); stroke-width: 2 } svg .point { fill: var(--right) }
svg .images { fill: var(--unknown) }
.wide { overflow-x: auto } table { border-collapse: collapse } th { text-align: left; font-weight: 600 }
td, th { padding: .18rem 1rem .18rem 0; vertical-align: middle } td.n { text-align: right }
.pictures { display: flex; flex-wrap: wrap; gap: .9rem; margin: 0 }
figure { margin: 0; width: 150px } figure img, .missing { width: 150px; height: 150px; object-fit: cover;
  border-radius: 6px; background: var(--field); display: block }
figcaption { font-size: 12.5px; overflow-wrap: anywhere; margin-top: .25rem }
figcaption b { color: var(--ink) }
"""

_KINDS = {"named_right": "named right", "named_wrong": "named wrong", "unknown": "called unknown"}


def html_page(evaluation: Evaluation, thumbnail: Thumbnail) -> str:
    """Draw an evaluation.

    Args:
        evaluation: the evaluation.
        thumbnail: makes the small pictures that the page holds.

    Returns:
        The text of the page. It refers to no other file, and runs no script.
    """
    every = Outcomes.of(**evaluation.counts)
    shown = min(len(evaluation.by_class), MOST_CLASSES)
    of_all = f", the {shown} with the fewest named right" if shown < len(evaluation.by_class) else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Evaluation</title><style>{_STYLE}</style></head><body>
<h1>Evaluation of {evaluation.images} pictures, one at a time</h1>
<div class="shares">{"".join(_share(evaluation, kind) for kind in _KINDS)}</div>
{share_bar(every, 640)}
{_untaught(evaluation)}
<h2>Classes</h2>
<div class="wide"><table><tr><th>class</th><th></th><th>right</th><th>wrong</th><th>unknown</th>
<th>pictures</th><th>95 % interval of right</th></tr>{_class_rows(evaluation)}</table></div>
<h2>How each class was named</h2>
<p>A row holds the pictures of one class{of_all}; a column holds what they were named as, the last one those
called unknown. A cell is the darker, the larger its share of the row.</p>
<div class="wide">{confusion_matrix(evaluation)}</div>
<h2>Stated probability and right labels</h2>
<p>Points on the dashed line state what they keep: of pictures named with 80 %, 80 % are right. Lines are
95 % intervals. Expected calibration error: {evaluation.calibration_error:.1%}. All pictures count
here, called unknown or not; one of what was never taught has no right label.</p>
{reliability_diagram(evaluation.reliability)}
{_wrong(evaluation, thumbnail)}
</body></html>
"""


def _share(evaluation: Evaluation, kind: str) -> str:
    low, high = evaluation.interval[kind]
    share = evaluation.counts[kind] / evaluation.images
    return (
        f'<div><b class="{kind}">{share:.1%}</b>{_KINDS[kind]}<br>'
        f"<small>{evaluation.counts[kind]} of {evaluation.images}; {low:.1%} to {high:.1%}</small></div>"
    )


def _untaught(evaluation: Evaluation) -> str:
    if evaluation.strangers_unknown_rate is None:
        return ""
    low, high = evaluation.interval["strangers_unknown_rate"]
    return (
        f"<p>Of {evaluation.strangers} pictures of what was never taught "
        f"{evaluation.strangers_unknown_rate:.1%} ({low:.1%} to {high:.1%}) were called unknown.</p>"
    )


def _class_rows(evaluation: Evaluation) -> str:
    rows = sorted(evaluation.by_class.items(), key=lambda pair: pair[1].named_right)
    return "".join(
        f"<tr><td>{_text(label)}</td><td>{share_bar(found, 220)}</td>"
        + "".join(f'<td class="n">{found.counts[kind]}</td>' for kind in _KINDS)
        + f'<td class="n">{found.images}</td><td class="quiet">{found.interval["named_right"][0]:.0%} to '
        f"{found.interval['named_right'][1]:.0%}</td></tr>"
        for label, found in rows
    )


def _wrong(evaluation: Evaluation, thumbnail: Thumbnail) -> str:
    taught = evaluation.by_class
    kinds = (
        (
            "Named wrong, the most confident first",
            [one for one in evaluation.wrong if one.truth in taught and not one.unknown],
        ),
        (
            "Called unknown, though taught; the least like a known class first",
            [one for one in evaluation.wrong if one.unknown],
        ),
        (
            "Named, though never taught; the most like a known class first",
            [one for one in evaluation.wrong if one.truth not in taught],
        ),
    )
    return "".join(
        f'<h2>{title}</h2><div class="pictures">{_pictures(some, thumbnail)}</div>'
        for title, some in kinds
        if some
    )


def _pictures(some: Sequence[WrongPicture], thumbnail: Thumbnail) -> str:
    parts = []
    for one in some:
        small = thumbnail(one.path)
        picture = '<div class="missing"></div>'
        if small is not None:
            picture = f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(small).decode()}">'
        name = f"<b>{_text(one.label)}</b> {one.stated:.0%}"
        said = f"unknown; most like {name}" if one.unknown else f"named {name}"
        truth = "" if one.truth is None else f"<b>{_text(one.truth)}</b> "
        place = _text(Path(one.path).name)
        parts.append(
            f'<figure title="{_text(one.path)}">{picture}'
            f"<figcaption>{truth}{said}<br>{place}</figcaption></figure>"
        )
    return "".join(parts)


def _text(name: str) -> str:
    return escape(printable(name))
