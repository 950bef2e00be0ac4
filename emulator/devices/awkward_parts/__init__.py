"""What the device ``awkward`` is made of."""
