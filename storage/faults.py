"""One place that turns what a database or a disk says into an error of ours, as a sentence for a person."""

from __future__ import annotations

import errno
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError, InterfaceError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from engine.errors import Defect, DiskFull, EngineError, StorageUnavailable

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def told(error: Exception, where: str) -> Exception:
    """The error of ours for one of SQLAlchemy's, a driver's or the system's. `where` names the database, without a password.

    Any other error is given back as it is.
    """
    ours = _ours(error, where)
    if ours is None:
        return error
    ours.__cause__ = error
    return ours


@contextmanager
def telling(where: str) -> Iterator[None]:
    """Raises what is `told` instead of what comes from below."""
    try:
        yield
    except Exception as error:
        ours = _ours(error, where)
        if ours is None:
            raise
        raise ours from error


def _ours(error: Exception, where: str) -> EngineError | None:
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return _of_sqlite(cause, where)
    if isinstance(cause, psycopg.Error):
        return _of_postgres(cause, where)
    if isinstance(cause, OSError):
        return disk_error(cause, where)
    if isinstance(error, (PoolTimeout, InterfaceError)):
        return StorageUnavailable(f"The database {where} did not answer in time; try again.")
    if isinstance(error, SQLAlchemyError):
        return Defect(f"The database {where} was asked something wrong ({_short(error)}); please report this.")
    return None


def disk_error(error: OSError, where: str) -> DiskFull | StorageUnavailable:
    """The error of ours for a file or directory `where` that the system would not read or write."""
    if error.errno in _FULL:
        return DiskFull(f"The disk that holds {where} is full; make room on it and try again.")
    if error.errno in (errno.EACCES, errno.EPERM):
        return StorageUnavailable(f"{where} may not be written by this user; change its owner or its permissions.")
    if error.errno == errno.EROFS:
        return StorageUnavailable(
            f"{where} is on a disk that is read-only; make it writable or choose another directory."
        )
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST):
        return StorageUnavailable(f"{where} cannot be used ({error.strerror}); check that this path is right.")
    return StorageUnavailable(f"{where} could not be read or written ({error.strerror or error}); check the disk.")


def _of_sqlite(error: sqlite3.Error, where: str) -> EngineError:
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    text = str(error).lower()
    if code == sqlite3.SQLITE_FULL:
        return DiskFull(f"The disk that holds the database {where} is full; make room on it and try again.")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StorageUnavailable(
            f"The database {where} is locked by another program; close that program and try again."
        )
    if code == sqlite3.SQLITE_CANTOPEN:
        return StorageUnavailable(
            f"The database {where} cannot be opened; check that its directory exists and is writable."
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return StorageUnavailable(f"The database {where} is read-only; make the file and its directory writable.")
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return StorageUnavailable(
            f"{where} is damaged or not a database; move it away, or put back a copy of it that is whole."
        )
    if code == sqlite3.SQLITE_IOERR:
        return StorageUnavailable(f"The database {where} could not be read or written ({text}); check the disk.")
    if isinstance(error, sqlite3.ProgrammingError) and "closed" in text:
        return StorageUnavailable(f"The database {where} is closed.")
    return Defect(f"The database {where} was asked something wrong ({_short(error)}); please report this.")


def _of_postgres(error: psycopg.Error, where: str) -> EngineError:
    state = error.sqlstate or ""
    text = str(error)
    if state in ("28P01", "28000") or "authentication failed" in text or "no password supplied" in text:
        return StorageUnavailable(
            f"PostgreSQL at {where} refused the user name or the password; check NEXTSHOT_DATABASE_URL."
        )
    if state == "3D000" or re.search(r'database ".*" does not exist', text):
        return StorageUnavailable(
            f"PostgreSQL at {where} has no such database; create it, or check NEXTSHOT_DATABASE_URL."
        )
    if state in ("53100", "53200"):
        return DiskFull(f"PostgreSQL at {where} has no room left; make room on its disk and try again.")
    if state in ("40001", "40P01", "55P03"):
        return StorageUnavailable(f"The database {where} is too busy for this; try again.")
    if state == "25P03":
        return StorageUnavailable(
            f"PostgreSQL at {where} ended what this process had begun and left for long; it is done again."
        )
    if state == "42501":
        return StorageUnavailable(f"This user of PostgreSQL at {where} may not write; grant it the right to.")
    if state == "25006":
        return StorageUnavailable(f"PostgreSQL at {where} is read-only; connect to the server that takes writes.")
    if isinstance(error, psycopg.OperationalError):
        return StorageUnavailable(f"PostgreSQL at {where} cannot be reached; check that it runs and takes connections.")
    return Defect(f"The database {where} was asked something wrong ({_short(error)}); please report this.")


def _short(error: Exception) -> str:
    """The first line, without the statement and its values, which may hold somebody's words."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return f"{type(cause).__name__}: {str(cause).splitlines()[0] if str(cause) else 'no message'}"
