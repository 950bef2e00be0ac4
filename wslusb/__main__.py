"""``python -m wslusb`` is ``wslusb``."""

from .cli import main

if __name__ == "__main__":
    main()
