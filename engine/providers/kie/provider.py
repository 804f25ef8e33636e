"""KIE.ai, as a provider. No list, no cancel, no id of ours in a request: a lost answer cannot be looked up."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

from engine.errors import ModelRetired, Unavailable
from engine.providers.answers import Answer, lost, unavailable
from engine.providers.base import Hook, Order, Prepared, Progress, Queued, Taken
from engine.providers.catalog import Setup
from engine.providers.download import MOST_BYTES
from engine.providers.given_pictures import given_picture, notes_of
from engine.providers.kie.answers import read_credits, read_hook, read_link, read_progress, read_taken, read_upload
from engine.providers.kie.faults import has_no_record, said_of
from engine.providers.kie.requests import CREDITS, VEO, Pictures, form_of, link_of, look_of, request_of, upload_of
from engine.providers.kie.wording import RowWire, ServiceWire
from engine.providers.service import Service, bearer
from engine.providers.wordings import check_wires

UPLOAD_S = 120.0
"""Of one try: a picture may have 30 MB."""
NEW_S = 60.0
"""So long after it was taken, a task may not be found yet: KIE's clients report a null record right after the create."""


def open_provider(setup: Setup) -> KieProvider:
    """The provider of this kind. Raises CatalogError: the operator's table has a word that is none."""
    check_wires(setup.catalog, setup.name, service=ServiceWire, row=RowWire)
    return KieProvider(setup)


class KieProvider(Service):
    """Renders with what KIE serves. A task id is KIE's, with `veo:` before it where the Veo routes know it."""

    def __init__(self, setup: Setup) -> None:
        self._upload_url = (setup.settings.get("upload_url") or str(setup.catalog.wire["upload_url"])).rstrip("/")
        super().__init__(setup, bearer(setup), key_urls=[self._upload_url])
        self._usd_per_credit = Decimal(str(setup.catalog.wire["usd_per_credit"]))
        self._taken_at_s: dict[str, float] = {}

    async def prepare(self, order: Order, key: str) -> Prepared:
        """The request, with its pictures uploaded."""
        model = self.model(order)
        if model.abilities.closed:
            use = f" Use {model.abilities.substitute} instead." if model.abilities.substitute else ""
            raise ModelRetired(model.abilities.closed + use, provider=self.catalog.title)
        form = form_of(model, order, self.catalog.title)
        notes: list[str] = []

        async def url_of(path: Path, what: str) -> str:
            picture = await given_picture(path, model.abilities.picture, what)
            notes.extend(notes_of([picture]))
            most = int(self.catalog.wire["base64_most_bytes"])
            return read_upload(await self.wire.ask(upload_of(self._upload_url, key, picture, most), limit_s=UPLOAD_S))

        pictures = Pictures(
            first=await url_of(order.first_frame, "The first frame") if order.first_frame else "",
            last=await url_of(order.last_frame, "The last frame") if order.last_frame else "",
            references=tuple([await url_of(path, "A reference") for path in order.references]),
        )
        request = request_of(form, order, pictures, self.setup.callback_url)
        return Prepared(order, key, request, tuple(dict.fromkeys(notes)))

    async def submit(self, prepared: Prepared) -> Taken:
        """One POST."""
        answer = await self.wire.create(prepared.request, is_answer=_is_kies)
        task_id = read_taken(answer, is_veo="/veo/" in prepared.request.path)
        now_s = time.monotonic()
        known_s = self.pace.give_up_s
        self._taken_at_s = {each: at_s for each, at_s in self._taken_at_s.items() if now_s - at_s < known_s}
        self._taken_at_s[task_id] = now_s
        return Taken(task_id)

    async def check(self, task_id: str) -> Progress:
        """One GET."""
        answer = await self.wire.ask(look_of(task_id))
        if has_no_record(answer):
            taken_at_s = self._taken_at_s.get(task_id)
            if taken_at_s is None:  # another process took it, perhaps just now
                raise unavailable(answer.service, answer.detail)
            if time.monotonic() - taken_at_s < NEW_S:
                return Queued()
            raise lost(answer)
        return read_progress(answer, is_veo=task_id.startswith(VEO), usd_per_credit=self._usd_per_credit)

    async def fetch(self, task_id: str, where: str, into: Path) -> None:
        """From its address, or by a direct link that KIE gives for it."""
        try:
            await super().fetch(task_id, where, into)
        except Unavailable:
            link = read_link(await self.wire.ask(link_of(where)))
            if link is None:
                raise
            await self.wire.download(link, into, limit_bytes=MOST_BYTES)

    async def heard(self, hook: Hook) -> str | None:
        """The task that KIE called for; None without the setting `webhook_key`, as then nobody can know who called."""
        return read_hook(hook, self.setup.settings.get("webhook_key", ""), time.time())

    async def balance_usd(self) -> Decimal | None:
        """What the operator's credits at KIE are worth, in US dollars; None: it does not say.

        Raises:
            AuthFailed, RateLimited, Unavailable
        """
        credit = read_credits(await self.wire.ask(CREDITS))
        return None if credit is None else credit * self._usd_per_credit


def _is_kies(answer: Answer) -> bool:
    """A body with KIE's own code says more than the HTTP status."""
    return said_of(answer) is not None
