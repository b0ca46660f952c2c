"""Watching: folders whose new footage is taken in by itself, and the drives that come and go.

``watcher`` looks at watch folders (``folders``), with ``signals`` as a reason to
look and ``stability`` to decide what has come to rest; ``drives`` follows the
volumes for an engine, also over the time in which none ran.
"""
