"""What is said of money: plain text, as in `bot.texts`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from bot import texts
from engine.abilities import Quote
from engine.job_model import Job
from engine.ledger import Balances, Pot, exact
from engine.ledger_ports import Spending
from engine.money_rules import Caps, dollars
from engine.pots import PotView, sum_of
from engine.purse import Offer, Offered, Question

SHOWN_MOST = 10
"""People, stories and questions that `/pot` names."""
UNKNOWN = "unknown"
_PRICE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?", re.ASCII)


def price_of(job: Job) -> str:
    """`about $0.84`, `price unknown`"""
    return str(Quote(job.quoted_usd))


def ranged(low_usd: Decimal | None, high_usd: Decimal | None) -> str:
    """`about $1.10 to $1.40`; one figure where both read the same; `price unknown`."""
    high = str(Quote(high_usd))
    if low_usd is None or high_usd is None or str(Quote(low_usd)) == high:
        return high
    return f"{Quote(low_usd)} to {dollars(high_usd)}"


def asked_about(job: Job, question: Question, *, prompt: str) -> str:
    """The status message of a job that waits for somebody to agree to its price."""
    lines = [texts.headline(job), f"{texts.quoted(prompt)}{question_of(job, question)}"]
    if question.jobs > 1:
        lines.append(f"{question.jobs} shots wait, {all_of(question)}")
    return "\n".join([*lines, *job.notes])


def question_of(job: Job, question: Question) -> str:
    """`about $1.10 to $1.40; the pot has $6.20. Render it?`"""
    pot = "" if question.left_usd is None else f"; the pot has {dollars(question.left_usd)}"
    if job.quoted_usd is None:
        return f"Nobody knows its price before it is rendered{pot}. Render it?"
    return f"{ranged(question.own_low_usd, job.quoted_usd)}{pot}. Render it?"


def offered(target: str, usd: Decimal | None) -> str:
    """What a button agrees to: `a1-1:0.84`, `a1-1:unknown`; `read_offered` takes it apart."""
    return f"{target}:{UNKNOWN if usd is None else f'{exact(usd).normalize():f}'}"


def read_offered(target: str) -> tuple[str, Offer | None]:
    """The code, and the price that was shown; None: the button is older than such prices, or was made by hand."""
    code, _, price = target.partition(":")
    if price == UNKNOWN:
        return code, Offer(None)
    return code, Offer(Decimal(price)) if _PRICE.fullmatch(price) else None


def offer(target: str, offered: Offered) -> str:
    """`a1-1 costs about $1.10 to $1.40. Render it?`"""
    jobs, usd = offered.jobs, sum_of(offered.jobs)
    price = ranged(offered.low_usd, usd)
    if len(jobs) == 1:
        if usd is None:
            return f"{target}: nobody knows its price before it is rendered. Render it?"
        return f"{target} costs {price}. Render it?"
    if usd is None:
        return f"Nobody knows the price of all {len(jobs)} shots of {target}; agree to each of them by itself."
    return f"The {len(jobs)} shots of {target} that wait cost {price} in all. Render them?"


def all_of(question: Question) -> str:
    """`about $1.10 to $1.40 in all`"""
    if question.high_usd is None:
        others = f"; the others cost {ranged(question.low_usd, question.known_usd)}" if question.known_usd else ""
        return f"and nobody knows the price of all of them{others}"
    return f"{ranged(question.low_usd, question.high_usd)} in all"


def pot(view: PotView, *, is_private: bool) -> str:
    """What can be spent in a place and what was. `is_private`: only its person reads it, so that their own pot is told, too."""
    lines = [
        f"This place: {_spent(view.place.balances)}",
        _who_pays(view.place, pots_only=view.pots_only),
        f"today: {dollars(view.today_usd)}{_of_cap(view.caps.place_day_usd)}",
    ]
    if view.caps.house_day_usd is not None:
        is_reached = view.house_today_usd >= view.caps.house_day_usd
        lines += ["everybody together has spent what the operator allows for today"] if is_reached else []
    lines += list(_limits(view.caps))
    lines += _listed("by person", view.by_person)
    lines += _listed("by story", view.by_story)
    if view.priceless:
        shown = [f"{job.subject} (job {job.id})" for job in view.priceless[:SHOWN_MOST]]
        lines.append(f"may have cost something, price unknown: {', '.join(shown)}{_more(view.priceless)}")
    if view.asking:
        shown = [f"{job.subject} ({price_of(job)})" for job in view.asking[:SHOWN_MOST]]
        lines.append(f"waiting for an answer: {', '.join(shown)}{_more(view.asking)}")
    if is_private:
        lines += _own(view)
    lines.append("/pot --day 5 --story 10 --shot 2 --ask 0.50 limits it; --day default takes a limit back.")
    return "\n".join(lines)


def _spent(found: Balances) -> str:
    unknown = f" · {dollars(found.unknown)} unknown" if found.unknown else ""
    return f"{dollars(found.spent)} spent · {dollars(found.held)} held{unknown}"


def _who_pays(found: Pot, *, pots_only: bool) -> str:
    if found.is_open:
        return f"its pot has {dollars(found.balances.left)} left"
    return "its pot is empty, and only a pot pays here" if pots_only else "it has no pot: the operator pays"


def _of_cap(cap_usd: Decimal | None) -> str:
    return "" if cap_usd is None else f" of {dollars(cap_usd)}"


def _limits(caps: Caps) -> Iterator[str]:
    told: Mapping[str, Decimal | None] = {"a story": caps.story_usd, "all takes of a shot": caps.shot_usd}
    said = ", ".join(f"{dollars(usd)} for {what}" for what, usd in told.items() if usd is not None)
    if said:
        yield f"at most {said}"
    if caps.ask_above_usd is not None:
        yield f"above {dollars(caps.ask_above_usd)} somebody is asked first"


def _own(view: PotView) -> list[str]:
    lines = [f"you today, everywhere: {dollars(view.person_today_usd)}{_of_cap(view.caps.person_day_usd)}"]
    if view.person.is_open:
        lines.append(f"your own pot: {_spent(view.person.balances)} · {dollars(view.person.balances.left)} left")
    return lines


def _listed(what: str, spending: Sequence[Spending]) -> list[str]:
    if not spending:
        return []
    shown = [f"{each.name} {dollars(each.balances.committed)}" for each in spending[:SHOWN_MOST]]
    return [f"{what}: {', '.join(shown)}{_more(spending)}"]


def _more(things: Sequence[object]) -> str:
    left = len(things) - SHOWN_MOST
    return f" and {left} more" if left > 0 else ""
