"""The product's statements on a plain SQLite connection: compiled by SQLAlchemy, without its pools, threads and results.

An engine of SQLAlchemy spends most of a short statement's time on what a connection in memory has no use for.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.engine.row import Row
from sqlalchemy.exc import DBAPIError, NoResultFound

DIALECT = SQLiteDialect_aiosqlite(paramstyle="named")


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is known of one compiled statement."""

    compiled: Any
    """Kept, so that no other one gets its id."""
    binds: Sequence[tuple[str, int | None, Any]] | None
    """By name of a parameter: where its value is in what was extracted, or itself where it is nowhere. None: ask SQLAlchemy."""
    writers: Mapping[str, Any]
    names: Sequence[str]
    readers: Sequence[tuple[int, Any]]
    meta: SimpleResultMetaData


class Found:
    """What a statement gave: the part of sqlalchemy.CursorResult that the store asks for."""

    __slots__ = ("_plan", "_rows", "rowcount")

    def __init__(self, plan: _Plan, rows: list[Any], rowcount: int) -> None:
        self._plan = plan
        self._rows = rows
        self.rowcount = rowcount

    def __iter__(self) -> Iterator[Any]:
        meta = self._plan.meta
        return (Row(meta, None, meta._key_to_index, row) for row in self._rows)

    def all(self) -> list[Any]:
        return list(self)

    def keys(self) -> Sequence[str]:
        return self._plan.names

    def mappings(self) -> _Values:
        names = self._plan.names
        return _Values([_Cells(zip(names, row, strict=True)) for row in self._rows])

    def scalars(self) -> _Values:
        return _Values([row[0] for row in self._rows])

    def scalar(self) -> Any:
        return self._rows[0][0] if self._rows else None


@dataclass(frozen=True)
class Changed:
    """The part of sqlalchemy.CursorResult that is asked for where nothing is read."""

    rowcount: int


class _Cells(dict[str, Any]):
    """As sqlalchemy.RowMapping, which gives a cell as an attribute too."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


class _Values(list[Any]):
    def all(self) -> list[Any]:
        return self

    def first(self) -> Any:
        return self[0] if self else None

    def one(self) -> Any:
        if len(self) != 1:
            raise NoResultFound(f"{len(self)} rows where there is to be one")
        return self[0]


class DirectConnection:
    """The part of sqlalchemy.ext.asyncio.AsyncConnection that transactions ask for."""

    dialect = DIALECT

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        self._compiled: dict[Any, Any] = {}
        self._plans: dict[int, _Plan] = {}

    async def execute(self, statement: Executable, values: Any = None) -> Found:
        """Raises what SQLAlchemy would."""
        groups: Sequence[Mapping[str, Any]] = values if isinstance(values, list) else [values or {}]
        compiled, extracted, collected, _ = statement._compile_w_cache(
            DIALECT,
            compiled_cache=self._compiled,
            column_keys=sorted(groups[0]),
            for_executemany=len(groups) > 1,
        )
        plan = self._plans.get(id(compiled))
        if plan is None:
            plan = self._plans[id(compiled)] = _plan(compiled)
        rows: list[Any] = []
        changed = 0
        for number, group in enumerate(groups):
            text, cells = _filled(plan, group, number, extracted, collected)
            try:
                cursor = self._raw.execute(text, cells)
                rows += cursor.fetchall()
            except sqlite3.Error as error:
                raise DBAPIError.instance(text, None, error, sqlite3.Error, dialect=DIALECT) from error
            changed += cursor.rowcount
        if plan.readers and rows:
            rows = [_read(row, plan.readers) for row in rows]
        return Found(plan, rows, changed)

    async def exec_driver_sql(self, text: str, groups: Sequence[Any]) -> Changed:
        """Raises what SQLAlchemy would."""
        try:
            return Changed(sum(self._raw.execute(text, group).rowcount for group in groups))
        except sqlite3.Error as error:
            raise DBAPIError.instance(text, None, error, sqlite3.Error, dialect=DIALECT) from error


def _read(row: Sequence[Any], readers: Sequence[tuple[int, Any]]) -> Sequence[Any]:
    cells = list(row)
    for at, read in readers:
        cells[at] = read(cells[at])
    return cells


def _filled(
    plan: _Plan, values: Mapping[str, Any], number: int, extracted: Any, collected: Any
) -> tuple[str, dict[str, Any]]:
    """The text for SQLite, and what stands for its parameters."""
    compiled = plan.compiled
    cells: dict[str, Any]
    if plan.binds is not None and not values and not collected:
        cells = {name: (alone if at is None else extracted[at]).effective_value for name, at, alone in plan.binds}
    else:
        cells = compiled.construct_params(
            values or None,
            escape_names=False,
            extracted_parameters=extracted,
            _group_number=number if values else None,
            _collected_params=collected,
        )
    text, writers = compiled.string, plan.writers
    if compiled.literal_execute_params or compiled.post_compile_params:
        expanded = compiled._process_parameters_for_postcompile(cells)
        text, writers = expanded.statement, {**writers, **expanded.processors}
        cells.update(expanded.additional_parameters)
    for name, write in writers.items():
        if name in cells:
            cells[name] = write(cells[name])
    return text, cells


def _plan(compiled: Any) -> _Plan:
    assert not [*compiled.insert_prefetch, *compiled.update_prefetch], "a column has a default of Python's"
    columns = compiled._result_columns
    names = [each.keyname for each in columns]
    read = [each.type._cached_result_processor(DIALECT, None) for each in columns]
    return _Plan(
        compiled,
        _binds(compiled),
        compiled._bind_processors,
        names,
        [(at, each) for at, each in enumerate(read) if each is not None],
        SimpleResultMetaData(names, extra=[each.objects for each in columns]),
    )


def _binds(compiled: Any) -> Sequence[tuple[str, int | None, Any]] | None:
    """As `SQLCompiler.construct_params` finds them, found once."""
    if compiled.cache_key is None or any(bind.required for bind in compiled.bind_names):
        return None
    matches, _ = compiled._cache_key_bind_match
    places = {bind: at for at, each in enumerate(compiled.cache_key[1]) for bind in matches[each]}
    return [(name, places.get(bind), bind) for bind, name in compiled.bind_names.items()]
