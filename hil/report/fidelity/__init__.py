"""How true an emulated device is to the real one: two captures, or two runs of the suite, against each other."""

from .captures import compare
from .findings import Fidelity, Finding, Verdict
from .runs import compare_runs

__all__ = ["Fidelity", "Finding", "Verdict", "compare", "compare_runs"]
