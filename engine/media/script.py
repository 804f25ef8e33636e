"""All that a film is made of, as the child that makes it gets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from engine.film_options import Captions, Fill, Transition


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A film as it is wanted: everything chosen, every text final, every file a path."""

    clips: tuple[Path, ...]
    title: str = ""
    """What a player shows as the film's name."""
    chapters: tuple[str, ...] = ()
    """One a clip, or none."""
    ends: tuple[float | None, ...] = ()
    """One a clip, or none: when the last picture of it that the film shows is shown, in seconds from its first. None: all of it."""
    scores: tuple[float | None, ...] = ()
    """One a seam, or none: how well the first picture of the later clip goes with the earlier one's last. None: unknown."""
    transitions: tuple[Transition, ...] = ()
    """One a seam; nothing: cuts."""
    transition_s: float = 0.5
    levels: bool = True
    card: str = ""
    """The words of the title card; empty: there is none."""
    credits: tuple[str, ...] = ()
    """The names, in order; nothing: no credits."""
    captions: Captions = Captions.NONE
    caption_texts: tuple[str, ...] = ()
    """One a clip where there are captions."""
    burned_texts: tuple[str, ...] = ()
    """The same where some are not to be drawn: empty for those. Nothing: `caption_texts`."""
    music: Path | None = None
    music_volume: float = 0.5
    voice: Path | None = None
    volume: float = 1.0
    ratio: tuple[int, int] | None = None
    """Width to height; None: that of most of the clips."""
    fill: Fill = Fill.BLUR
    limit_bytes: int | None = None
    is_preview: bool = False

    def absolute(self) -> Script:
        """The same with paths that cannot be taken for a URL or an option by what opens them."""
        return replace(
            self,
            clips=tuple(clip.absolute() for clip in self.clips),
            music=self.music.absolute() if self.music else None,
            voice=self.voice.absolute() if self.voice else None,
        )

    def to_json(self) -> dict[str, Any]:
        """What `from_json` takes."""
        return {
            **asdict(self),
            "clips": [str(clip) for clip in self.clips],
            "music": str(self.music) if self.music else None,
            "voice": str(self.voice) if self.voice else None,
        }

    @classmethod
    def from_json(cls, words: Mapping[str, Any]) -> Script:
        return cls(
            **{
                **words,
                "clips": tuple(map(Path, words["clips"])),
                "chapters": tuple(words["chapters"]),
                "ends": tuple(words["ends"]),
                "scores": tuple(words["scores"]),
                "transitions": tuple(map(Transition, words["transitions"])),
                "credits": tuple(words["credits"]),
                "captions": Captions(words["captions"]),
                "caption_texts": tuple(words["caption_texts"]),
                "burned_texts": tuple(words["burned_texts"]),
                "music": Path(words["music"]) if words["music"] else None,
                "voice": Path(words["voice"]) if words["voice"] else None,
                "ratio": tuple(words["ratio"]) if words["ratio"] else None,
                "fill": Fill(words["fill"]),
            }
        )
