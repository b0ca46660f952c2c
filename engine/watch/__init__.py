"""Watch folders: what is new in them and has come to rest is taken in by itself."""
