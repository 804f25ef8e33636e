"""Everything that can go wrong, as one tree. Whose fault, whether to try again and who pays is on the class.

    EngineError
    ├── RequestError             the person can mend it; nothing was changed
    │   ├── NotPossible          a value that nobody or this provider can do
    │   ├── NotFound             no such story, shot, take, film or job here
    │   ├── NothingToContinue    the story has no clip yet
    │   └── NotAllowed           somebody else's
    ├── ProviderError            the service that renders
    │   ├── Refused              it said no to this prompt or picture; final
    │   ├── RenderFailed         it tried and failed; final for this take
    │   ├── OutOfCredit          the operator's account is empty; final until topped up
    │   ├── RateLimited          wait `retry_after_s`, then ask again
    │   ├── Unavailable          it certainly did not take the request; ask again later
    │   ├── Misunderstood        an answer that nobody here knows; may have been charged
    │   ├── Unconfirmed          the answer to a paid request was lost; never sent again by itself
    │   └── DeadlinePassed       given up after the model's `give_up_s`
    ├── MediaError               a file
    │   ├── BadMedia             it is not the picture or the video that it should be
    │   └── MediaLimit           the work ran out of its time, memory or size
    ├── StorageError             this machine's disk or database
    │   ├── DiskFull             no room; what waits to be saved waits
    │   └── StorageUnavailable   locked, missing, read-only, or of a newer version
    └── Defect                   ours to mend
        ├── IllegalMove          a job was asked to go where its table does not lead
        ├── Crashed              a step raised what it never should; tried again some times
        └── StaleFence           somebody else owns the job now; write nothing

`str(error)` is one whole sentence for a person: what is wrong and what to do. Callers match on the class, never on the text.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Fault(StrEnum):
    """Whose fault it is."""

    PERSON = "person"
    PROVIDER = "provider"
    MACHINE = "machine"
    US = "us"


class Billed(StrEnum):
    """Whether money was spent on what failed."""

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"


class EngineError(Exception):
    """One clear sentence: what is wrong, what to do."""

    fault: ClassVar[Fault] = Fault.US
    retryable: ClassVar[bool] = False
    billed: ClassVar[Billed] = Billed.NO


class RequestError(EngineError):
    """The person can mend it. Raised before anything was changed."""

    fault = Fault.PERSON


class NotPossible(RequestError):
    """A value out of range, or that this provider cannot do."""


class NotFound(RequestError):
    """No such thing in this place."""


class NothingToContinue(RequestError):
    """The story has no clip to go on from."""


class NotAllowed(RequestError):
    """It belongs to somebody else."""


class ProviderError(EngineError):
    """The service that renders. `provider` names it; `detail` is its own word for the log, never shown to a person."""

    fault = Fault.PROVIDER

    def __init__(self, sentence: str, *, provider: str = "", detail: str = "") -> None:
        super().__init__(sentence)
        self.provider = provider
        self.detail = detail


class Refused(ProviderError):
    """The service will not render this prompt or picture."""


class RenderFailed(ProviderError):
    """The service tried and failed."""


class OutOfCredit(ProviderError):
    """The operator's account at the service is empty."""


class RateLimited(ProviderError):
    """Too many requests; nothing was accepted."""

    retryable = True

    def __init__(self, sentence: str, *, retry_after_s: float, provider: str = "", detail: str = "") -> None:
        super().__init__(sentence, provider=provider, detail=detail)
        self.retry_after_s = retry_after_s


class Unavailable(ProviderError):
    """The service could not be reached or answered that it is down; it certainly did not take the request."""

    retryable = True


class Misunderstood(ProviderError):
    """An answer outside the contract. Unknown is never done, and never try-again."""

    billed = Billed.UNKNOWN


class Unconfirmed(ProviderError):
    """A paid request left and its answer was lost."""

    billed = Billed.UNKNOWN


class DeadlinePassed(ProviderError):
    """The render took longer than the model ever does."""

    billed = Billed.UNKNOWN


class MediaError(EngineError):
    """A file could not be read, made or joined."""

    fault = Fault.MACHINE


class BadMedia(MediaError):
    """Corrupt, truncated, empty, of another kind, or beyond the size that we decode.

    `clip` is its place, from 0, among the clips that were given; None where there was only one file.
    """

    def __init__(self, sentence: str, *, clip: int | None = None) -> None:
        super().__init__(sentence)
        self.clip = clip


class MediaLimit(MediaError):
    """Media work ran out of its time, memory or output size."""


class StorageError(EngineError):
    """This machine's disk or database."""

    fault = Fault.MACHINE
    retryable = True


class DiskFull(StorageError):
    """No room on the disk that holds the data directory."""


class StorageUnavailable(StorageError):
    """The database or the data directory is locked, missing, read-only or newer than this program."""


class Defect(EngineError):
    """A rule of ours was broken by our own code."""


class IllegalMove(Defect):
    """A job was asked to go from a state to one that its table does not name."""


class Crashed(Defect):
    """A step raised something outside this tree. Tried again, since what it was about may have been passing."""

    retryable = True
    billed = Billed.UNKNOWN


class StaleFence(Defect):
    """The job was claimed by somebody else in the meantime; this step's news is void."""
