"""The two databases: the library's and the global config. Everything else stores through here."""
