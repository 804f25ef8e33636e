"""What getimg.ai says that a model can do and costs, as its documentation leaves that to `GET /v2/models/<model>`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.errors import BadShot, Misunderstood
from engine.providers.answers import Answer, model_retired, unavailable, upload_fault
from engine.providers.base import Order
from engine.providers.reading import amount_of, rows_of, table_of, text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the service says of a model. Empty: it does not say."""

    ratios: Sequence[str] = ()
    resolutions: Sequence[str] = ()
    seconds: Sequence[float] = ()
    pictures: Mapping[str, int] | None = None
    """How many it takes in each role; None: it does not say."""
    rates: Sequence[Mapping[str, Any]] = ()


def check_offer(order: Order, offer: Offer, service: str) -> None:
    """Raises BadShot: the service says that its model cannot do this; the sentence says what it can do."""
    asked: list[tuple[str, Any, Sequence[Any]]] = [
        ("the ratio", order.ratio, offer.ratios),
        ("the resolution", order.resolution, offer.resolutions),
        ("the length", f"{order.seconds:g}", [f"{each:g}" for each in offer.seconds]),
    ]
    for what, value, possible in asked:
        if possible and value not in possible:
            _refuse(service, f"{order.model} cannot do {what} {value}; choose one of: {', '.join(possible)}.")
    frames = {"first_frame": order.first_frame, "last_frame": order.last_frame}
    for role, path in frames.items():
        if path is not None and offer.pictures is not None and not offer.pictures.get(role):
            _refuse(service, f"{order.model} takes no {role.replace('_', ' ')}; leave it out or choose another model.")


def _refuse(service: str, sentence: str) -> None:
    raise BadShot(sentence, provider=service)


def read_offer(answer: Answer) -> Offer:
    """What a model can do and costs. What is not as it should be counts as not said."""
    if answer.status == 404:
        raise model_retired(answer)
    if not answer.is_good:
        raise upload_fault(answer)  # nothing was asked for yet
    try:
        said = answer.table()
    except Misunderstood as error:
        raise unavailable(answer.service, answer.detail) from error
    pictures = said.get("supported_references")
    pricing = table_of(said.get("pricing"))
    ratios, resolutions, seconds = (
        _list_of(said.get(f"supported_{what}")) for what in ("aspect_ratios", "resolutions", "durations")
    )
    counts = pictures.items() if isinstance(pictures, Mapping) else None
    return Offer(
        ratios=tuple(text_of(each) for each in ratios if isinstance(each, str)),
        resolutions=tuple(text_of(each) for each in resolutions if isinstance(each, str)),
        seconds=tuple(float(each) for each in map(amount_of, seconds) if each is not None),
        pictures=None if counts is None else {str(role): count for role, count in counts if isinstance(count, int)},
        rates=tuple(rows_of(pricing.get("rates"))) if pricing.get("currency") == "USD" else (),
    )


def _list_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def usd_of(order: Order, offer: Offer) -> Decimal | None:
    """The price by the service's rates a second; None: it has none for this."""
    sound = "sound_off" if order.is_silent else "sound_on"
    for wanted_sound in (sound, "not_applicable"):  # the second one serves where there is no rate of its own
        for wanted_resolution in (order.resolution, None):
            for rate in offer.rates:
                told = (rate.get("billable_unit"), rate.get("sound"), rate.get("resolution"))
                if told == ("video_second", wanted_sound, wanted_resolution):
                    price = amount_of(rate.get("unit_price"))
                    return None if price is None else price * Decimal(str(order.seconds))
    return None
