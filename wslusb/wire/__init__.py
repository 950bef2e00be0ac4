"""What crosses the socket, bytes <-> objects, and nothing about what it means. Pure code, standard library only."""
