"""wslusb.capture.bundle: whatever is done to a zip, it is read, or refused."""

from __future__ import annotations

import contextlib
import io
import tempfile
import zipfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from wslusb.capture.bundle import open_capture
from wslusb.errors import LocalError


def _bundle() -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.md", b"read me")
        archive.writestr("capture.pcapng", bytes(range(256)) * 4)
    return whole.getvalue()


BUNDLE = _bundle()
PLACES = st.integers(0, len(BUNDLE) - 1)


@given(st.lists(st.tuples(PLACES, st.integers(0, 255)), max_size=6), PLACES)
def test_damage_is_a_local_error(changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(BUNDLE)
    for at, value in changes:
        data[at] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bug.zip")
        for whole in (data, data[:cut]):
            path.write_bytes(whole)
            with contextlib.suppress(LocalError), open_capture(path) as file:
                assert len(file.read()) <= 2000
