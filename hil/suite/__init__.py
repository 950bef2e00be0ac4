"""The tests that are run on attached hardware, and on what stands in for it: ``nox -s hil`` (docs/hil.md)."""
