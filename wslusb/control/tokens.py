"""What a request says of redaction, where its answer becomes a part of a bundle: the salt, and values to be taken out.

Service and command line are of one user on one machine, so a salt may go from one to the other. It is written nowhere.
"""

from __future__ import annotations

from ..capture.secrets import Secrets
from .messages import Json

__all__ = ["ask", "secrets_of"]

_MOST_TEXTS, _LONGEST = 64, 256


def ask(salt: bytes, texts: list[str]) -> Json:
    """The arguments of a request whose answer uses these."""
    return {"salt": salt.hex(), "texts": texts[:_MOST_TEXTS]}


def secrets_of(request: Json) -> Secrets:
    """Those of a request that has a salt; else new ones."""
    salt, texts = request.get("salt"), request.get("texts")
    try:
        secrets = Secrets(bytes.fromhex(salt) if isinstance(salt, str) and salt else None)
    except ValueError:
        secrets = Secrets()
    for text in texts[:_MOST_TEXTS] if isinstance(texts, list) else ():
        if isinstance(text, str) and len(text) <= _LONGEST:
            secrets.add_text(text)
    return secrets
