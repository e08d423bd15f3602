"""What every route says of itself in the OpenAPI description: its errors, and bodies that are files."""

from typing import Any

from edge_tosca.console.messages import ErrorMessage

_TOLD: dict[int, str] = {
    400: "The request cannot be understood.",
    401: "The token is missing or wrong.",
    403: "The request comes from another site, or under another name of this box.",
    404: "There is no such thing.",
    408: "The request came too slowly.",
    409: "It cannot be done now.",
    413: "The upload is too large.",
    415: "The body is of a kind that is not taken here.",
    422: "A value is not usable.",
    429: "Too many requests.",
    503: "The store cannot be used now.",
}

COMMON_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorMessage, "description": text} for status, text in _TOLD.items()
}

PICTURE_TYPES = ("image/jpeg", "image/png", "image/webp", "application/octet-stream")

_BINARY = {"schema": {"type": "string", "format": "binary"}}

PICTURE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The content of one picture file.",
        "content": dict.fromkeys(PICTURE_TYPES, _BINARY),
    }
}

PACK_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The content of a class pack.",
        "content": {"application/octet-stream": _BINARY},
    }
}


def file_answer(kind: str, description: str) -> dict[int | str, dict[str, Any]]:
    """Describe an answer that is a file.

    Args:
        kind: its content type.
        description: what it is.

    Returns:
        For a route's `responses`.
    """
    return {200: {"description": description, "content": {kind: _BINARY}}}


def stream_answer(kind: str, description: str) -> dict[int | str, dict[str, Any]]:
    """Describe an answer that does not end.

    Args:
        kind: its content type.
        description: what it is.

    Returns:
        For a route's `responses`.
    """
    return {200: {"description": description, "content": {kind: {"schema": {"type": "string"}}}}}
