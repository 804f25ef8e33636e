"""What was read of clips that were measured, so that a film of them need not read each from one end to the other once more."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path

MOST_CHARS = 4 << 20
"""Of all of them together: a thousand clips or more."""
LONGEST_CHARS = 48_000
"""Of one, over a minute. A child says it in one line, and a longer clip is read again."""


def stamp(path: Path) -> str:
    """Another one for another file, and when the file has changed; the same when it was renamed. Empty: there is none. Blocks."""
    try:
        told = path.stat()
    except OSError:
        return ""
    return f"{told.st_dev}-{told.st_ino}-{told.st_size}-{told.st_mtime_ns}"


class Known:
    """The latest of them, each under the stamp of its file. Words of a child, which only another child reads."""

    def __init__(self, most_chars: int = MOST_CHARS) -> None:
        self._most_chars = most_chars
        self._chars = 0
        self._words: OrderedDict[str, str] = OrderedDict()

    def learn(self, stamped: str, words: str) -> None:
        self._chars += len(words) - len(self._words.pop(stamped, ""))
        self._words[stamped] = words
        while self._chars > self._most_chars:
            _, oldest = self._words.popitem(last=False)
            self._chars -= len(oldest)

    def forget(self, stamps: Sequence[str]) -> None:
        for stamped in stamps:
            self._chars -= len(self._words.pop(stamped, ""))

    def of(self, stamps: Sequence[str]) -> Mapping[str, str]:
        """What is known of these."""
        for stamped in stamps:
            if stamped in self._words:
                self._words.move_to_end(stamped)
        return {stamped: self._words[stamped] for stamped in stamps if stamped in self._words}
