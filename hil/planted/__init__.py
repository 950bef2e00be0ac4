"""Bugs that are planted in copies of the program, to count how many the suite catches (docs/hil.md)."""
