"""Bodies that are files."""

from starlette.requests import Request

from edge_tosca.console.complaints import Complaint


async def picture_body(request: Request) -> bytes:
    """Read a body that is one picture file.

    Args:
        request: with an image type, or application/octet-stream.

    Returns:
        The file's content.

    Raises:
        Complaint: it is of another kind, or empty.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not kind.startswith("image/") and kind != "application/octet-stream":
        raise Complaint(415, "send the picture itself as the body, with its type such as image/jpeg")
    data = await request.body()
    if not data:
        raise Complaint(422, "the body is empty; send one picture")
    return data
