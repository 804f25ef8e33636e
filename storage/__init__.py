"""Where everything is kept: rows in SQLite or PostgreSQL, files on the disk."""

from storage.files import LocalFiles
from storage.inbox import Inbox, Kept
from storage.lock import DirectoryLock, read_holder
from storage.sent_files import SentFiles
from storage.sqlite import sqlite_has_wal_reset_bug
from storage.store import SqlStore, open_store, opened_store
from storage.transcript import Post, Transcript

__all__ = [
    "DirectoryLock",
    "Inbox",
    "Kept",
    "LocalFiles",
    "Post",
    "SentFiles",
    "SqlStore",
    "Transcript",
    "open_store",
    "opened_store",
    "read_holder",
    "sqlite_has_wal_reset_bug",
]
