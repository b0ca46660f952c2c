"""What lies in a folder that a hash list is about, without what its patterns leave out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from pathspec import GitIgnoreSpec


@dataclass(frozen=True)
class Facts:
    """Size and time of a file; ``regular`` is False for links and other things that are no plain file."""

    size: int
    mtime_ns: int
    regular: bool = True


@dataclass
class Tree:
    """Everything that counts, by path relative to the top.

    Attributes:
        files: regular files, and links, which are never followed.
        folders: folders with their times, empty ones too, without the top.
        unreadable: folders that could not be listed, with the reason.
    """

    files: dict[str, Facts] = field(default_factory=dict)
    folders: dict[str, int] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)


def each(
    root: str, ignored: Iterable[str], check: Callable[[], None] | None = None
) -> Iterator[tuple[str, Facts, bool]]:
    """Everything that counts in a folder, in no order, one by one: (path, facts, whether it is a folder).

    A folder that cannot be listed gives itself as a file without a known content. Arguments as of
    :func:`walk`.
    """
    patterns = GitIgnoreSpec.from_lines(ignored)
    waiting = [""]
    while waiting:
        if check is not None:
            check()
        folder = waiting.pop()
        try:
            with os.scandir(os.path.join(root, folder)) as entries:
                for path, facts, is_folder in _counting(entries, folder, patterns, check):
                    yield path, facts, is_folder
                    if is_folder:
                        waiting.append(path)
        except OSError:
            yield f"{folder}/?" if folder else "?", Facts(0, 0, False), False


def walk(root: str, ignored: Iterable[str], check: Callable[[], None] | None = None) -> Tree:
    """List a folder, sorted by name; links are not followed.

    Args:
        root: the top.
        ignored: patterns in the manner of ``.gitignore``, relative to the top.
        check: called for every folder and every entry; raises to stop.
    """
    patterns = GitIgnoreSpec.from_lines(ignored)
    tree = Tree()
    waiting = [""]
    while waiting:
        if check is not None:
            check()
        folder = waiting.pop()
        try:
            entries = sorted(os.scandir(os.path.join(root, folder)), key=lambda entry: entry.name)
        except OSError as error:
            tree.unreadable[folder or "."] = os.strerror(error.errno or 0)
            continue
        below = []
        for path, facts, is_folder in _counting(entries, folder, patterns, check):
            if is_folder:
                tree.folders[path] = facts.mtime_ns
                below.append(path)
            else:
                tree.files[path] = facts
        waiting.extend(reversed(below))
    return tree


def _counting(
    entries: Iterable[os.DirEntry[str]],
    folder: str,
    patterns: GitIgnoreSpec,
    check: Callable[[], None] | None,
) -> Iterator[tuple[str, Facts, bool]]:
    """What counts of one folder's entries, as :func:`each` gives it."""
    for entry in entries:
        if check is not None:
            check()  # a folder may hold a million
        path = f"{folder}/{entry.name}" if folder else entry.name
        is_folder = entry.is_dir(follow_symlinks=False)
        if patterns.match_file(f"{path}/" if is_folder else path):
            continue
        try:
            facts = entry.stat(follow_symlinks=False)
        except OSError:
            continue  # gone in this moment
        regular = entry.is_file(follow_symlinks=False)
        yield path, Facts(facts.st_size, facts.st_mtime_ns, regular), is_folder
