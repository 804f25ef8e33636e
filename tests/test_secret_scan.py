"""The scan for secrets finds a key of each of our kinds, in whatever file it is left, and names the place without the key."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.secret_scan import findings

ALL = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
BEGIN = "-----BEGIN "
HEAD = "eyJhbGciOiJSUzI1NiJ9"


def some(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


KEYS: dict[str, Callable[[], str]] = {
    "telegram": lambda: f"7{some(string.digits, 8)}:AA{some(ALL, 33)}",
    "discord": lambda: f"M{some(ALL, 25)}.G{some(ALL, 5)}.{some(ALL, 38)}",
    "xai": lambda: f"xai-{some(ALL, 80)}",
    "google": lambda: f"AIza{some(ALL, 35)}",
    "openai": lambda: f"sk-proj-{some(ALL, 48)}",
    "fal": lambda: f"{some(HEX, 8)}-{some(HEX, 4)}-{some(HEX, 4)}-{some(HEX, 4)}-{some(HEX, 12)}:{some(HEX, 32)}",
    "runway": lambda: f"key_{some(HEX, 128)}",
    "getimg": lambda: f"key-{some(ALL, 64)}",
    "minimax": lambda: f"{HEAD}.eyJzdWIiOiIxIn0.{some(ALL, 86)}",
    "kie": lambda: f"NEXTSHOT_KIE_KEY={some(HEX, 32)}",
    "password": lambda: f"NEXTSHOT_WEB_PASSWORD={some(ALL, 12)}",
    "database": lambda: f"postgresql://nextshot:{some(ALL, 12)}@db.example.org/nextshot",
    "toml": lambda: f'web_password = "{some(ALL, 12)}"',
    "service account": lambda: f'"private_key": "{BEGIN}PRIVATE KEY-----\\nMIIE"',
    "aws": lambda: f"AKIA{some(string.ascii_uppercase, 16)}",
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_that_was_left_in_a_file_is_found(kind: str, tmp_path: Path) -> None:
    """Whatever stands around it."""
    key = KEYS[kind]()
    for name, text in (("a.py", f'KEY = "{key}"\n'), ("b.md", f"Hello\n\n{key}\n"), ("c.yml", f"  - {key}\n")):
        if kind == "toml" and name != "b.md":
            continue
        path = tmp_path / name
        path.write_text(text)
        found = findings([path])
        assert found, (name, kind)
        assert all(each.startswith(f"{name} ") for each in found)
        assert not [each for each in found if key in each]


def test_what_is_no_secret_is_none(tmp_path: Path) -> None:
    """Hashes, placeholders, addresses without a password."""
    path = tmp_path / "a.md"
    path.write_text(
        f"{some(HEX, 64)} NEXTSHOT_TELEGRAM_TOKEN=… NEXTSHOT_XAI_KEY=$KEY postgresql://host/name key-value sk-1 xai-key\n"
    )
    assert findings([path]) == []
