"""What all tests share: Hypothesis' profiles (HYPOTHESIS_PROFILE chooses), and the fixtures of ``tests/support``."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("tests.support")  # what an assertion there compared is told as in a test
pytest_plugins = ["tests.support.fixtures"]

# A job in the background of a shell ignores SIGINT, and so would all that a test starts, to interrupt it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadlines: machines that run tests are busy with other things.
_quiet = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("dev", deadline=None, max_examples=60, stateful_step_count=40, suppress_health_check=_quiet)
settings.register_profile(
    "ci", deadline=None, max_examples=300, stateful_step_count=80, suppress_health_check=_quiet, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
