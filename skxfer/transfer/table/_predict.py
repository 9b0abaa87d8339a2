"""Predict a table of any length row by row: value, error bar, how far outside, or why it cannot be read."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from ...progress import progress
from ...tables import TableParts, TableWriter
from ._card import LEVEL

ROWS = 20_000


def predict_table(model, table, *, level=LEVEL, keep=None, verbose=False, **reading):
    """Predict all rows of a table that can be read, and say what is wrong with the others.

    Parameters
    ----------
    model : TableTransfer
        Fitted.
    table : DataFrame, str or path-like
        A table, or the file that holds one.
    level : float, default=0.8
        Share of rows like the target rows whose values lie between ``low`` and ``high``.
    keep : list of str, optional
        Columns of the table to repeat before the predictions. Default: all.
    verbose : bool, default=False
        Whether to show a progress bar.
    **reading
        How the file is read: `sheet`, `sep`, `decimal`, `encoding`, `missing`, `header`, as of
        :func:`~skxfer.read_table`.

    Returns
    -------
    DataFrame
        For each target ``NAME predicted``, ``NAME std``, ``NAME low`` and ``NAME high``, then ``outside``,
        ``is_outside``, ``why_outside`` (see :meth:`TableTransfer.outside`) and ``error``: why a row could not
        be read, empty for the others.

    Raises
    ------
    ValueError
        A column that the model needs is missing, or the file cannot be read.

    See Also
    --------
    predict_file : The same, from file to file, in the memory of some thousand rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from skxfer.datasets import load_miedema
    >>> from skxfer.transfer import TableTransfer, predict_table
    >>> data = load_miedema(as_frame=True)
    >>> table = data.data.iloc[:60]
    >>> model = TableTransfer(["knn"], cv=3, random_state=0).fit(table, data.target.iloc[:60])
    >>> found = predict_table(model, pd.DataFrame({table.columns[0]: ["Ag1Au1", "Ag1Qq1"]}))
    >>> found["error"].tolist()[1]
    "formula: 'Ag1Qq1' is not a formula that can be read"
    """
    if isinstance(table, pd.DataFrame):
        return _predict_part(model, table, level, keep)
    parts = _parts(model, table, reading)
    n_parts = -(-parts.n_rows // parts.rows)
    found = []
    with progress(n_parts, verbose and n_parts > 1, "parts") as advance:
        for part in parts:
            found.append(_predict_part(model, _with_paths(model, part, parts), level, keep))
            advance(f"row {part.index[-1] + 1}")
    if not found:
        raise ValueError(f"{Path(table).name} has no rows below its header.")
    return pd.concat(found)


@dataclass
class Predicted:
    """What came of predicting a file.

    Attributes
    ----------
    reading : Reading
        How the file was read.
    n_rows, n_outside, n_unreadable : int
    errors : list of (row, text)
        The first rows that could not be read, counted from 1.
    unused : list of str
        Columns that the model does not use.
    renamed : dict of str to str
        Columns that are spelt otherwise than in the fit, and how they were spelt there.
    known : dict of str to (int, float)
        For each target of which the file has labels: how many, and the mean absolute error.
    """

    reading: object
    n_rows: int = 0
    n_outside: int = 0
    n_unreadable: int = 0
    errors: list = field(default_factory=list)
    unused: list = field(default_factory=list)
    renamed: dict = field(default_factory=dict)
    known: dict = field(default_factory=dict)

    def add(self, model, part, found):
        """Count a part and its predictions."""
        bad = np.flatnonzero(found["error"] != "")
        self.n_rows += len(found)
        self.n_outside += int(found["is_outside"].sum())
        self.n_unreadable += len(bad)
        self.errors += [(int(part.index[row]) + 1, found["error"].iloc[row]) for row in bad[:5]]
        self.errors = self.errors[:5]
        self.renamed = model.view_.renamed(part)
        known = (*model.view_.used_, *model.target_names_, *self.renamed)
        self.unused = [str(name) for name in part if name not in known]
        for name in model.target_names_:
            if name in part and name not in model.view_.used_:
                y = pd.to_numeric(part[name], errors="coerce").to_numpy(dtype=float)
                error = np.abs(found[f"{name} predicted"].to_numpy() - y)
                n, mean = self.known.get(name, (0, 0.0))
                more = int(np.isfinite(error).sum())
                if more:
                    mean = (n * mean + float(error[np.isfinite(error)].sum())) / (n + more)
                    self.known[name] = (n + more, mean)


def predict_file(model, path, out, *, level=LEVEL, keep=None, verbose=False, **reading):
    """Predict all rows of a file and write a file, in the memory of some thousand rows.

    Parameters
    ----------
    model : TableTransfer
        Fitted.
    path : str or path-like
        The file with the table.
    out : str or path-like
        ``.csv``, ``.csv.gz`` or ``.parquet``. It has its name once it is complete, ``NAME.part`` until then.
        Texts that a spreadsheet would run as formulas get an apostrophe.
    level, keep, verbose, **reading
        As of :func:`predict_table`.

    Returns
    -------
    Predicted
        Counts, and what to tell the user.
    """
    if Path(out).resolve() == Path(path).resolve():
        raise ValueError(f"{out} is the table itself: name another file for the predictions.")
    writer = TableWriter(out)
    parts = _parts(model, path, reading)
    told = Predicted(parts.reading)
    n_parts = -(-parts.n_rows // parts.rows)
    with progress(n_parts, verbose and n_parts > 1, "parts") as advance, writer:
        for part in parts:
            found = _predict_part(model, _with_paths(model, part, parts), level, keep, original=part)
            writer.write(found)
            told.add(model, part, found)
            advance(f"row {told.n_rows}")
        if not told.n_rows:
            raise ValueError(f"{Path(path).name} has no rows below its header.")
    return told


def _parts(model, path, reading):
    view = model.view_
    parts = TableParts(path, rows=ROWS, **reading)
    # What the file calls them may be spelt otherwise.
    usual = view.renamed(pd.DataFrame(columns=parts.columns))
    known = {usual.get(name, name): name for name in parts.columns}
    numbers = view.of_kind("number", "spectrum")
    parts.numbers = tuple(known[name] for name in numbers if name in known)
    parts.text = tuple(known[name] for name in view.text_ if name in known and name not in numbers)
    return parts


def _with_paths(model, part, parts):
    """Make names of structure files start from the folder of the table."""
    part = part.rename(columns=model.view_.renamed(part))
    names = [name for name in model.view_.of_kind("structure") if name in part]
    folder = parts.reading.folder

    def path(cell):
        # A path that is not absolute would start from the folder of the fit.
        return str(Path(folder, cell.strip()).absolute()) if isinstance(cell, str) else cell

    return part.assign(**{name: part[name].map(path) for name in names}) if names else part


def prediction_columns(model):
    """Return the names of the columns that predictions have.

    Parameters
    ----------
    model : TableTransfer
        Fitted.

    Returns
    -------
    list of str
    """
    values = [
        f"{name} {what}" for name in model.target_names_ for what in ("predicted", "std", "low", "high")
    ]
    return [*values, "outside", "is_outside", "why_outside", "error"]


def _predict_part(model, table, level, keep, original=None):
    """Predict the rows of a DataFrame, next to columns of the original."""
    before = table if original is None else original
    table = table.rename(columns=model.view_.renamed(table))
    features, errors = model.view_.transform(table)
    good = np.flatnonzero(errors == "")
    n = len(table)
    mean, std = (np.full((n, model.n_targets_), np.nan) for _ in range(2))
    outside = pd.DataFrame({"outside": np.nan, "is_outside": False, "why_outside": ""}, index=table.index)
    if good.size:
        mean[good], std[good] = model.predict_features(features[good], return_std=True)
        measured = model.surroundings_.measure(table.iloc[good], features[good])
        for name in measured:
            values = outside[name].to_numpy(copy=True)
            values[good] = measured[name].to_numpy()
            outside[name] = values
    width = std * model.interval_factors(level)
    values = np.stack([mean, std, mean - width, mean + width], axis=2).reshape(n, -1)
    found = pd.DataFrame(values, columns=prediction_columns(model)[:-4], index=table.index)
    found = pd.concat([found, outside, pd.DataFrame({"error": errors}, index=table.index)], axis=1)
    kept = [name for name in before if name not in found] if keep is None else list(keep)
    missing = [name for name in kept if name not in before]
    if missing:
        raise ValueError(
            f"There is no column {missing[0]!r}; there are {', '.join(map(str, before.columns))}."
        )
    return pd.concat([before[kept], found], axis=1)
