"""What network cards have in common: the host on the other end of their wire, link and filters, captures."""
