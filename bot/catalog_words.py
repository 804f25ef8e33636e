"""What models can do and cost, in words and as rows. Pure; `today` is given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from engine.abilities import Abilities, is_open
from engine.checks import ModelsByProvider
from engine.errors import NotFound
from engine.providers.painter import PainterAbilities, PaintersByName

WARN_DAYS = 60
"""How long before its end a model is warned of."""
ALL_OF = 6
"""Up to so many models are all told at once."""
NOTES_OF = 8
"""Up to so many models of a provider are told with all that they can."""


def catalog_of(all_models: ModelsByProvider, painters: PaintersByName, of: str, today: date) -> str:
    """What can render and paint here: all, or what is known `of` a provider or of one of its models (`fal kling-4`).

    Raises:
        NotFound: it is not here.
    """
    if not of:
        return "\n".join(filter(None, (overview(all_models, today), painters_overview(painters, today))))
    provider, _, model = of.partition(" ")
    if provider in painters and provider not in all_models:
        return painters_overview({provider: painters[provider]}, today)
    if provider not in all_models:
        here = ", ".join((*all_models, *painters))
        raise NotFound(f"There is no provider “{provider}” here; choose one of: {here}.")
    named = {name: can for name, can in all_models[provider].items() if not model or name.lower() == model.strip()}
    if not named:
        there = ", ".join(all_models[provider])
        raise NotFound(f"{provider} has no model “{model.strip()}”; choose one of: {there}.")
    return details(provider, named, today)


def overview(all_models: ModelsByProvider, today: date) -> str:
    """All models where they are few, else a line for each provider."""
    if sum(map(len, all_models.values())) <= ALL_OF:
        return "\n".join(details(name, by_name, today) for name, by_name in all_models.items())
    lines = [_line_of(name, by_name) for name, by_name in all_models.items()]
    return "\n".join([*lines, "/models and a name tells more, as /models " + list(all_models)[-1]])


def details(provider: str, by_name: Mapping[str, Abilities], today: date) -> str:
    """Every model of one provider; a line for each where they are many."""
    lines = []
    if len(by_name) > NOTES_OF:
        short = [f"{name} · {length_of(can)} · {price_a_second(can)}{_frames(can)}" for name, can in by_name.items()]
        return "\n".join([f"{provider}:", *short, f"/models {provider} and a model's name tells more."])
    for name, can in by_name.items():
        lines.append(f"{provider} {name} · {length_of(can)} · {price_a_second(can)}")
        styles = f" · styles: {', '.join(can.styles)}" if len(can.styles) > 1 else ""
        lines.append(f"  {', '.join(can.ratios)} · {', '.join(can.resolutions)}{styles}")
        if abilities := abilities_of(can):
            lines.append(f"  {', '.join(abilities)}")
        if can.note:
            lines.append(f"  {can.note}")
        if ending := ending_of(can, today):
            lines.append(f"  {ending}")
    return "\n".join(lines)


def _frames(can: Abilities) -> str:
    """In the fewest words: whether it is there any more, and on what it starts."""
    if can.closed:
        return " · ended"
    return " · start, end" if can.last_frame else " · start" if can.first_frame else ""


def _line_of(provider: str, by_name: Mapping[str, Abilities]) -> str:
    able = list(by_name.values())
    shortest, longest = min(can.min_seconds for can in able), max(can.max_seconds for can in able)
    usd = sorted(usd for can in able if can.price for usd in can.price.usd_per_second.values())
    price = "price unknown" if not usd else "free" if not usd[-1] else f"${usd[0]:f} to ${usd[-1]:f} a second"
    count = f"{len(able)} models" if len(able) > 1 else next(iter(by_name))
    return f"{provider} · {count} · {shortest:g} to {longest:g} s · {price}"


def length_of(can: Abilities) -> str:
    """`4, 6 or 8 s`, or `2 to 20 s`."""
    if len(can.steps) > 1:
        *some, last = (f"{each:g}" for each in can.steps)
        return f"{', '.join(some)} or {last} s"
    return (
        f"{can.min_seconds:g} to {can.max_seconds:g} s"
        if can.min_seconds < can.max_seconds
        else f"{can.min_seconds:g} s"
    )


def abilities_of(can: Abilities) -> list[str]:
    """What it can beyond words, in a few words each."""
    frames = "starts and ends on pictures" if can.last_frame else "starts on a picture" if can.first_frame else ""
    able = {
        frames: bool(frames),
        "needs a picture": not can.text,
        f"{can.references} references": can.references > 0,
        "extends": can.extend,
        "edits": can.edit,
        "sound": can.audio,
    }
    return [words for words, is_able in able.items() if is_able]


def price_a_second(can: Abilities) -> str:
    """What a second of its clips costs: one price, or from the cheapest to the dearest resolution."""
    if can.price is None:
        return "price unknown"
    usd = sorted(can.price.usd_per_second.values())
    if not usd:
        return f"${can.price.usd_per_render:f} a clip"
    if not usd[-1]:
        return "free"
    return f"${usd[0]:f} a second" if usd[0] == usd[-1] else f"${usd[0]:f} to ${usd[-1]:f} a second"


def ending_of(can: Abilities | PainterAbilities, today: date) -> str:
    """When it ends, or that it has, and what to use instead; empty: nothing is known of an end."""
    instead = f" Use {can.substitute} instead." if can.substitute else ""
    if can.closed:
        return f"{can.closed}{instead if can.substitute not in can.closed else ''}"
    if can.ends_on is None:
        return ""
    if can.ends_on <= today:
        return f"Ended on {can.ends_on}.{instead}"
    days = (can.ends_on - today).days
    return f"Ends on {can.ends_on}, in {days} days.{instead}" if days <= WARN_DAYS else f"Ends on {can.ends_on}."


def is_ending(can: Abilities | PainterAbilities, today: date) -> bool:
    """Whether somebody has to be warned: it has ended, or will within `WARN_DAYS`."""
    return bool(can.closed) or (can.ends_on is not None and (can.ends_on - today).days <= WARN_DAYS)


def ending_soon(models: ModelsByProvider, today: date) -> list[str]:
    """A sentence for every model that renders today and will end within `WARN_DAYS`."""
    return [
        f"{provider} {name}: {ending_of(can, today)}"
        for provider, named in models.items()
        for name, can in named.items()
        if not can.closed and can.ends_on is not None and 0 < (can.ends_on - today).days <= WARN_DAYS
    ]


def model_rows(models: ModelsByProvider, today: date) -> list[dict[str, object]]:
    """Every model of every provider as a flat row; the first of a provider is its default."""
    return [
        {
            "provider": provider,
            "model": model,
            "min_seconds": can.min_seconds,
            "max_seconds": can.max_seconds,
            "only_seconds": list(can.steps),
            "ratios": list(can.ratios),
            "resolutions": list(can.resolutions),
            "styles": list(can.styles),
            "first_frame": can.first_frame,
            "last_frame": can.last_frame,
            "references": can.references,
            "extend": can.extend,
            "edit": can.edit,
            "audio": can.audio,
            "price": price_a_second(can),
            "usd_per_second": {name: str(usd) for name, usd in can.price.usd_per_second.items()} if can.price else None,
            "ends_on": str(can.ends_on) if can.ends_on else None,
            "warning": ending_of(can, today) if is_ending(can, today) else "",
            "substitute": can.substitute,
            "as_of": str(can.as_of) if can.as_of else None,
            "source": can.source,
            "note": can.note,
        }
        for provider, named in models.items()
        for model, can in named.items()
    ]


def painters_overview(painters: PaintersByName, today: date) -> str:
    """Who paints first frames: a line for each painter, its default model first; empty: nobody is here."""
    lines = []
    for painter, by_name in painters.items():
        living = [name for name, can in by_name.items() if is_open(can, today)]
        default, *others = living or list(by_name)
        more = f" · also {', '.join(others)}" if others else ""
        lines.append(f"{painter} paints first frames · {default} · {price_a_picture(by_name[default])}{more}")
    return "\n".join(lines)


def price_a_picture(can: PainterAbilities) -> str:
    """What one of its pictures costs: one price, or from the smallest size to the largest."""
    usd = sorted(can.usd_per_picture.values()) if can.usd_per_picture else []
    if not usd:
        return "price unknown"
    return f"about ${usd[0]:f} a picture" if usd[0] == usd[-1] else f"about ${usd[0]:f} to ${usd[-1]:f} a picture"


def painter_rows(painters: PaintersByName, today: date) -> list[dict[str, object]]:
    """Every model of every painter as a flat row, with the columns of `model_rows` that it has."""
    return [
        {
            "provider": painter,
            "model": model,
            "paints": True,
            "ratios": list(can.ratios),
            "resolutions": list(can.sizes),
            "edit": can.can_edit,
            "price": price_a_picture(can),
            "ends_on": str(can.ends_on) if can.ends_on else None,
            "warning": ending_of(can, today) if is_ending(can, today) else "",
            "substitute": can.substitute,
            "as_of": str(can.as_of) if can.as_of else None,
            "source": can.source,
            "note": can.note,
        }
        for painter, named in painters.items()
        for model, can in named.items()
    ]
