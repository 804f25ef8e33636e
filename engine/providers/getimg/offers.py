"""What getimg.ai says that a model can do and costs, as its documentation leaves that to `GET /v2/models/<model>`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.errors import BadShot
from engine.providers.answers import Answer, model_retired
from engine.providers.base import Order
from engine.providers.getimg.answers import decimal_of, fault_of, list_of


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
        raise fault_of(answer, is_create=False)
    said = answer.table()
    pictures = said.get("supported_references")
    pricing = said.get("pricing")
    rates = pricing.get("rates") if isinstance(pricing, Mapping) and pricing.get("currency") == "USD" else None
    ratios, resolutions = (list_of(said.get(f"supported_{what}")) for what in ("aspect_ratios", "resolutions"))
    seconds = list_of(said.get("supported_durations"))
    counts = pictures.items() if isinstance(pictures, Mapping) else None
    return Offer(
        ratios=tuple(each for each in ratios if isinstance(each, str)),
        resolutions=tuple(each for each in resolutions if isinstance(each, str)),
        seconds=tuple(float(each) for each in seconds if isinstance(each, int | float)),
        pictures=None if counts is None else {str(role): count for role, count in counts if isinstance(count, int)},
        rates=tuple(each for each in list_of(rates) if isinstance(each, Mapping)),
    )


def usd_of(order: Order, offer: Offer) -> Decimal | None:
    """The price by the service's rates a second; None: it has none for this."""
    sound = "sound_off" if order.is_silent else "sound_on"
    for wanted_sound in (sound, "not_applicable"):  # the second one serves where there is no rate of its own
        for wanted_resolution in (order.resolution, None):
            for rate in offer.rates:
                told = (rate.get("billable_unit"), rate.get("sound"), rate.get("resolution"))
                if told == ("video_second", wanted_sound, wanted_resolution):
                    price = decimal_of(rate.get("unit_price"))
                    return None if price is None else price * Decimal(str(order.seconds))
    return None
