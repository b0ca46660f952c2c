"""One segment, one join, one finished file: made under a name of its own, proven, then put into place."""
