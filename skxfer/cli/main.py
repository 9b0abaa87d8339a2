"""The console command ``skxfer``: finds the subcommand, runs it, and turns errors into one line."""

import argparse
import contextlib
import importlib
import signal
import sys

from .._version import __version__
from . import options

# What is imported here is all that `skxfer --help` costs: the module of a command is imported to run it.
# Name of the command: its other names, what adds its options, where it is run, and its line in the help.
COMMANDS = {
    "study": (
        ["portability"],
        options.study,
        "skxfer.cli.study",
        "does data from other domains help to predict yours?",
    ),
    "fit": (
        [],
        options.fit,
        "skxfer.cli.fit",
        "choose, fit and save the best model for your rows",
    ),
    "predict": (
        [],
        options.predict,
        "skxfer.cli.predict",
        "predict a table with a saved model, row by row",
    ),
    "suggest": (
        [],
        options.suggest,
        "skxfer.cli.suggest",
        "which rows of a table to label next, and why",
    ),
    "show": (
        [],
        options.show,
        "skxfer.cli.show",
        "show what a saved model rests on, and what to expect of it",
    ),
    "check": (
        [],
        options.check,
        "skxfer.cli.check",
        "what does a table hold, and what is wrong with it?",
    ),
}


def main(argv=None):
    """Run the command.

    Parameters
    ----------
    argv : list of str, optional
        Arguments without the name of the program. Default: those of the process.

    Returns
    -------
    int
        Exit code: 0 done, 2 wrong usage or input, 130 interrupted (finished rows are written).
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    try:
        args = make_parser().parse_args(argv)
    except SystemExit as stop:  # argparse has printed help, version or the error
        return stop.code or 0
    try:
        with _terminate_like_ctrl_c():
            return importlib.import_module(args.module).run(args, argv)
    except KeyboardInterrupt:
        print("skxfer: interrupted", file=sys.stderr)
        return 130
    except (ValueError, OSError, ImportError) as error:
        print("skxfer: error: " + " ".join(str(error).split()), file=sys.stderr)
        return 2


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"skxfer: error: {message} (see {self.prog} --help)\n")


def make_parser():
    """Return the parser of the command and of all its subcommands."""
    parser = _Parser(prog="skxfer", description="Transfer learning for molecules and materials.")
    parser.add_argument("--version", action="version", version=f"skxfer {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command", dest="command")
    for name, (aliases, add_options, module, line) in COMMANDS.items():
        command = commands.add_parser(name, aliases=aliases, help=line)
        add_options(command)
        command.set_defaults(module=module)
    return parser


@contextlib.contextmanager
def _terminate_like_ctrl_c():
    """Let a batch system's SIGTERM end the command as Ctrl-C does: with what is finished written."""

    def interrupt(signum, frame):
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    sys.exit(main())
