"""What human interface devices have in common."""
