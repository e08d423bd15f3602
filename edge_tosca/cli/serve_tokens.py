"""Options of `serve` that name, read and make tokens."""

import os
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edge_tosca.cli.terminal import fail, say
from edge_tosca.errors import EdgeToscaError
from edge_tosca.system.files import is_exposed

if TYPE_CHECKING:
    from edge_tosca.console.options import NamedToken

TOKEN_VARIABLE = "EDGE_TOSCA_TOKEN"
MIN_TOKEN_LENGTH = 16

RoleWord = Literal["view", "teach", "administer"]

_NAMED = re.compile(r"([^:=/]+):([^=/]*)=(.+)", re.DOTALL)
_NAME = re.compile(r"[\w][\w .@+-]{0,39}")


def read_tokens(values: list[str]) -> "tuple[str | None, tuple[NamedToken, ...]]":
    """Read the tokens of a console.

    Args:
        values: of --token-file: FILE for the administrator's, ROLE:NAME=FILE for others.

    Returns:
        The administrator's token, None if there is none; and the others.

    Raises:
        EdgeToscaError: a value, a role or a name is not valid, a file cannot be read, a token is too short,
            or a name or a token is given twice.
    """
    from edge_tosca.console.http.tokens import ADMINISTRATOR
    from edge_tosca.console.options import ROLES, NamedToken

    plain, others = [], []
    for value in values:
        parts = None if Path(value).is_file() else _NAMED.fullmatch(value)
        if parts is None:
            plain.append(value)
            continue
        role, name, path = parts.groups()
        if role not in ROLES:
            raise EdgeToscaError(f"--token-file {value}: no role {role!r}; use view, teach or administer")
        others.append(NamedToken(ROLES[role], checked_name(name), _read(Path(path))))
    if len(plain) > 1:
        raise EdgeToscaError(
            f"--token-file {plain[1]} is a second token without a name; give ROLE:NAME=FILE, as in "
            f"teach:anna={plain[1]}"
        )
    token = _read(Path(plain[0])) if plain else os.environ.get(TOKEN_VARIABLE)
    if token is not None:
        _require_length(token, plain[0] if plain else TOKEN_VARIABLE)
    names = [ADMINISTRATOR] * (token is not None) + [one.name for one in others]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise EdgeToscaError(f"two tokens have the name {twice!r}; give each user a name of their own")
    every = [one.secret for one in others] + ([] if token is None else [token])
    if len(set(every)) < len(every):
        raise EdgeToscaError("two users have the same token; make one for each with --make-token FILE")
    return token, tuple(others)


def write_token(path: Path, role: RoleWord | None, name: str | None) -> None:
    """Write a new token to a new file that only its owner can read.

    Args:
        path: of the file.
        role: of the user; None for the administrator of the box.
        name: of the user; None for the administrator of the box.
    """
    if role is not None and name is None:
        fail("a token with a role belongs to someone; give --name NAME")
    given = path if role is None else f"{role}:{checked_name(name or '')}={path}"
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        fail(f"{path} cannot be created ({error.strerror}); name a file that does not exist yet")
    with os.fdopen(file, "w", encoding="utf-8") as out:
        out.write(secrets.token_urlsafe(24) + "\n")
    if role is None:
        say(f"{path} holds the token; give it to those who may use the console.")
    else:
        say(f"{path} holds the token of {name}; serve with --token-file {given}")


def checked_name(name: str) -> str:
    """Return a user's name.

    Args:
        name: as it was given.

    Raises:
        EdgeToscaError: it is not 1 to 40 letters, digits, spaces or one of .@+-_
    """
    if not _NAME.fullmatch(name):
        raise EdgeToscaError(f"name {name!r}: use 1 to 40 letters, digits, spaces and .@+-_")
    return name


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            exposed = is_exposed(path, os.fstat(file.fileno()))
            token = file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise EdgeToscaError(
            f"{path}: the token cannot be read ({getattr(error, 'strerror', None) or 'not text'}); "
            "make one with --make-token"
        ) from None
    if exposed:
        raise EdgeToscaError(
            f"{path}: the token can be read by other users; keep it to yourself with: chmod 600 {path}"
        )
    _require_length(token, str(path))
    return token


def _require_length(token: str, where: str) -> None:
    if len(token) < MIN_TOKEN_LENGTH:
        raise EdgeToscaError(
            f"{where}: a token has at least {MIN_TOKEN_LENGTH} characters; make one with --make-token FILE"
        )
