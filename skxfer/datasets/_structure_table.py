"""A user's own archive: a table of properties, and a file for each structure."""

import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch
from sklearn.utils._param_validation import validate_params

from .._paths import open_path
from ..structures import read_file, read_results, read_structures

# Rows that an error lists.
SHOWN = 5


@validate_params(
    {
        "table": [str, os.PathLike, pd.DataFrame],
        "structures": [str, os.PathLike, None],
        "target": [str, list, None],
        "id_column": [str, None],
        "pattern": [str, None],
    },
    prefer_skip_nested_validation=True,
)
def read_structure_table(table, structures=None, *, target=None, id_column=None, pattern=None):
    """Read structures from files, and their properties from a table that names them.

    This is how archives such as the polymers of Huan et al. [1]_ are laid out once their properties are in a
    CSV: ``0001.cif``, ``0002.cif``, ... in a folder, and a row for each with its id. All rows are read, or an
    error says which cannot be.

    Parameters
    ----------
    table : str, path-like or DataFrame
        CSV file with a header, its name taken literally, or what was read from one. Ids of a file are read
        as text, so that ``0001`` keeps its zeros.
    structures : str or path-like, default=None
        Folder of the structure files. Default: that of `table`.
    target : str, list of str or None, default=None
        Column or columns to learn, numbers. Empty cells become NaN. None: the total energies in the files,
        as those of extended xyz.
    id_column : str, default=None
        Column that names the file of each row: either with its ending (``0001.cif``, ``sub/0001.xyz``) or
        without, if a single file in the folder has that name and any ending. Default: the first column.
    pattern : str, default=None
        How the name of a file is made of an id, with ``{}`` for it: ``"{}/POSCAR"``, ``"POSCAR_{}"``, or
        ``"{:0>4}.cif"``, which fills up with zeros.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : list of :class:`ase.Atoms` of length n_samples
            Whatever one structure per file ASE reads: CIF, xyz, POSCAR, ... Periodic if the file says so.
        target : ndarray of float of shape (n_samples,) or, for a list, (n_samples, n_targets)
            In the units of the table; energies of the files in eV.
        target_names : list of str
            Their columns.
        energy, forces, stress
            What the files hold of these: see :func:`~skxfer.structures.read_results`.
        ids : ndarray of str of shape (n_samples,)
            As in the table.
        files : list of str of length n_samples
            Paths of the files.
        frame : DataFrame of shape (n_samples, n_columns)
            The table, for groups, domains and further features.

    Raises
    ------
    ValueError
        For a column that is not in the table; without `target`, files without energies; an id that is empty
        or there twice; a target that is no number; an id that several files could mean; a file that holds no
        structure, several, or one that no model takes (all naming row and id, file or value). Rows are
        counted from 0.
    FileNotFoundError
        If the folder, or the files of some rows, do not exist (naming the rows).
    ImportError
        ASE is not installed (extra ``structures``).

    Warns
    -----
    UserWarning
        If the folder has more files of the same endings, which no row names.

    References
    ----------
    .. [1] Huan et al., "A polymer dataset for accelerated property prediction and design", Sci. Data 3,
       160012 (2016). https://doi.org/10.1038/sdata.2016.12

    Examples
    --------
    >>> from skxfer.datasets import read_structure_table
    >>> polymers = read_structure_table(
    ...     "polymers/properties.csv", "polymers/cif", target=["band_gap", "dielectric_constant"]
    ... )  # doctest: +SKIP
    >>> polymers.target.shape  # doctest: +SKIP
    (1073, 2)
    """
    name = "the table" if isinstance(table, pd.DataFrame) else Path(table).name
    if structures is None:
        if isinstance(table, pd.DataFrame):
            raise ValueError("table is a DataFrame: name the folder of the files in `structures`.")
        structures = Path(table).parent
    folder = Path(structures)
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {str(folder)!r}.")
    frame, id_column = _read_table(table, id_column)
    targets = [target] if isinstance(target, str) else list(() if target is None else target)
    absent = [column for column in (id_column, *targets) if column not in frame]
    if absent or (target is not None and not targets):
        raise ValueError(f"{name} has the columns {list(frame.columns)}, and {absent or 'target'} is needed.")
    if not len(frame):
        raise ValueError(f"{name} has no rows.")
    ids = _ids(frame[id_column], name)
    columns = [_numbers(frame[column], ids, name) for column in targets]
    files = _find_files(ids, folder, pattern, name)
    data = [read_file(path, row) for row, path in enumerate(files)]
    read_structures(data)  # what no model would take is refused here, with its row
    results = read_results(data)
    if target is None:
        if results.energy is None:
            raise ValueError(
                f"{name}: the files hold no energies. Name the column to learn in `target`: it has "
                f"{list(frame.columns)}."
            )
        columns, targets = [results.energy], ["energy"]
    _warn_of_others(files, folder, table, name)
    return Bunch(
        data=data,
        target=np.stack(columns, axis=1) if isinstance(target, list) else columns[0],
        target_names=targets,
        **results,
        ids=np.array(ids),
        files=[str(path) for path in files],
        frame=frame,
    )


def _read_table(table, id_column):
    if isinstance(table, pd.DataFrame):
        return table.reset_index(drop=True), table.columns[0] if id_column is None else id_column
    table = open_path(table)
    if id_column is None:
        id_column = pd.read_csv(table, nrows=0).columns[0]
    # A converter, not a dtype: no id, "NA" or "NaN", is taken for a missing value.
    return pd.read_csv(table, converters={id_column: str}), id_column


def _ids(column, name):
    ids = [
        "" if value is None or value is pd.NA or value != value else str(value).strip() for value in column
    ]
    first = {}
    for row, one in enumerate(ids):
        if not one:
            raise ValueError(f"{name}, row {row}: the id in column {column.name!r} is empty.")
        if one in first:
            raise ValueError(
                f"{name}: rows {first[one]} and {row} have the same id {one!r}. Keep one of them, or put "
                "what differs into more columns."
            )
        first[one] = row
    return ids


def _numbers(column, ids, name):
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
    wrong = np.flatnonzero((np.isnan(values) & column.notna().to_numpy()) | np.isinf(values))
    if wrong.size:
        row = wrong[0]
        raise ValueError(
            f"{name}, row {row} (id {ids[row]!r}): {column.name} is {column.iloc[row]!r}, which is no finite "
            "number. Correct it, or leave the cell empty."
        )
    return values


def _find_files(ids, folder, pattern, name):
    """Path of the file of each id."""
    by_stem = {}
    for path in sorted(folder.iterdir()):
        if path.is_file():
            by_stem.setdefault(path.stem, []).append(path)
    found, missing = [], []
    for row, one in enumerate(ids):
        path = folder / (one if pattern is None else pattern.format(one))
        candidates = [path] if path.is_file() else by_stem.get(one, []) if pattern is None else []
        if len(candidates) > 1:
            raise ValueError(
                f"{name}, row {row}: id {one!r} could mean {' or '.join(path.name for path in candidates)}. "
                "Say which, with its ending in the table or by pattern='{}" + f"{candidates[0].suffix}'."
            )
        if not candidates:
            missing.append(f"row {row} (id {one!r})")
        found += candidates
    if missing:
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        there = [path.name for paths in by_stem.values() for path in paths][:3]
        raise FileNotFoundError(
            f"{name}: there is no file in {str(folder)!r} for {', '.join(missing[:SHOWN])}{more}, "
            + (f"with the pattern {pattern!r}. " if pattern else "with any ending. ")
            + (f"There are files such as {', '.join(there)}. " if there else "The folder has no files. ")
            + "Give a pattern, or leave these rows out."
        )
    return found


def _warn_of_others(files, folder, table, name):
    used, endings = set(files), {path.suffix for path in files}
    if not isinstance(table, pd.DataFrame):
        used.add(Path(table))
    others = [
        path.name
        for path in sorted(folder.iterdir())
        if path.is_file() and path.suffix in endings and path not in used
    ]
    if others:
        warnings.warn(
            f"{len(others)} files in {str(folder)!r} are named by no row of {name} and were not read: "
            f"{', '.join(others[:SHOWN])}{', ...' if len(others) > SHOWN else ''}.",
            stacklevel=3,
        )
