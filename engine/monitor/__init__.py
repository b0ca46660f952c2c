"""A read-only look at one library over HTTP, for a screen on the wall or a check that calls by itself."""
