"""The provider on Runway's API: uploads before, one paid POST, looks, cancelling, deleting. It has no list and no webhook."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

from engine.abilities import PictureLimits
from engine.errors import BadMedia, BadShot
from engine.providers.answers import unavailable
from engine.providers.base import CancelOutcome, Order, Prepared, Progress, Taken
from engine.providers.catalog import Setup
from engine.providers.given_pictures import GivenPicture, given_picture, notes_of
from engine.providers.reading import in_path
from engine.providers.runway.answers import (
    WAITING,
    fault_of,
    read_balance,
    read_progress,
    read_status,
    read_taken,
    read_upload,
)
from engine.providers.runway.requests import Media, plan_of, request_of
from engine.providers.runway.wording import check_wording
from engine.providers.service import Service, bearer
from engine.providers.wire import Request

UPLOAD_S = 180.0
"""One file on its way to Runway's storage; a clip may have 200 MB."""
_OPEN = frozenset({"PENDING", "THROTTLED", "RUNNING"})
_OVER = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})


def open_provider(setup: Setup) -> RunwayProvider:
    """The provider of this kind. Raises CatalogError: the operator's table has a word that is none."""
    check_wording(setup.catalog, setup.name)
    return RunwayProvider(setup)


class RunwayProvider(Service):
    """Renders with Runway's models and those of others that it serves. A task id is the task's."""

    def __init__(self, setup: Setup) -> None:
        # The version is asked for with every request: https://docs.dev.runwayml.com/api-details/versions/2024-11-06
        super().__init__(setup, {**bearer(setup), "x-runway-version": str(setup.catalog.wire["version"])})

    async def prepare(self, order: Order, key: str) -> Prepared:
        """The request; a picture goes inside where it is small enough, else it is uploaded, as a clip always is."""
        model = self.model(order)
        plan = plan_of(order, model, self.catalog)
        limits = model.abilities.picture
        first = await _picture(order.first_frame, limits, "The first frame")
        last = await _picture(order.last_frame, limits, "The last frame")
        references = [await given_picture(path, limits, "A reference") for path in order.references]
        media = Media(
            first=await self._address_of(first) if first else "",
            last=await self._address_of(last) if last else "",
            references=tuple([await self._address_of(each) for each in references]),
            video=await self._upload("clip.mp4", await self._clip(order.source.video)) if order.source else "",
        )
        return Prepared(order, key, request_of(plan, media), notes_of([first, last, *references]))

    async def submit(self, prepared: Prepared) -> Taken:
        """One POST."""
        return read_taken(await self.wire.create(prepared.request, reads_429=True))

    async def check(self, task_id: str) -> Progress:
        """One GET; a video's address in it is a fresh one."""
        return read_progress(await self.wire.ask(_task("GET", task_id)))

    async def cancel(self, task_id: str) -> CancelOutcome:
        """Stop a task that is open; one that is finished keeps its result.

        A task that had not begun is given back, one that runs is not: https://docs.dev.runwayml.com/api/#tag/Task-management. It
        may begin between the look and the stop, so what the service says of it afterwards counts more, where it says anything.
        """
        before, usd = read_status(await self.wire.ask(_task("GET", task_id)))
        if before in _OPEN:
            await self._delete(task_id)
            after, usd = read_status(await self.wire.ask(_task("GET", task_id)))
            if not after and before in WAITING:
                return CancelOutcome.STOPPED
            before = after
        is_free = before in {"CANCELLED", "FAILED"} and usd == 0
        return CancelOutcome.STOPPED if is_free else CancelOutcome.MAY_STILL_COST

    async def forget(self, task_id: str) -> None:
        """Delete a finished task and its output there. One that is open or unknown is left alone: it may be wanted yet."""
        status, _ = read_status(await self.wire.ask(_task("GET", task_id)))
        if status in _OVER:
            await self._delete(task_id)

    async def balance_usd(self) -> Decimal | None:
        """What the operator's account holds, in US dollars; None: it does not say.

        Raises:
            AuthFailed, RateLimited, Unavailable, Misunderstood
        """
        return read_balance(await self.wire.ask(Request(method="GET", path="v1/organization")))

    async def _delete(self, task_id: str) -> None:
        answer = await self.wire.ask(_task("DELETE", task_id))
        if not answer.is_good and answer.status != 404:  # 404: it is deleted already
            raise fault_of(answer, is_create=False)

    async def _address_of(self, picture: GivenPicture) -> str:
        inline_chars = len(f"data:{picture.mime};base64,") + (len(picture.data) + 2) // 3 * 4
        if inline_chars <= int(self.catalog.wire["inline_chars"]):
            return picture.data_uri
        return await self._upload(picture.file_name, picture.data, picture.mime)

    async def _clip(self, path: Path) -> bytes:
        """The bytes of a clip. Raises BadShot: it is larger than Runway takes."""
        try:
            size_bytes = (await asyncio.to_thread(path.stat)).st_size
            most_bytes = int(self.catalog.wire["upload_bytes"])
            if size_bytes > most_bytes:
                raise BadShot(
                    f"The clip has {size_bytes / 1e6:.0f} MB and {self.catalog.title} takes {most_bytes / 1e6:.0f} MB; "
                    "use a shorter one.",
                    provider=self.catalog.title,
                )
            return await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            raise BadMedia("The clip's file is missing; it cannot be changed.") from error

    async def _upload(self, file_name: str, data: bytes, mime: str = "video/mp4") -> str:
        """Where Runway finds the file for a day: https://docs.dev.runwayml.com/assets/uploads. The storage is another host."""
        begun = Request(method="POST", path="v1/uploads", json={"filename": file_name, "type": "ephemeral"})
        url, fields, uri = read_upload(await self.wire.ask(begun))
        sent = Request(method="POST", path=url, form=fields, files=(("file", file_name, data, mime),))
        answer = await self.wire.ask(sent, limit_s=UPLOAD_S)
        if not answer.is_good:  # its storage's word, not one about our key or the shot
            raise unavailable(self.catalog.title, f"upload: {answer.detail}")
        return uri


def _task(method: str, task_id: str) -> Request:
    return Request(method=method, path=f"v1/tasks/{in_path(task_id)}")


async def _picture(path: Path | None, limits: PictureLimits, what: str) -> GivenPicture | None:
    return await given_picture(path, limits, what) if path else None
