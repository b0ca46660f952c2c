"""A library: one catalogue, one SQLite file and its caches in ``.rushes/`` under the cache root."""

from engine.library.library import Library, create, list_known, locate, open_library

__all__ = ["Library", "create", "list_known", "locate", "open_library"]
