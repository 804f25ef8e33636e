"""One person on several platforms: codes, who can be joined, and what is one person's from then on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import linking
from engine.errors import NotAllowed, NotFound, RequestError
from engine.job_model import JobState
from engine.linking import CODE_LASTS_S, MISSES_MOST, Linked, Parted, hash_of, read_code
from engine.model import Asked, Create, Person
from tests.databases import ON_DISK, fresh_database
from tests.fakes.clock import FakeClock
from tests.house import House, opened_house

TEA, DEE, MAY = Person("telegram:1", "Tea"), Person("discord:2", "Dee"), Person("matrix:3", "May")
EVE = Person("discord:9", "Eve")
ROOM = "local:room"
WRONG = "ZZZZ-ZZZZ"


def asked(house: House, person: Person, place: str = ROOM) -> Asked:
    return house.asked(person, place)


async def code_of(house: House, person: Person) -> str:
    return await house.studio.link_code(asked(house, person))


async def link(house: House, one: Person, other: Person) -> Linked:
    return await house.studio.link(asked(house, other), await code_of(house, one))


async def identities(house: House, person: Person) -> list[str]:
    return list(await house.store.read(lambda tx: tx.identities(person.key)))


async def shot_by(house: House, person: Person) -> str:
    """The code of a finished shot that a person began a story with."""
    who = await house.studio.known(person)
    job = await house.studio.create(Create(asked=asked(house, who), prompt=f"by {person.key}"))
    await house.run(10)
    return job.subject


async def test_two_accounts_become_one_person(house: House) -> None:
    """The one who made the code; a second code of either finds them so."""
    assert await link(house, TEA, DEE) == Linked(("telegram", "discord"), is_new=True)
    assert await identities(house, DEE) == [TEA.key, DEE.key]
    for one, other in ((TEA, DEE), (DEE, TEA)):
        assert await link(house, one, other) == Linked(("telegram", "discord"), is_new=False)


async def test_the_one_person_speaks_under_the_name_of_where_it_speaks(house: House) -> None:
    """And with the rights that it has there."""
    await link(house, TEA, DEE)
    assert await house.studio.known(DEE) == Person(TEA.key, "Dee")
    operator = Person(DEE.key, "Dee", is_operator=True)
    assert await house.studio.known(operator) == Person(TEA.key, "Dee", is_operator=True)
    assert await house.studio.known(TEA) == TEA
    assert await house.studio.known(EVE) == EVE


async def test_what_both_made_is_one_person_s(house: House) -> None:
    """It may be deleted and stopped under either key, and shown anywhere, and nobody else gained anything."""
    by_tea, by_dee = await shot_by(house, TEA), await shot_by(house, DEE)
    with pytest.raises(NotAllowed):
        await house.studio.delete(asked(house, DEE), by_tea)
    await link(house, TEA, DEE)
    page = await house.studio.history(None, DEE.key)
    assert [item.shot_code for item in page.items] == [by_dee, by_tea]
    assert {item.person for item in page.items} == {Person(TEA.key, "Dee")}
    who = await house.studio.known(DEE)
    await house.studio.show("local:elsewhere", by_tea, who.key)
    assert await house.studio.delete(asked(house, who), by_tea) == by_tea
    with pytest.raises(NotAllowed):
        await house.studio.delete(asked(house, EVE), by_dee)
    assert await house.studio.delete(asked(house, TEA), by_dee) == by_dee


async def test_a_render_under_way_is_the_one_person_s(house: House) -> None:
    """It was begun under one key, the accounts are linked, and it is finished, or stopped under the other."""
    house.provider.finishes_at_check = 20
    first = await house.studio.create(Create(asked=asked(house, DEE), prompt="a lamp"))
    await house.run(2)
    (held,) = [job for job in await house.studio.jobs(ROOM) if job.state is JobState.RENDERING]
    await link(house, TEA, DEE)
    second = await house.studio.create(Create(asked=asked(house, DEE), prompt="a fox"))  # it was known before the join
    assert second.person.key == TEA.key
    stopped = await house.studio.cancel(asked(house, TEA), second.subject)
    assert stopped.state is JobState.CANCELLED
    await house.run(60)
    assert (await house.job(first.id)).state in {JobState.READY, JobState.DELIVERED}
    assert held.person.key == DEE.key
    assert len((await house.studio.history(None, TEA.key)).items) == 1


async def test_a_code_is_read_as_people_type_it(house: House) -> None:
    """Any case, with dashes, spaces or none, and with the letters that look like its own."""
    code = await code_of(house, TEA)
    assert read_code(code) == code.replace("-", "")
    assert len(code) == 9
    for typed in (
        code.lower(),
        code.replace("-", ""),
        code.replace("-", " — "),
        code.replace("0", "o").replace("1", "l"),
    ):
        assert read_code(typed) == read_code(code)
    for typed in ("", "K7QM", "K7QM-2XPDA", "K7QM-2XP!", "K7QM-2XPU", "лампа", "K7QM2XP\u0662"):
        assert read_code(typed) is None
        with pytest.raises(NotFound, match="is no code; one looks like"):
            await house.studio.link(asked(house, DEE), typed)


async def test_a_code_is_kept_as_its_hash_alone(house: House) -> None:
    """The code itself stands in no row."""
    code = await code_of(house, TEA)
    letters = code.replace("-", "")
    assert await house.store.read(lambda tx: tx.link_code(letters)) is None
    assert await house.store.read(lambda tx: tx.link_code(hash_of(letters))) is not None


async def test_a_code_works_once(house: House) -> None:
    """Whoever comes second hears so."""
    code = await code_of(house, TEA)
    await house.studio.link(asked(house, DEE), code)
    with pytest.raises(NotFound, match="unknown, was used or has expired"):
        await house.studio.link(asked(house, MAY), code)
    assert await identities(house, MAY) == [MAY.key]


async def test_a_new_code_replaces_the_older_one(house: House) -> None:
    """Only of the identity that asks."""
    other, old, new = await code_of(house, MAY), await code_of(house, TEA), await code_of(house, TEA)
    with pytest.raises(NotFound):
        await house.studio.link(asked(house, DEE), old)
    assert (await house.studio.link(asked(house, DEE), new)).is_new
    assert (await house.studio.link(asked(house, DEE), other)).is_new


async def test_the_codes_of_both_end_with_a_join(house: House) -> None:
    """What was given to the one who was joined would now join to somebody else."""
    forgotten = await code_of(house, DEE)
    await link(house, TEA, DEE)
    with pytest.raises(NotFound):
        await house.studio.link(asked(house, MAY), forgotten)


@pytest.mark.parametrize(("after_s", "works"), [(CODE_LASTS_S - 1, True), (CODE_LASTS_S, False)])
async def test_a_code_expires(house: House, after_s: float, works: bool) -> None:
    """After ten minutes."""
    code = await code_of(house, TEA)
    house.clock.advance(after_s)
    if works:
        assert (await house.studio.link(asked(house, DEE), code)).is_new
        return
    with pytest.raises(NotFound, match="has expired"):
        await house.studio.link(asked(house, DEE), code)


async def test_a_code_survives_a_restart(tmp_path: Path, clock: FakeClock) -> None:
    """It is in the database."""
    url = f"sqlite:///{tmp_path / 'nextshot.db'}"
    async with opened_house(tmp_path, clock, url=url) as house:
        code = await code_of(house, TEA)
    async with opened_house(tmp_path, clock, url=url) as house:
        assert (await house.studio.link(Asked("later", ROOM, DEE), code)).is_new


async def test_one_s_own_code_is_refused(house: House) -> None:
    """And works on the other platform afterwards."""
    code = await code_of(house, TEA)
    with pytest.raises(RequestError, match=r"^That code is your own; say it to the bot on the other platform\.$"):
        await house.studio.link(asked(house, TEA), code)
    assert (await house.studio.link(asked(house, DEE), code)).is_new


async def test_two_accounts_of_one_platform_stay_two(house: House) -> None:
    """Neither straight, nor by a detour over a third."""
    with pytest.raises(RequestError, match="given on this platform too; say it on the other platform"):
        await link(house, EVE, DEE)
    await link(house, TEA, DEE)
    for one, other in ((TEA, EVE), (EVE, TEA)):
        with pytest.raises(RequestError, match="two accounts on Discord, and one can be linked; /link off"):
            await link(house, one, other)
    assert await identities(house, TEA) == [TEA.key, DEE.key]
    assert await identities(house, EVE) == [EVE.key]


async def test_a_third_platform_can_be_joined(house: House) -> None:
    """From any of the two, and to a person of two."""
    await link(house, TEA, DEE)
    assert await link(house, DEE, MAY) == Linked(("telegram", "discord", "matrix"), is_new=True)
    await house.studio.unlink(asked(house, TEA))
    await link(house, TEA, DEE)
    assert await link(house, MAY, DEE) == Linked(("matrix", "telegram", "discord"), is_new=True)
    assert await identities(house, DEE) == [MAY.key, TEA.key, DEE.key]


@pytest.mark.parametrize("key", ["local:ana", "cli:root"])
async def test_who_has_no_account_is_not_linked(house: House, key: str) -> None:
    """The page and the terminal know nobody; a code may still be used elsewhere."""
    code = await code_of(house, TEA)
    nobody = Person(key, "Ana")
    with pytest.raises(RequestError, match="there are none here"):
        await code_of(house, nobody)
    with pytest.raises(RequestError, match="there are none here"):
        await house.studio.link(asked(house, nobody), code)
    assert await house.studio.known(nobody) is nobody
    assert (await house.studio.link(asked(house, DEE), code)).is_new


async def test_who_speaks_as_a_group_is_not_linked(house: House) -> None:
    """Several people would be one."""
    with pytest.raises(RequestError, match=r"^Say it as yourself"):
        await code_of(house, Person("telegram:-10042", "The group"))


async def test_a_refusal_changes_nothing(house: House) -> None:
    """The same update may come again, once it can be done."""
    code = await code_of(house, TEA)
    mine = asked(house, TEA)
    for _ in range(2):
        with pytest.raises(RequestError, match="your own"):
            await house.studio.link(mine, code)
    assert await house.store.write(lambda tx: tx.first_time(mine.key))
    assert await identities(house, TEA) == [TEA.key]


async def test_the_same_update_joins_once(house: House) -> None:
    """It is told so both times, and undoes nothing that came after."""
    update, code = asked(house, DEE), await code_of(house, TEA)
    assert await house.studio.link(update, code) == await house.studio.link(update, code)
    off = asked(house, DEE)
    await house.studio.unlink(off)
    with pytest.raises(NotFound, match="unknown, was used"):
        await house.studio.link(update, code)
    await link(house, TEA, DEE)
    with pytest.raises(NotFound, match="not linked"):
        await house.studio.unlink(off)
    assert await identities(house, DEE) == [TEA.key, DEE.key]


async def test_who_guesses_is_not_listened_to(house: House) -> None:
    """After ten wrong codes not even to a right one, until they are old; others are."""
    right = await code_of(house, TEA)
    for _ in range(MISSES_MOST):
        with pytest.raises(NotFound):
            await house.studio.link(asked(house, EVE), WRONG)
    with pytest.raises(NotAllowed, match=r"^Too many wrong codes; wait 10 minutes and try again\.$"):
        await house.studio.link(asked(house, EVE), right)
    assert (await house.studio.link(asked(house, DEE), right)).is_new
    house.clock.advance(linking.MISSES_WITHIN_S)
    assert (await link(house, MAY, EVE)).is_new


async def test_the_same_wrong_update_counts_once(house: House) -> None:
    """It may be handed over again after a crash."""
    update = asked(house, EVE)
    for _ in range(MISSES_MOST + 2):
        with pytest.raises(NotFound):
            await house.studio.link(update, WRONG)
    assert (await link(house, TEA, EVE)).is_new


async def test_a_word_that_is_no_code_is_no_guess(house: House) -> None:
    """Nothing was looked up."""
    for _ in range(MISSES_MOST + 2):
        with pytest.raises(NotFound, match="“please” is no code"):
            await house.studio.link(asked(house, EVE), "please")
    assert (await link(house, TEA, EVE)).is_new


async def test_a_link_can_be_undone(house: House) -> None:
    """By either; what was made stays with the one person, and the other begins anew."""
    for speaker in (DEE, TEA):
        before = len((await house.studio.history(None, TEA.key)).items)
        made = await shot_by(house, DEE)
        await link(house, TEA, DEE)
        assert await house.studio.unlink(asked(house, speaker)) == Parted(("discord",), "telegram")
        assert (await house.studio.history(None, DEE.key)).items == ()
        mine = (await house.studio.history(None, TEA.key)).items
        assert mine[0].shot_code == made
        assert len(mine) == before + 1
        assert await house.studio.known(DEE) == DEE
    with pytest.raises(NotFound, match="not linked; /link begins it"):
        await house.studio.unlink(asked(house, TEA))


async def test_only_who_asks_is_parted(house: House) -> None:
    """A third one stays."""
    await link(house, TEA, DEE)
    await link(house, TEA, MAY)
    await house.studio.unlink(asked(house, DEE))
    assert await identities(house, MAY) == [TEA.key, MAY.key]
    assert await identities(house, DEE) == [DEE.key]


@pytest.fixture(params=[*ON_DISK, "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with fresh_database(request.param, tmp_path) as fresh:
        yield fresh


async def test_one_of_many_who_say_a_code_at_once_wins(url: str, tmp_path: Path, clock: FakeClock) -> None:
    """The others hear that it was used."""
    async with opened_house(tmp_path, clock, url=url) as house:
        code = await code_of(house, TEA)
        people = [Person(f"discord:{number}", "Dee") for number in range(20, 28)]
        outcomes = await asyncio.gather(
            *(house.studio.link(asked(house, each), code) for each in people), return_exceptions=True
        )
        assert sorted(type(each).__name__ for each in outcomes) == ["Linked"] + ["NotFound"] * 7
        (winner,) = (
            person for person, each in zip(people, outcomes, strict=True) if not isinstance(each, BaseException)
        )
        assert await identities(house, TEA) == [TEA.key, winner.key]


async def test_two_who_say_each_other_s_code_at_once_are_one(url: str, tmp_path: Path, clock: FakeClock) -> None:
    """Whichever came first; neither is joined to the other in a circle."""
    async with opened_house(tmp_path, clock, url=url) as house:
        by_tea, by_dee = await code_of(house, TEA), await code_of(house, DEE)
        await asyncio.gather(
            house.studio.link(asked(house, DEE), by_tea),
            house.studio.link(asked(house, TEA), by_dee),
            return_exceptions=True,
        )
        assert await identities(house, TEA) == await identities(house, DEE)
        assert len(await identities(house, TEA)) == 2
