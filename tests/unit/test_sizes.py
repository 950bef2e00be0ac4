"""Sizes as people write them."""

from __future__ import annotations

import pytest

from wslusb.sizes import byte_count


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("512", 512), ("4K", 4096), ("64M", 64 << 20), ("1g", 1 << 30), ("2 GiB", 2 << 30), ("16MB", 16 << 20)],
)
def test_sizes(text: str, size: int) -> None:
    assert byte_count(text) == size


@pytest.mark.parametrize("text", ["", "K", "-1", "1.5M", "1P", "1i", "1M ", "\N{ARABIC-INDIC DIGIT ONE}", "1" * 16])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size such as"):
        byte_count(text)
