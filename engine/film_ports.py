"""What the engine asks of a store about what is wanted of a film."""

from __future__ import annotations

from typing import Protocol

from engine.film_options import StitchOptions


class FilmReader(Protocol):
    """Reads in the snapshot of its transaction."""

    async def stitch_options(self, job_id: int) -> StitchOptions:
        """The options of a stitch; the defaults where nothing else was said."""
        ...


class FilmWriter(FilmReader, Protocol):
    """Keeps them."""

    async def keep_stitch_options(self, job_id: int, options: StitchOptions) -> None:
        """Keep the options of a stitch that was just added; the same job again changes nothing."""
        ...
