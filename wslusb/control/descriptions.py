"""Descriptions over the control socket: as a scenario, and as lsusb prints them; for a bundle, redacted.

The rules are those of captures (docs/capture.md): serial numbers, hardware addresses and container ids are replaced.
"""

from __future__ import annotations

import dataclasses

from ..capture.known import Known
from ..capture.secrets import Secrets
from ..capture.store import redacted_store
from ..device.describe import Description
from ..device.describe_lsusb import to_lsusb
from ..device.describe_text import to_toml
from .messages import Json
from .tokens import secrets_of

__all__ = ["redacted", "view"]


def view(found: Description, request: Json) -> Json:
    """The answer to ``describe``. ``originals``: what was replaced, for whoever asks to look for in the bundle."""
    if "salt" not in request:
        return {"scenario": to_toml(found), "lsusb": to_lsusb(found), "originals": []}
    secrets = secrets_of(request)
    shown = redacted(found, secrets)
    originals = [value.hex() for value in secrets.originals]
    return {"scenario": to_toml(shown), "lsusb": to_lsusb(shown), "originals": originals}


def redacted(found: Description, secrets: Secrets) -> Description:
    """A copy without what names one device of its kind."""
    known = Known(secrets)
    known.learn_info(found.info)
    known.learn_bos(found.bos)
    for (_, index), raw in found.strings.items():
        known.learn_string(index, raw[2:].decode("utf-16-le", "ignore"))
    for index, plain in found.texts.items():
        known.learn_string(index, plain)

    def text(value: str) -> str:
        return secrets.replace(value.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")

    def string(index: int, raw: bytes) -> bytes:
        if index not in known.serials:
            return secrets.replace(raw)
        return raw[:2] + secrets.units_token(raw[2:].decode("utf-16-le", "ignore"))[: len(raw) - 2]

    def each(values: tuple[bytes, ...]) -> tuple[bytes, ...]:
        return tuple(map(secrets.replace, values))

    bos = redacted_store(found.bos, secrets)
    info = dataclasses.replace(
        found.info, serial=secrets.text_token(found.info.serial), manufacturer=text(found.info.manufacturer),
        product_name=text(found.info.product_name), configurations=each(found.info.configurations), bos=bos,
    )  # fmt: skip
    return dataclasses.replace(
        found, info=info, bos=bos, configurations=each(found.configurations),
        strings={place: string(place[1], raw) for place, raw in found.strings.items()},
        texts={i: secrets.text_token(t) if i in known.serials else text(t) for i, t in found.texts.items()},
        other_speeds=None if found.other_speeds is None else each(found.other_speeds),
        hid_reports={number: secrets.replace(raw) for number, raw in found.hid_reports.items()},
        unread=[text(sentence) for sentence in found.unread],
    )  # fmt: skip
