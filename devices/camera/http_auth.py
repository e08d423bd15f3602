"""The answer to a camera that asks for user and password: Basic and Digest.

Source: RFC 7617 (Basic) and RFC 7616 (Digest, qop "auth").
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Sequence

_PARAMETER = re.compile(r'([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_HASHES: dict[str, Callable[[bytes], str]] = {
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
}
"""By preference; RFC 7616 keeps MD5 for old servers, which most cameras are."""


def authorization(
    challenges: Sequence[str], user: str, password: str, target: str, cnonce: str | None = None
) -> str | None:
    """Return the value of the header Authorization for a GET request.

    Args:
        challenges: values of the headers WWW-Authenticate.
        user: name of the user.
        password: of the user.
        target: path and query of the request.
        cnonce: of the client; drawn by default.

    Returns:
        The value; Digest where it is offered, so that the password is not sent. None where neither is.
    """
    offers = [offer for challenge in challenges for offer in _offers(challenge)]
    digests = [(name, values) for name, values in offers if name == "digest" and "nonce" in values]
    for algorithm in _HASHES:
        for _, values in digests:
            qops = [one.strip() for one in values.get("qop", "").split(",")]
            if values.get("algorithm", "MD5").upper() == algorithm and ("auth" in qops or qops == [""]):
                return _digest(values, algorithm, "auth" in qops, user, password, target, cnonce)
    if any(name == "basic" for name, _ in offers):
        return "Basic " + base64.b64encode(f"{user}:{password}".encode(errors="surrogateescape")).decode()
    return None


def _offers(challenge: str) -> list[tuple[str, dict[str, str]]]:
    """Split a header, which may hold several challenges, into schemes and their parameters."""
    parts = re.split(r"(?:^|,)\s*(Basic|Digest)(?=\s|$)", challenge, flags=re.IGNORECASE)
    found = []
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        values = {key.lower(): quoted or plain for key, quoted, plain in _PARAMETER.findall(text)}
        found.append((name.lower(), values))
    return found


def _digest(
    values: dict[str, str],
    algorithm: str,
    qop: bool,
    user: str,
    password: str,
    target: str,
    cnonce: str | None,
) -> str:
    def of(*words: str) -> str:
        return _HASHES[algorithm](":".join(words).encode(errors="surrogateescape"))

    realm, nonce = values.get("realm", ""), values["nonce"]
    secret, request = of(user, realm, password), of("GET", target)
    fields = {"username": user, "realm": realm, "nonce": nonce, "uri": target}
    if qop:
        drawn = cnonce or secrets.token_hex(16)
        fields |= {"cnonce": drawn, "response": of(secret, nonce, "00000001", drawn, "auth", request)}
    else:
        fields["response"] = of(secret, nonce, request)
    if "opaque" in values:
        fields["opaque"] = values["opaque"]
    words = [f'{name}="{_quoted(value)}"' for name, value in fields.items()]
    words += [f"algorithm={algorithm}", *(["qop=auth", "nc=00000001"] if qop else [])]
    return f"Digest {', '.join(words)}"


def _quoted(text: str) -> str:
    return re.sub(r'(["\\])', r"\\\1", re.sub(r"[\r\n]", "", text))
