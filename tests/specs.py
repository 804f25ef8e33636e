"""Where the machine-readable contracts of other services are, if they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def specs_folder() -> Path:
    """The folder that `NEXTSHOT_SPECS` names, or `../shared/specs` beside the repository; it may be absent."""
    return Path(os.environ.get("NEXTSHOT_SPECS") or ROOT / ".." / "shared" / "specs").resolve()


def spec(name: str) -> Path | None:
    """One contract file, or None where it is absent."""
    path = specs_folder() / name
    return path if path.is_file() else None


def needed_spec(name: str) -> Path:
    """One contract file; skips the test where it is absent."""
    path = spec(name)
    if path is None:
        pytest.skip(f"{name} is not there: NEXTSHOT_SPECS names the folder of the contracts")
    return path
