"""What a smart card reader, and the card in it, are made of."""
