"""Parts of the OpenAPI description that routes share: parameters, errors, and bodies that are files."""

from typing import Annotated, Any

from fastapi import Query

from edge_tosca.console.api.messages import ErrorMessage
from edge_tosca.console.http.bodies import MOST_VIEWS

Top = Annotated[int, Query(ge=1, le=100, description="Number of guesses.")]
Coverage = Annotated[
    float | None,
    Query(
        gt=0,
        lt=1,
        description="Also return labels that contain the true one with this probability.",
    ),
]
Label = Annotated[str, Query(min_length=1, max_length=4000, description="Name of the class.")]
Key = Annotated[str, Query(alias="id", min_length=1, max_length=64, description="An id from the API.")]

_ERRORS: dict[int, str] = {
    400: "The request cannot be read.",
    401: "The token is missing or wrong.",
    403: "The request comes from another site, or under another name of this box.",
    404: "There is no such class, picture, job or address.",
    405: "The address does not take this method.",
    408: "The request came too slowly.",
    409: "It cannot be done now.",
    413: "The upload is too large.",
    415: "The body has a type that is not accepted here.",
    422: "A value is not valid.",
    429: "Too many requests.",
    503: "The store cannot be used now.",
}

COMMON_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorMessage, "description": text} for status, text in _ERRORS.items()
}

PICTURE_TYPES = ("image/jpeg", "image/png", "image/webp", "application/octet-stream")

_BINARY = {"schema": {"type": "string", "format": "binary"}}


def _body(description: str, kinds: tuple[str, ...], content: dict[str, Any]) -> dict[str, Any]:
    described = {"required": True, "description": description, "content": dict.fromkeys(kinds, content)}
    return {"requestBody": described}


PICTURE_BODY = _body("The content of one picture file.", PICTURE_TYPES, _BINARY)
PACK_BODY = _body("The content of a class pack.", ("application/octet-stream",), _BINARY)
PICTURES_BODY = _body(
    "Views of one object.",
    ("multipart/form-data",),
    {
        "schema": {
            "type": "object",
            "required": ["pictures"],
            "additionalProperties": False,
            "properties": {
                "pictures": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": MOST_VIEWS,
                    "items": {"type": "string", "format": "binary", "minLength": 1},
                }
            },
        }
    },
)


def file_answer(kind: str, description: str) -> dict[int | str, dict[str, Any]]:
    """Describe a response that is a file.

    Args:
        kind: its content type.
        description: of the file.

    Returns:
        The value of a route's `responses`.
    """
    return {200: {"description": description, "content": {kind: _BINARY}}}


def stream_answer(kind: str, description: str) -> dict[int | str, dict[str, Any]]:
    """Describe an endless response.

    Args:
        kind: its content type.
        description: of the stream.

    Returns:
        The value of a route's `responses`.
    """
    return {200: {"description": description, "content": {kind: {"schema": {"type": "string"}}}}}
