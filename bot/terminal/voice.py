"""How the terminal speaks: a moving bar for a person, plain lines for a pipe, JSON lines for a script."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from bot.terminal.rows import Row, for_the_terminal, harmless, text_of
from engine.errors import EngineError


class Voice(Protocol):
    """Says what happens. Results go to stdout, sentences about what is wrong to stderr."""

    def progress(self, row: Row) -> None:
        """Where a job stands now. Called often; says only what is new."""
        ...

    def result(self, row: Row) -> None:
        """The one thing that was asked for."""
        ...

    def rows(self, rows: Iterable[Row], columns: Sequence[str]) -> None:
        """A list. `columns` are shown to a person; a script gets everything."""
        ...

    def note(self, sentence: str) -> None:
        """A word beside the results."""
        ...

    def wrong(self, sentence: str, kind: str, about: Row | None = None) -> None:
        """What went wrong. `kind` is its class and `about` what it is about, for a script."""
        ...

    def rest(self) -> None:
        """Leave the terminal as it was found."""
        ...


def voice_for(*, as_json: bool) -> Voice:
    """The voice for this stdout."""
    if as_json:
        return JsonVoice()
    return BarVoice() if sys.stdout.isatty() else PlainVoice()


def kind_of(error: EngineError) -> str:
    """The class of the error tree that a script can rely on."""
    return next(parent.__name__ for parent in type(error).__mro__ if parent.__module__ == EngineError.__module__)


def _complain(sentence: str) -> None:
    sys.stderr.write(f"{harmless(for_the_terminal(sentence))}\n")
    sys.stderr.flush()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class JsonVoice:
    """One JSON object a line."""

    def __init__(self) -> None:
        self._last: Row | None = None

    def progress(self, row: Row) -> None:
        if row != self._last:
            self._last = row
            self._write(row)

    def result(self, row: Row) -> None:
        self._write(row)

    def rows(self, rows: Iterable[Row], columns: Sequence[str]) -> None:  # noqa: ARG002  # a script gets every column
        for row in rows:
            self._write(row)

    def note(self, sentence: str) -> None:
        _complain(sentence)

    def wrong(self, sentence: str, kind: str, about: Row | None = None) -> None:
        self._write({**(about or {}), "error": for_the_terminal(sentence), "kind": kind})
        _complain(sentence)

    def rest(self) -> None:
        return

    def _write(self, row: Row) -> None:
        _say(json.dumps(row, ensure_ascii=sys.stdout.encoding.lower() not in {"utf-8", "utf8"}))


class PlainVoice:
    """Lines without colour or motion; a list has tabs between its columns, and their names above it."""

    def __init__(self) -> None:
        self._last = ""

    def progress(self, row: Row) -> None:
        line = _stage(row)
        if line != self._last:  # a pipe gets changes of the stage, not every percent
            self._last = line
            _say(line)

    def result(self, row: Row) -> None:
        for line in _result_lines(row):
            _say(line)

    def rows(self, rows: Iterable[Row], columns: Sequence[str]) -> None:
        for number, row in enumerate(rows):
            if number == 0:  # the names are those that `--json` has, and an empty list has none
                _say("\t".join(columns))
            _say("\t".join(text_of(row.get(column)) for column in columns))

    def note(self, sentence: str) -> None:
        _complain(sentence)

    def wrong(self, sentence: str, kind: str, about: Row | None = None) -> None:  # noqa: ARG002  # a person needs the sentence
        _complain(sentence)

    def rest(self) -> None:
        return


class BarVoice:
    """For a person: a bar that fills, tables, a little colour. Nothing that others wrote is read as markup."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False, emoji=False)
        self._progress: Progress | None = None
        self._bar = TaskID(0)

    def progress(self, row: Row) -> None:
        if self._progress is None:
            self._progress = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.fields[percent]}", markup=False),
                TimeElapsedColumn(),
                console=self._console,
                transient=True,
            )
            self._bar = self._progress.add_task("", total=None, percent="")
            self._progress.start()
        percent = row.get("percent")
        known = float(percent) if isinstance(percent, (int, float)) else None
        self._progress.update(
            self._bar,
            description=_stage(row),
            total=None if known is None else 100,
            completed=known or 0,
            percent="" if known is None else f"{known:3.0f} %",
        )

    def result(self, row: Row) -> None:
        self.rest()
        for line in _result_lines(row):
            # soft_wrap: a path that is broken over two lines cannot be copied
            self._console.print(Text(line), soft_wrap=True)

    def rows(self, rows: Iterable[Row], columns: Sequence[str]) -> None:
        self.rest()
        table = Table(box=None, pad_edge=False, header_style="dim")
        for column in columns:
            table.add_column(
                column.replace("_", " "), overflow="fold", no_wrap=column not in {"prompt", "title", "note", "says"}
            )
        for row in rows:
            table.add_row(*(Text(text_of(row.get(column))) for column in columns))
        self._console.print(table)

    def note(self, sentence: str) -> None:
        self.rest()
        _complain(sentence)

    def wrong(self, sentence: str, kind: str, about: Row | None = None) -> None:  # noqa: ARG002  # a person needs the sentence
        self.rest()
        _complain(sentence)

    def rest(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _stage(row: Row) -> str:
    subject = text_of(row.get("film") or row.get("shot") or row.get("story"))
    if "waits_for" in row:
        return f"{subject} {row['state']}, waits for {row['waits_for']}"
    if "ahead" in row:
        return f"{subject} {row['state']}, {row['ahead']} before it"
    if "variant" in row:
        return f"{subject} {row['state']} the {row['variant']}"
    return f"{subject} {row['state']}"


def _result_lines(row: Row) -> list[str]:
    """A finished thing: what it is on one line, its file alone on the last, so that `| tail -1` gives the file."""
    words = [text_of(row.get("film") or row.get("shot") or row.get("story"))]
    words += [text_of(row[key]) for key in ("state", "title") if key in row]
    if "width" in row:
        words.append(f"{text_of(row['seconds'])} s  {row['width']}x{row['height']}  {text_of(row['fps'])} fps")
    lines = ["  ".join(words)]
    lines += [f"  {text_of(row['prompt'])}"] if row.get("prompt") else []
    lines += [f"  shots {text_of(row['shots'])}"] if row.get("shots") else []
    if "seam" in row:
        in_line = "" if row["in_a_row"] in {0, 1} else f", shot {row['in_a_row']} in a row from a last frame"
        lines.append(f"  seam {row['seam']} of 100{in_line}")
    lines += [f"  its last frame is {text_of(row['last_frame'])}"] if row.get("last_frame") else []
    return lines + ([str(row["file"])] if row.get("file") else [])
