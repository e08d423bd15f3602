"""Read request bodies that are files. They stay in memory: a client's picture is never written to a disk."""

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from edge_tosca.console.http.errors import ApiError

MOST_VIEWS = 32

_NO_FILES = ("multipart/", "text/", "application/x-www-form-urlencoded", "application/json")


class _InMemory(MultiPartParser):
    # The body is limited already; beyond this size a part would go to a temporary file.
    spool_max_size = 1 << 30


async def picture_body(request: Request) -> bytes:
    """Read a body that is one picture file.

    Args:
        request: with an image type, or application/octet-stream.

    Returns:
        The file's content.

    Raises:
        ApiError: the body has another type, or is empty.
    """
    kind = _kind(request)
    if not kind.startswith("image/") and kind != "application/octet-stream":
        raise ApiError(415, "send the picture itself as the body, with its type such as image/jpeg")
    data = await request.body()
    if not data:
        raise ApiError(422, "the body is empty; send one picture")
    return data


async def pack_body(request: Request) -> bytes:
    """Read a body that is one class pack.

    Args:
        request: with any type of a file. A desktop names a pack by what its suffix means to other programs.

    Returns:
        The file's content.

    Raises:
        ApiError: the body is a form, a text or JSON, or is empty.
    """
    if _kind(request).startswith(_NO_FILES):
        raise ApiError(415, "send the pack itself as the body, as application/octet-stream")
    data = await request.body()
    if not data:
        raise ApiError(422, "the body is empty; send one pack")
    return data


async def picture_parts(request: Request) -> list[bytes]:
    """Read a multipart form with picture files in its field "pictures".

    Args:
        request: with the type multipart/form-data.

    Returns:
        The files' contents, 1 to MOST_VIEWS of them.

    Raises:
        ApiError: the body has another type, is malformed, or has no files, too many files or other fields.
    """
    if _kind(request) != "multipart/form-data":
        raise ApiError(415, 'send a multipart form with the views in its field "pictures"')
    parser = _InMemory(request.headers, request.stream(), max_files=MOST_VIEWS, max_fields=0)
    try:
        form = await parser.parse()
    except (MultiPartException, HTTPException, KeyError, ValueError):
        raise ApiError(
            422, f'the form cannot be read; send 1 to {MOST_VIEWS} files in its field "pictures"'
        ) from None
    try:
        items = form.multi_items()
        views = [await part.read() for name, part in items if isinstance(part, UploadFile)]
        if not views or len(views) != len(items) or any(name != "pictures" for name, _ in items):
            raise ApiError(422, f'send 1 to {MOST_VIEWS} files in the field "pictures", and nothing else')
        if not all(views):
            raise ApiError(422, f"picture {views.index(b'') + 1} of {len(views)} is empty; leave it out")
        return views
    finally:
        await form.close()


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
