"""Everything that can go wrong, as one tree. Whose fault, whether to try again and who pays is on the class.

    EngineError
    ├── RequestError             the person can mend it; nothing was changed
    │   ├── NotPossible          a value that nobody or this provider can do
    │   ├── NotFound             no such story, shot, take, film or job here
    │   ├── NothingToContinue    the story has no clip yet
    │   ├── NotAllowed           somebody else's
    │   └── OverBudget           the money for it is not there, or a cap is reached
    ├── ProviderError            the service that renders
    │   ├── Refused              it said no to this prompt or picture; final
    │   ├── Withheld             it rendered, charged, and does not give the result; final for this take
    │   ├── RenderFailed         it tried and failed; final for this take
    │   ├── BadShot              it cannot do a value that we thought it could; final
    │   ├── OutOfCredit          the operator's account is empty; final until topped up
    │   ├── AuthFailed           the operator's key is wrong or has no right to this; final until mended
    │   ├── ModelRetired         the model is gone, paused or unknown there; final
    │   ├── RateLimited          wait `retry_after_s`, then ask again
    │   ├── Unavailable          it certainly did not take the request; ask again later
    │   ├── Misunderstood        an answer that nobody here knows; may have been charged
    │   ├── Unconfirmed          the answer to a paid request was lost; never sent again by itself
    │   ├── Lost                 the service does not know the render any more
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
    billed: Billed = Billed.NO
    """What is usual for the class; an error that knows better says so itself."""


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


class OverBudget(RequestError):
    """A pot does not hold the price, or a cap is reached. Nothing was spent."""


class ProviderError(EngineError):
    """The service that renders. `provider` names it; `detail` is its own word for the log, never shown to a person."""

    fault = Fault.PROVIDER

    def __init__(self, sentence: str, *, provider: str = "", detail: str = "", billed: Billed | None = None) -> None:
        super().__init__(sentence)
        self.provider = provider
        self.detail = detail
        if billed is not None:
            self.billed = billed


class Stage(StrEnum):
    """What a service looked at when it refused."""

    INPUT = "input"
    OUTPUT = "output"
    UNKNOWN = "unknown"


class About(StrEnum):
    """What was refused."""

    TEXT = "text"
    PICTURE = "picture"
    VIDEO = "video"
    UNKNOWN = "unknown"


class Refused(ProviderError):
    """The service will not render this prompt or picture. A refusal of what it had rendered may have been charged: say so."""

    def __init__(
        self,
        sentence: str,
        *,
        stage: Stage = Stage.UNKNOWN,
        about: About = About.UNKNOWN,
        provider: str = "",
        detail: str = "",
        billed: Billed | None = None,
    ) -> None:
        super().__init__(sentence, provider=provider, detail=detail, billed=billed)
        self.stage = stage
        self.about = about


class Withheld(ProviderError):
    """The service rendered and charged, and keeps the result."""

    billed = Billed.YES


class RenderFailed(ProviderError):
    """The service tried and failed. Where it says that it gives the money back, so does the error."""

    billed = Billed.UNKNOWN


class BadShot(ProviderError):
    """The service says that a value cannot be done; the catalog is wrong about it, or the picture is."""


class OutOfCredit(ProviderError):
    """The operator's account at the service is empty."""


class AuthFailed(ProviderError):
    """The operator's key is missing, wrong, or has no right to this model."""


class ModelRetired(ProviderError):
    """The model is gone, paused, or unknown at the service."""


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


class Lost(ProviderError):
    """The service does not know the render, or its file, any more."""

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
