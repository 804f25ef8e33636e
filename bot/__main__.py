"""`nextshot` and `python -m bot`."""

from __future__ import annotations

import importlib.util
import sys

_NEEDED = ("aiohttp", "httpx", "pydantic_settings", "rich", "typer")


def main() -> None:
    """Run the command line, or say what has to be installed for it."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        sys.stderr.write(f"The command line needs {', '.join(missing)}: pip install 'nextshot[bot]'\n")
        sys.exit(2)
    from bot import cli  # noqa: PLC0415  # not before it is known that it can be

    sys.exit(cli.main())


if __name__ == "__main__":
    main()
