"""Looks for secrets in every file that is tracked: `python -m tests.secret_scan` ends with 1 where it finds one.

The formats of keys are those of detect-secrets, and those of our own services beside them. Words that only look random are no
findings: what has no format is recognised by the setting that it is given to.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from detect_secrets.plugins import (
    aws,
    basic_auth,
    discord,
    github_token,
    gitlab_token,
    jwt,
    npm,
    openai,
    private_key,
    pypi_token,
    slack,
    stripe,
    telegram_token,
)

ROOT = Path(__file__).parents[1]
KNOWN = Path(__file__).with_name("secrets_known.txt")
"""What looks like one and is none: a line each of its kind, the first 16 digits of its sha256, and why."""
_VALUE = r"""["']?([^\s"'<>{}$…*#,;)]{8,})"""
OURS: Mapping[str, re.Pattern[str]] = {
    "xAI key": re.compile(r"\bxai-[A-Za-z0-9]{40,}"),
    "Google key": re.compile(r"\bAIza[\w-]{35}"),
    "fal key": re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9a-f]{32}\b"),
    "Runway key": re.compile(r"\bkey_[0-9a-f]{64,}"),
    "getimg key": re.compile(r"\bkey-[A-Za-z0-9]{40,}"),
    "OpenAI key": re.compile(r"\bsk-(?:proj-|svcacct-)?[\w-]{32,}"),
    "Telegram token": re.compile(r"\b\d{6,12}:AA[\w-]{33}\b"),
    "Discord token": re.compile(r"\b[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,}"),
    "secret setting": re.compile(rf"\bNEXTSHOT_\w*(?:KEY|TOKEN|PASSWORD)\s*[=:]\s*{_VALUE}"),
    "secret in a table": re.compile(
        rf"^(?:telegram_token|discord_token|web_password|key|secret)\s*=\s*{_VALUE}", re.MULTILINE
    ),
}
_THEIRS = (
    aws.AWSKeyDetector(),
    basic_auth.BasicAuthDetector(),
    discord.DiscordBotTokenDetector(),
    github_token.GitHubTokenDetector(),
    gitlab_token.GitLabTokenDetector(),
    jwt.JwtTokenDetector(),
    npm.NpmDetector(),
    openai.OpenAIDetector(),
    private_key.PrivateKeyDetector(),
    pypi_token.PypiTokenDetector(),
    slack.SlackDetector(),
    stripe.StripeDetector(),
    telegram_token.TelegramBotTokenDetector(),
)


def found_in(text: str) -> Iterator[tuple[str, str, int]]:
    """Kind, secret and line of everything in this text that looks like one."""
    for kind, pattern in OURS.items():
        for match in pattern.finditer(text):
            yield kind, match[match.lastindex or 0], text.count("\n", 0, match.start()) + 1
    for number, line in enumerate(text.splitlines(), 1):
        for plugin in _THEIRS if len(line) < 4_000 and _MAY_BE.search(line) else ():
            for secret in plugin.analyze_string(line):
                yield plugin.secret_type, secret, number


_MAY_BE = re.compile(r"[\w/+=.:-]{16}|PRIVATE KEY|://[^\s/]*@")
"""Most lines hold nothing that could be one, and thirteen plugins take their time."""


def findings(paths: Iterable[Path]) -> list[str]:
    """A line for each secret that is not known to be none; the secret itself is not in it."""
    known = {tuple(line.split()[:2]) for line in KNOWN.read_text().splitlines() if line.strip()}
    found = []
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
        name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
        for kind, secret, line in found_in(text):
            digest = hashlib.sha256(secret.encode()).hexdigest()[:16]
            word = kind.replace(" ", "-").lower()
            if (word, digest) not in known:
                found.append(f"{name} {word} {digest} line {line}")
    return sorted(set(found))


def tracked() -> list[Path]:
    """Every file that git knows, and every new one that it would."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name]


if __name__ == "__main__":
    said = findings(tracked())
    for sentence in said:
        print(f"This looks like a secret: {sentence}. If it is none, say so in {KNOWN.name}.")
    sys.exit(1 if said else 0)
