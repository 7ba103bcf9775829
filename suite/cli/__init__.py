"""The command line: a module here for each command. Plugins add more through `suite_commands`."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from typing import TextIO

import click

from suite.cli.group import Commands
from suite.cli.streams import never_fail_on_an_encoding, say
from suite.core import interrupt
from suite.core.errors import SuiteWarning, UserError
from suite.report.text import one_line, visible

BUILT_IN = {
    "run": ("suite.cli.run:run", "Compare methods and write the leaderboard."),
    "plan": ("suite.cli.run:plan", "Show what `run` would compute, and what is stored."),
    "stage": ("suite.cli.run:stage", "Make one stage of a run, and nothing else."),
    "score": ("suite.cli.score:score", "Score stored answers, or other tools' files."),
    "agreement": (
        "suite.cli.agreement:agreement",
        "Compare judges with people: kappa and raw agreement.",
    ),
    "report": ("suite.cli.stored:report", "Write a leaderboard again, or join several runs."),
    "export": (
        "suite.cli.export:export",
        "Write a run in other tools' formats, or a model of it.",
    ),
    "push": ("suite.cli.push:push", "Upload a model or a run's results to the hub."),
    "verify": ("suite.cli.stored:verify", "Check every file of the store against its manifest."),
    "store": (
        "suite.cli.store:store",
        "List, explain and remove what runs have left in the store.",
    ),
    "list": ("suite.cli.installed:list_", "List what can be compared; with NAME, all about one."),
    "plugins": (
        "suite.cli.installed:plugins",
        "List plugins: their origin, state and what is wrong.",
    ),
    "new": ("suite.cli.new:new", "Write a package with a new method, benchmark or judge."),
    "check": ("suite.cli.check:check", "Check that a plugin keeps the rules of the host."),
    "config": ("suite.cli.config:config", "Show the resolved configuration, or all settings."),
    "data": ("suite.cli.data:data", "Show what a benchmark reads in FOLDER, or its formats."),
    "doctor": (
        "suite.cli.doctor:doctor",
        "Check this machine: versions, device, memory, store, plugins.",
    ),
}
"""Name -> where the command is, and the first line of its help (a test compares them)."""


@click.group(
    cls=Commands, built_in=BUILT_IN, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="suite-compare", prog_name="suite")
def cli() -> None:
    """Compare ways of making a language model forget, and ways of aligning it.

    \b
    Start here (a tiny model, no network, a few minutes):
      suite run --methods ga,npo --bench tofu

    \b
    Then:
      suite list                                     what can be compared, on what
      suite list npo                                 one method: its equation, needs, settings
      suite plan --methods npo --bench tofu          what would be computed, what is there already
      suite run --methods npo,npo:beta=0.5 --set train.lr=5e-5 --seeds 0,1,2
      suite config show --set npo.beta=0.05 > run.toml && suite run --config run.toml
      suite report runs/a runs/b                     several runs in one leaderboard
      suite new method mine                          a package for a method of your own
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status.

    A user's mistake is one line, a bug is a traceback.
    """
    # Threads that spin while they wait halve the speed of a machine that others use too.
    # Torch reads this when it is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # The libraries' own bars; the run has its own progress.
    os.environ.setdefault("TQDM_DISABLE", "1")
    never_fail_on_an_encoding()
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            given = list(sys.argv[1:] if arguments is None else arguments)
            status = cli.main(given, prog_name="suite", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as help_text:
        click.echo(help_text.format_message(), err=True)
        return 2
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except UserError as error:
        return _fail(str(error), error.exit_status)
    except interrupt.Interrupted as signal:
        return _fail(f"interrupted ({signal}); the same command resumes", signal.exit_status)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted", 130)
    except BrokenPipeError:
        # The reader has gone, as with `suite list | head`. Python would complain when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return status if isinstance(status, int) else 0


def _fail(message: str, status: int) -> int:
    say(f"suite: error: {message}", err=True)
    return status


_python_warning = warnings.showwarning


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Show the suite's own warnings as one line; others as Python does."""
    if issubclass(category, SuiteWarning):
        print(one_line(f"suite: warning: {message}"), file=file or sys.stderr)
    else:
        _python_warning(visible(str(message)), category, filename, lineno, file, line)
