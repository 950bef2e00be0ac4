"""What a security key is made of."""
