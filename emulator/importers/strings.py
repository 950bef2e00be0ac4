"""String descriptors of an imported device: byte for byte where the source has them, made of text where it has text."""

from __future__ import annotations

from collections.abc import Mapping

from wslusb.usb.ids import DescriptorType

from ..gadget import ENGLISH
from ..scenario.gadget import LANGUAGES, languages_descriptor, text_descriptor
from .evidence import Evidence

__all__ = ["spoken", "string_descriptors"]

_NO_LANGUAGE = 0
"""What Windows asks in for string 0xEE (Microsoft OS descriptors), and everybody for string 0."""


def string_descriptors(evidence: Evidence, uses: Mapping[int, str], missing: list[str]) -> dict[tuple[int, int], bytes]:
    """By language and index, as ``WrittenGadget.texts``. Strings of ``uses`` that are not there go to ``missing``."""
    found = _of_bytes(evidence, missing) if evidence.texts else _of_text(evidence, missing)
    known = {index for _, index in found}
    for index, field in sorted(uses.items()):
        if index not in known:
            missing.append(f"string {index} ({field}): not in the source; the request for it is stalled")
    return found


def spoken(texts: Mapping[tuple[int, int], bytes]) -> dict[int, str]:
    """What strings say in the first language that the device has any in."""
    listed = texts.get(LANGUAGES, b"")[2:]
    languages = [int.from_bytes(listed[at : at + 2], "little") for at in range(0, len(listed) - 1, 2)]
    language = next((each for each in (*languages, *_heard(texts)) if any(other == each for other, _ in texts)), None)
    return {
        index: data[2:].decode("utf-16-le", "replace")
        for (each, index), data in texts.items()
        if each == language and index
    }


def _heard(texts: Mapping[tuple[int, int], bytes]) -> list[int]:
    """The languages that strings were read in; English first."""
    return sorted({each for each, _ in texts} - {_NO_LANGUAGE}, key=lambda each: (each != ENGLISH, each))


def _of_bytes(evidence: Evidence, missing: list[str]) -> dict[tuple[int, int], bytes]:
    found = {}
    for place, data in evidence.texts.items():
        found[place] = data[: data[0]]
        if len(data) < data[0]:
            whole = len(data) - len(data) % 2
            found[place] = bytes((whole, DescriptorType.STRING)) + data[2:whole]
            missing.append(f"string {place[1]}: {len(data)} of {data[0]} bytes are in the source; it ends there")
    heard = _heard(found)
    if heard and LANGUAGES not in found:
        found[LANGUAGES] = languages_descriptor(heard)
        listed = ", ".join(f"{each:#06x}" for each in heard)
        missing.append(f"string 0 (languages): not in the source; {listed}, in which strings were read")
    return found


def _of_text(evidence: Evidence, missing: list[str]) -> dict[tuple[int, int], bytes]:
    language = evidence.language or ENGLISH
    found = {
        (language, index): text_descriptor(text) for index, text in evidence.strings.items() if text and 0 < index < 256
    }
    if not found:
        return {}
    if not evidence.language:
        missing.append("string 0 (languages): not in the source; English")
    return {LANGUAGES: languages_descriptor((language,)), **found}
