"""Roll-out in rings: a pack reaches a ring after a box of every earlier one kept its accuracy with it."""

from collections.abc import Iterable, Mapping

from edge_tosca.packs.fleet.converge import Offer
from edge_tosca.packs.fleet.reports import Have
from edge_tosca.packs.fleet.roster import Member, Roster

SINGLE_CLASS_MARGINS = 4
"""One class may lose this many margins, since few pictures of a class are held out."""


def has_rings(roster: Roster) -> bool:
    """Return whether some members come after others."""
    return any(one.ring > 0 for one in roster.members if one.until is None)


def is_open(offer: Offer, box: Member, roster: Roster, haves: Iterable[Have]) -> bool:
    """Return whether a pack has reached a box.

    Args:
        offer: of the pack.
        box: the box; what it offers itself has reached it.
        roster: the list of members in force.
        haves: what the boxes report.

    Returns:
        Whether in each earlier ring with boxes of the offer's group one of them reports that it imported the
        pack, and that its accuracy held. The box that taught it does not count where its ring has others.
    """
    if box.ring == 0 or offer.key == box.key:
        return True
    # Administrators that are no box import nothing.
    boxes = [
        one
        for one in roster.members
        if one.until is None and one.is_in(offer.group) and one.roles != ("administrator",)
    ]
    earlier = {one.ring for one in boxes if one.ring < box.ring}
    ring_of = {one.key: one.ring for one in boxes}
    passing = {have.key for have in haves if have.key in ring_of and have.judged.get(offer.pack) == ""}
    if [one.ring for one in boxes].count(ring_of.get(offer.key, -1)) > 1:
        passing.discard(offer.key)
    return earlier <= {ring_of[key] for key in passing}


def verdict(before: Mapping[str, float], after: Mapping[str, float], margin: float) -> str:
    """Judge an import by held-out accuracies of the classes known before.

    Args:
        before: label to accuracy before the import.
        after: the same after it.
        margin: by how much the mean may fall; one class may lose SINGLE_CLASS_MARGINS of it.

    Returns:
        Why the import is to be taken out; "" where the accuracies held.
    """
    known = [label for label in before if label in after]
    if not known:
        return ""
    losses = {label: before[label] - after[label] for label in known}
    mean = sum(losses.values()) / len(losses)
    worst = max(losses, key=lambda label: (losses[label], label))
    if mean > margin:
        return f"held-out accuracy of the classes known before fell by {100 * mean:.0f} points"
    if losses[worst] > SINGLE_CLASS_MARGINS * margin:
        return f"held-out accuracy of one class known before fell by {100 * losses[worst]:.0f} points"
    return ""
