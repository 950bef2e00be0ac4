"""U2F: registrations and signatures (FIDO U2F Raw Message Formats 1.2).

Nothing is stored. A key handle holds what the private key follows from, sealed with a key of the device, so all keys
follow from the device's seed and a registration can be repeated.
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Callable

from ..ccid_parts.apdu import CommandApdu, Refusal, Word
from . import der
from .p256 import PrivateKey

__all__ = ["Authenticator"]

_REGISTER, _AUTHENTICATE, _VERSION = 0x01, 0x02, 0x03
_ENFORCE, _CHECK_ONLY, _DO_NOT_ENFORCE = 0x03, 0x07, 0x08  # P1 of AUTHENTICATE
_HANDLE_SIZE = 64


class Authenticator:
    """Answers U2F messages. ``touched`` says whether a user is there, ``told`` hears what was done."""

    def __init__(self, seed: bytes, touched: Callable[[], bool], told: Callable[[str], None]) -> None:
        self._seed = seed
        self._touched = touched
        self._told = told
        self._counter = 0
        self._attestation = PrivateKey.from_seed(b"attestation" + seed)
        self._certificate = der.certificate(self._attestation, "wslusb emulator U2F", 1)
        self._instructions = {_REGISTER: self._register, _AUTHENTICATE: self._authenticate, _VERSION: self._version}

    def answer(self, message: bytes) -> bytes:
        """The response APDU: data, then a status word."""
        try:
            command = CommandApdu.unpack(message)
            if command.cla:
                raise Refusal(Word.UNKNOWN_CLASS)
            instruction = self._instructions.get(command.ins)
            if instruction is None:
                raise Refusal(Word.UNKNOWN_INSTRUCTION)
            return instruction(command) + Word.OK.pack()
        except Refusal as refusal:
            return refusal.word.pack()

    def _version(self, command: CommandApdu) -> bytes:
        if command.data:
            raise Refusal(Word.WRONG_LENGTH)
        return b"U2F_V2"

    def _register(self, command: CommandApdu) -> bytes:
        """Section 4.3. P1 is ignored: some clients set it (4.1)."""
        if len(command.data) != 64:
            raise Refusal(Word.WRONG_LENGTH)
        if not self._touched():
            raise Refusal(Word.NOT_SATISFIED)
        challenge, application = command.data[:32], command.data[32:]
        nonce = self._mac(b"nonce", challenge, application)
        handle = nonce + self._mac(b"seal", application, nonce)
        public = self._key(application, nonce).public
        signed = b"\0" + application + challenge + handle + public
        self._told(f"register {application.hex()}")
        head = b"\x05" + public + bytes((len(handle),)) + handle
        return head + self._certificate + der.signature(self._attestation, signed)

    def _authenticate(self, command: CommandApdu) -> bytes:
        """Section 5.4. Good news of a check has a bad status: the key is ours, and nobody touched it."""
        data = command.data
        if len(data) < 65 or len(data) != 65 + data[64]:
            raise Refusal(Word.WRONG_LENGTH)
        challenge, application, handle = data[:32], data[32:64], data[65:]
        nonce = handle[:32]
        if len(handle) != _HANDLE_SIZE or handle[32:] != self._mac(b"seal", application, nonce):
            raise Refusal(Word.WRONG_DATA)
        if command.p1 not in (_ENFORCE, _DO_NOT_ENFORCE, _CHECK_ONLY):
            raise Refusal(Word.WRONG_P1P2)
        present = command.p1 == _ENFORCE and self._touched()
        if not present and command.p1 != _DO_NOT_ENFORCE:
            raise Refusal(Word.NOT_SATISFIED)
        self._counter += 1
        state = struct.pack(">BI", present, self._counter)
        self._told(f"authenticate {application.hex()} {self._counter}")
        return state + der.signature(self._key(application, nonce), application + state + challenge)

    def _key(self, application: bytes, nonce: bytes) -> PrivateKey:
        return PrivateKey.from_seed(self._mac(b"key", application, nonce))

    def _mac(self, purpose: bytes, *parts: bytes) -> bytes:
        return hmac.digest(self._seed, b"".join((purpose, *parts)), "sha256")
