"""Everything that does the work: no terminal, importable and testable alone.

Front ends use :mod:`engine.api` and :mod:`engine.errors`; the rest is inside.
"""

__version__ = "0.1.0"
