from __future__ import annotations

import pytest

from hil.errors import RequirementsError
from hil.requirements import COMMON, QEMU, STOCK_KERNEL, UML_BUILD, present, require


def test_one_command_brings_all_that_is_missing() -> None:
    with pytest.raises(RequirementsError) as caught:
        require(UML_BUILD, QEMU, COMMON, exists=lambda program: program not in {"gcc", "make", "busybox"})
    assert str(caught.value) == "missing here: gcc, make, busybox. Run: apt-get install build-essential busybox-static"
    assert caught.value.packages == ("build-essential", "busybox-static")


def test_nothing_missing_is_silent() -> None:
    require(UML_BUILD, STOCK_KERNEL, exists=lambda _: True)


def test_presence_of_programs_and_files() -> None:
    assert present("sh")
    assert present("/etc")
    assert not present("no-such-program")
    assert not present("/no/such/file")
