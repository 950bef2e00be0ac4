"""``python -m emulator check``."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import click

from wslusb.cli import output
from wslusb.cli.output import ExitCode

from .. import rules
from .devices import device_argument, one_model, with_path

__all__ = ["command"]

_CONFORMANCE = "hil.conformance"
"""Runs from a checkout, above the emulator: a program of its own here."""


@click.command("check", help="Hold a device to the rules of USB: its descriptors, and what it answers as it runs.")
@device_argument
@click.option("--descriptors-only", is_flag=True, help="Leave out the conformance suite of chapter 9.")
def command(*, device: str, descriptors_only: bool) -> int:
    """Check a device; 1 if it breaks rules."""
    model = one_model(device)
    found = list(rules.findings(model.gadget))
    for finding in found:
        (output.error if finding.strict else output.warning)(str(finding))
    broken = sum(finding.strict for finding in found)
    output.result(f"descriptors: {broken} rules broken, {len(found) - broken} warnings")
    if descriptors_only or importlib.util.find_spec("hil") is None or importlib.util.find_spec(_CONFORMANCE) is None:
        return ExitCode.FAILURE if broken else ExitCode.SUCCESS
    suite = [sys.executable, "-m", _CONFORMANCE, f"emulator:{with_path(device)}", "--suite", "chapter9"]
    failed = subprocess.run(suite, check=False).returncode
    return ExitCode.FAILURE if broken or failed else ExitCode.SUCCESS
