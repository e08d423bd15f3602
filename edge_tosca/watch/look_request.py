"""A request for a look, as text that came from outside."""

from edge_tosca.live import Live, Place


def look_at(live: Live, text: str) -> bool:
    """Answer the next frames of the region that a request names.

    Args:
        live: the loop.
        text: CAMERA/REGION; empty for all regions.

    Returns:
        Whether there is such a region.
    """
    camera, _, region = text.partition("/")
    return live.look(Place(camera, region) if text else None)
