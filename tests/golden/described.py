"""The HTTP API as its own description tells it: paths, what each takes and gives, by the names of fields."""

from collections.abc import Iterator
from typing import Any


def fields(description: dict[str, Any]) -> list[str]:
    """List every field of every route; names of messages and sentences are not part of it."""
    schemas = description.get("components", {}).get("schemas", {})
    found = set()
    for path, routes in description["paths"].items():
        for method, route in routes.items():
            found.add(f"{method} {path}")
            for one in route.get("parameters", []):
                found.add(f"{method} {path} ?{one['name']}")
            for kind, content in _contents(route):
                found |= {
                    f"{method} {path} {kind}{field}" for field in _walk(content.get("schema", {}), schemas)
                }
    return sorted(found)


def _contents(route: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for media, content in route.get("requestBody", {}).get("content", {}).items():
        yield f"takes {media} ", content
    for status, response in route["responses"].items():
        for media, content in response.get("content", {}).items():
            yield f"gives {status} {media} ", content


def _walk(schema: dict[str, Any], schemas: dict[str, Any], place: str = "") -> Iterator[str]:
    if "$ref" in schema:
        yield from _walk(schemas[schema["$ref"].rpartition("/")[2]], schemas, place)
        return
    for option in (*schema.get("anyOf", ()), *schema.get("allOf", ()), *schema.get("oneOf", ())):
        yield from _walk(option, schemas, place)
    for name, entry in schema.get("properties", {}).items():
        yield f"{place}/{name}"
        yield from _walk(entry, schemas, f"{place}/{name}")
    if isinstance(schema.get("items"), dict):
        yield from _walk(schema["items"], schemas, f"{place}[]")
