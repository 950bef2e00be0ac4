"""The main job, shown: serve, bind, attach, real bytes through the whole path. ``python -m hil.demo``."""
