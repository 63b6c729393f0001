"""The ``tuner`` command. A subcommand's module is imported when it is called, so that ``tuner --help`` is quick."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import click

from tuner.core.errors import InvalidInput, TunerError

DONE, FAILED, BAD_USAGE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: 2 also for a study file that is not valid, 128 plus the signal's number when interrupted."""


@dataclass(frozen=True)
class Lazy:
    """A subcommand that is not imported yet."""

    module: str
    summary: str


COMMANDS: Mapping[str, Lazy] = {
    "run": Lazy("run", "Tune what a study file says, on this machine: server and worker in one command."),
    "serve": Lazy("serve", "Run the server."),
    "worker": Lazy("worker", "Run a worker on this device."),
    "submit": Lazy("submit", "Submit a study file to a server."),
    "list": Lazy("studies", "List studies."),
    "show": Lazy("studies", "Show a study: what it is, where it stands, what it found."),
    "trials": Lazy("trials", "List the trials of a study, or show one."),
    "best": Lazy("trials", "Show the best configurations of a study and its final check."),
    "watch": Lazy("watch", "Follow a study until it ends."),
    "events": Lazy("watch", "Print what happened in a study."),
    "pause": Lazy("steer", "Let a study rest."),
    "resume": Lazy("steer", "Let a paused study go on."),
    "cancel": Lazy("steer", "End a study; what was measured stays."),
    "workers": Lazy("workers", "List the workers that a server knows."),
    "doctor": Lazy("doctor", "Show what this device offers, and why something is not available."),
    "validate": Lazy("validate", "Check a study file."),
    "schema": Lazy("validate", "Print the JSON Schema of study files, for editors."),
    "db": Lazy("db", "Look after the database."),
}


class Commands(click.Group):
    """The group of all subcommands; turns this project's errors into messages and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"tuner.cli.{COMMANDS[cmd_name].module}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.summary) for name, lazy in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except InvalidInput as error:
            for problem in error.problems:
                click.echo(str(problem), err=True)
            ctx.exit(BAD_USAGE)
        except TunerError as error:
            click.echo(f"tuner: {error}", err=True)
            ctx.exit(FAILED)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="mlsys-tuner", prog_name="tuner")
def main() -> None:
    """Find the best configuration of a machine-learning system on the machine it runs on.

    Start with `tuner doctor`, then `tuner run study.yaml`.
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character is no reason to stop.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


if __name__ == "__main__":
    main()
