"""ASC MHL hash lists (version 2.0 of the format): reading, writing, and the hashes of folders.

Written here and not taken from the reference library, because that library
pins a release of a command-line toolkit which excludes the one that the rest of
rushes needs: the two cannot be installed together. Where it is at hand, the
tests have its own verifier judge what is written here.
"""
