"""`nextshot …`: the studio's commands in a terminal, and the server."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Annotated

import typer

from bot.logs import secrets_of, set_up_logging
from bot.settings import Settings, load_settings
from bot.terminal import backup, forgetting, jobs, looking, making, outbox, pots, steering
from bot.terminal import options as o
from bot.terminal.ending import NOTHING_CHANGED, run_to_its_end
from bot.terminal.voice import voice_for

app = typer.Typer(
    name="nextshot",
    help="Make a film shot by shot: create, continue, stitch.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> int:
    """Run one command and give its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # an old terminal cannot show every prompt
    try:
        code = app(standalone_mode=False)
    except typer.TyperException as error:
        return _usage(error)
    except typer.Abort:
        return 130
    return code if isinstance(code, int) else 0


def _usage(error: typer.TyperException) -> int:
    """What was typed cannot be understood: one sentence, or the help where nothing was typed at all."""
    sentence = error.format_message()
    if len(sys.argv) < 2:
        sys.stdout.write(f"{sentence}\n")
        return NOTHING_CHANGED
    ended = sentence if sentence.endswith("?") else f"{sentence.rstrip('. ')}."
    voice_for(as_json="--json" in sys.argv[1:]).wrong(f"{ended} See: nextshot --help", "UsageError")
    return NOTHING_CHANGED


def _version(wanted: bool) -> None:  # typer calls it so
    if wanted:
        sys.stdout.write(f"nextshot {version('nextshot')}\n")
        raise typer.Exit


@app.callback()
def _nextshot(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    return


_COMMANDS: Mapping[str, Callable[..., None]] = {
    "create": making.create,
    "continue": making.continue_story,
    "add": making.add,
    "stitch": making.stitch,
    "retake": making.retake,
    "edit": making.edit,
    "resume": making.resume,
    "cancel": steering.cancel,
    "again": making.again,
    "choose": steering.choose,
    "delete": steering.delete,
    "forget": forgetting.forget,
    "story": looking.story,
    "stories": looking.stories,
    "show": looking.show,
    "history": looking.history,
    "download": looking.download,
    "settings": steering.settings,
    "models": looking.models,
    "jobs": jobs.jobs,
    "backup": backup.backup,
    "restore": backup.restore,
}
for _name, _command in _COMMANDS.items():
    app.command(_name)(_command)


app.add_typer(pots.app, name="pot")
app.add_typer(outbox.outbox, name="outbox")


def _serve(*, host: str | None, port: int | None, browser: bool) -> None:
    voice = voice_for(as_json=False)
    opened: list[Settings] = []

    async def serve_it() -> None:
        from bot.serve import serve  # noqa: PLC0415  # see bot.terminal.perform

        settings = load_settings(web_host=host, web_port=port)
        opened.append(settings)
        set_up_logging(
            settings.log_level,
            settings.data_dir,
            to_stderr=True,
            shape=settings.log_format,
            secrets=secrets_of(settings),
        )
        await serve(settings, browser=browser)

    where = lambda: opened[0].data_dir if opened else None  # noqa: E731
    raise typer.Exit(run_to_its_end(serve_it, voice, where, ends_by_signal=True))


Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="0 picks a free one.", show_default="the setting, 8420")
]


@app.command()
def run(
    host: Annotated[str | None, typer.Option(help="Where to serve the page.", show_default="the setting")] = None,
    port: Port = None,
) -> None:
    """Serve everything that is set up, until Ctrl-C or SIGTERM."""
    _serve(host=host, port=port, browser=False)


@app.command()
def demo(
    port: Port = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")] = False,
) -> None:
    """Open the film studio in a browser on this machine."""
    _serve(host="127.0.0.1", port=port, browser=not no_open)


@app.command()
def doctor(as_json: o.AsJson = False) -> None:
    """Check this installation."""
    from bot.doctor.examine import examine  # noqa: PLC0415  # see bot.terminal.perform

    raise typer.Exit(examine(voice_for(as_json=as_json)))
