"""All checks, one after the other."""

from __future__ import annotations

from bot.doctor.chats import check_discord
from bot.doctor.data import check_database, check_directory, check_holder, check_keeping, check_sqlite
from bot.doctor.finding import Check, Finding, Level, ok, problem, warning
from bot.doctor.machine import check_fonts, check_media, check_port, check_providers, check_python
from bot.doctor.work import check_work
from bot.setting_sources import exposed_secrets
from bot.settings import Settings, SettingsError, load_settings
from bot.terminal.rows import Row
from bot.terminal.voice import Voice
from engine.errors import EngineError

CHECKS: dict[str, Check] = {
    "data": check_directory,
    "lock": check_holder,
    "sqlite": check_sqlite,
    "database": check_database,
    "work": check_work,
    "keeping": check_keeping,
    "providers": check_providers,
    "media": check_media,
    "fonts": check_fonts,
    "port": check_port,
    "discord": check_discord,
}


def examine(voice: Voice) -> int:
    """Say every finding and give the exit code: 2 if there is a problem, else 0."""
    found = [("python", finding) for finding in check_python()]
    try:
        settings = load_settings()
    except SettingsError as error:
        found += [("settings", problem(sentence)) for sentence in error.problems]
    else:
        found.append(("settings", ok("All settings can be used.")))
        found += [("settings", warning(sentence)) for sentence in exposed_secrets()]
        for name, check in CHECKS.items():
            found += [(name, finding) for finding in guarded(check, settings)]
    rows: list[Row] = [{"level": str(finding.level), "check": name, "says": finding.says} for name, finding in found]
    voice.rows(rows, ("level", "check", "says"))
    return 2 if any(finding.level is Level.PROBLEM for _, finding in found) else 0


def guarded(check: Check, settings: Settings) -> list[Finding]:
    """What a check finds. One that breaks is a finding too, and the others go on."""
    found: list[Finding] = []
    try:
        found.extend(check(settings))
    except EngineError as error:
        found.append(problem(str(error)))
    except Exception as error:  # noqa: BLE001  # whatever is wrong with this machine, the person reads all of it
        found.append(problem(f"This could not be checked ({type(error).__name__}: {error}); please report it."))
    return found
