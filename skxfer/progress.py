"""A progress bar for long work, with the time left."""

import importlib.util
from contextlib import contextmanager


@contextmanager
def progress(total, verbose, what="fits", done=0):
    """Show a progress bar on standard error, if it is wanted and the package rich is installed.

    Parameters
    ----------
    total : int
        Number of steps.
    verbose : bool or int
        Whether to show it.
    what : str
        What is counted.
    done : int, default=0
        Steps that are finished already.

    Yields
    ------
    callable
        To be called after each step, with words for what was finished.
    """
    if not verbose or importlib.util.find_spec("rich") is None:
        yield lambda finished: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    with Progress(*columns, TextColumn("left"), TimeLeft(), console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total, completed=done)
        yield lambda finished: bar.update(task, advance=1, description=f"{what}, last: {finished}")
