"""Cloud Storage, as far as results lie there. Pure."""

from __future__ import annotations

from urllib.parse import quote


def stored_url(storage_url: str, gs_uri: str) -> str:
    """Where an object `gs://bucket/name` can be loaded with a token: https://cloud.google.com/storage/docs/request-endpoints."""
    bucket, _, name = gs_uri.removeprefix("gs://").partition("/")
    return f"{storage_url}/{quote(bucket, safe='')}/{quote(name, safe='/')}"
