"""One person on several platforms: a one-time code, given to one identity and said by another, joins the two.

An identity is `platform:user id`. Who is joined acts as the one person from then on: `Linking.known` gives that person, and the
store knows it of every key that is written.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from engine.errors import EngineError, NotAllowed, NotFound, RequestError
from engine.model import Asked, Person
from engine.oversight import Oversight
from engine.ports import Writer

CODE_LASTS_S = 600.0
MISSES_MOST = 10
MISSES_WITHIN_S = 600.0
"""After `MISSES_MOST` wrong codes within this time an identity is not listened to until they are older."""
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U. https://www.crockford.com/base32.html"""
_READ_AS = str.maketrans("ILO", "110")
_LENGTH = 8
_WITHOUT_ACCOUNTS = frozenset({"local", "cli"})
_BETWEEN = re.compile(r"[\s\-\u2010-\u2015\u2212]+")

NO_ACCOUNT = "Only accounts can be linked, and there are none here; say /link to the bot on Telegram or Discord."
NOT_ONESELF = "Say it as yourself: a group or a channel cannot be linked."
UNKNOWN_CODE = "That code is unknown, was used or has expired; say /link on the other platform for a new one."
OWN_CODE = "That code is your own; say it to the bot on the other platform."
TOO_MANY = f"Too many wrong codes; wait {MISSES_WITHIN_S / 60:.0f} minutes and try again."
NOT_LINKED = "Your accounts are not linked; /link begins it."


@dataclass(frozen=True, slots=True)
class Linked:
    """What the one person is now: `platforms` begin with the one whose name stays. `is_new` False: it was so before."""

    platforms: tuple[str, ...]
    is_new: bool


@dataclass(frozen=True, slots=True)
class Parted:
    """Those on `platforms` are persons of their own again; what was made so far is of the one on `keeper`."""

    platforms: tuple[str, ...]
    keeper: str


class Linking(Oversight):
    """What can be done about who is whom."""

    async def known(self, person: Person) -> Person:
        """The one person behind an identity, with the name and the rights that it has where it speaks."""
        if platform_of(person.key) in _WITHOUT_ACCOUNTS:
            return person
        key = await self._store.read(lambda tx: tx.known_as(person.key))
        return person if key == person.key else replace(person, key=key)

    async def link_code(self, asked: Asked) -> str:
        """A new one-time code for the identity that asks, in place of the one that it had: `K7QM-2XPD`, for ten minutes.

        Raises:
            RequestError: nobody can be linked there.
        """
        _check_account(asked.person)
        expires_at = self._world.clock() + timedelta(seconds=CODE_LASTS_S)
        while True:
            code = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
            code_hash = await asyncio.to_thread(hash_of, code)
            if await self._store.write(lambda tx, h=code_hash: tx.put_link_code(asked.person, h, expires_at)):  # type: ignore[misc]  # a default is not inferred
                return f"{code[:4]}-{code[4:]}"

    async def link(self, asked: Asked, code: str) -> Linked:
        """Make the identity that asks and the one that was given this code one person: the latter, with all that both made.

        Raises:
            NotFound: nobody has this code any more.
            NotAllowed: too many wrong ones were said.
            RequestError: these two cannot be one person.
        """
        _check_account(asked.person)
        letters = read_code(code)
        if letters is None:
            raise NotFound(f"“{code[:40]}” is no code; one looks like K7QM-2XPD, and /link gives you one.")
        code_hash = await asyncio.to_thread(hash_of, letters)

        async def work(tx: Writer) -> Linked | EngineError:
            return await self._link(tx, asked, code_hash)

        outcome = await self._store.write(work)
        if isinstance(outcome, EngineError):  # returned and not raised: a wrong code is to be noted
            raise outcome
        return outcome

    async def _link(self, tx: Writer, asked: Asked, code_hash: str) -> Linked | EngineError:
        me, now = asked.person, self._world.clock()
        mine = await tx.identities(me.key)
        if not await tx.first_time(asked.key):
            return _linked(mine) if len(mine) > 1 else NotFound(UNKNOWN_CODE)
        if await tx.link_misses(me.key, now - timedelta(seconds=MISSES_WITHIN_S)) >= MISSES_MOST:
            raise NotAllowed(TOO_MANY)
        found = await tx.link_code(code_hash)
        if found is None or found[1] <= now:
            await tx.miss_link_code(me)
            return NotFound(UNKNOWN_CODE)
        if found[0] == me.key:
            raise RequestError(OWN_CODE)
        if found[0] in mine:
            return _linked(mine, is_new=False)
        theirs = await tx.identities(found[0])
        _check_platforms(me.key, found[0], [*theirs, *mine])
        await tx.know(asked.place, me)
        await tx.join_persons(replace(me, key=theirs[0]), me)
        await tx.drop_link_codes([*theirs, *mine])
        return _linked([*theirs, *mine])

    async def unlink(self, asked: Asked) -> Parted:
        """Make the identity that asks a person of its own again; said by the person who keeps everything, all others.

        What was made so far stays with the one person.

        Raises:
            NotFound: it is joined to nobody.
        """

        async def work(tx: Writer) -> Parted:
            keys = await tx.identities(asked.person.key)
            if len(keys) == 1 or not await tx.first_time(asked.key):
                raise NotFound(NOT_LINKED)
            gone = keys[1:] if asked.person.key == keys[0] else [asked.person.key]
            await tx.part_identities(gone)
            return Parted(tuple(platform_of(key) for key in gone), platform_of(keys[0]))

        return await self._store.write(work)


def platform_of(key: str) -> str:
    """`telegram` of `telegram:1`."""
    return key.partition(":")[0]


def read_code(text: str) -> str | None:
    """The eight letters of a code as somebody typed it: any case, any dashes; I and L are a 1, O is a 0. None: it is none."""
    letters = _BETWEEN.sub("", text).upper().translate(_READ_AS)
    return letters if len(letters) == _LENGTH and all(letter in _LETTERS for letter in letters) else None


def hash_of(letters: str) -> str:
    """What is kept of a code. Takes some milliseconds.

    A plain hash of 40 bits is turned back in minutes by who reads the database, sooner than the code expires. This one takes years.
    """
    return hashlib.scrypt(letters.encode(), salt=b"nextshot link code", n=4096, r=8, p=1, dklen=32).hex()


def _linked(keys: Sequence[str], *, is_new: bool = True) -> Linked:
    return Linked(tuple(platform_of(key) for key in keys), is_new)


def _check_account(person: Person) -> None:
    """Raises RequestError: nobody in particular speaks under this key."""
    platform, _, user_id = person.key.partition(":")
    if platform in _WITHOUT_ACCOUNTS:
        raise RequestError(NO_ACCOUNT)
    if user_id.startswith("-"):  # Telegram's ids of groups and channels, in whose name people can speak
        raise RequestError(NOT_ONESELF)


def _check_platforms(me: str, maker: str, keys: Sequence[str]) -> None:
    """Raises RequestError: one person would have two accounts on a platform."""
    if platform_of(me) == platform_of(maker):
        raise RequestError("That code was given on this platform too; say it on the other platform.")
    platforms = [platform_of(key) for key in keys]
    twice = next((platform for platform in platforms if platforms.count(platform) > 1), None)
    if twice is not None:
        raise RequestError(
            f"You would have two accounts on {twice.capitalize()}, and one can be linked; /link off ends a link."
        )
