"""What is told about a table that was read, and the names of its columns."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Reading:
    """How a table was read, in ``table.attrs["reading"]``; ``str`` of it is one line for the user."""

    name: str
    details: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    units: dict = field(default_factory=dict)
    bad_cells: dict = field(default_factory=dict)
    folder: str = "."

    def __str__(self):
        return f"{self.name}: {', '.join(self.details)}"


def column_names(n_columns, header, reading):
    """Return the names of columns: stripped, none twice, row numbers without a name as pandas calls them.

    Parameters
    ----------
    n_columns : int
    header : list of str or None
        As in the file.
    reading : Reading
        Is told of names that occur twice.

    Returns
    -------
    list of str
    """
    if header is None:
        return [f"column_{i + 1}" for i in range(n_columns)]
    header = [" ".join(str(name).replace("\ufeff", "").split()) for name in header]
    if len(header) == n_columns - 1 and "" not in header:
        header = ["", *header]  # names of rows have no name themselves
    header += [""] * (n_columns - len(header))
    if header[0].startswith("#") and header[0].strip("# "):
        header[0] = header[0].lstrip("# ")
    names, count = [], Counter()
    for i, name in enumerate(header):
        name = name or f"Unnamed: {i}"
        count[name] += 1
        names.append(name if count[name] == 1 else f"{name}.{count[name] - 1}")
    twice = [name for name, n in count.items() if n > 1]
    if twice:
        reading.notes.append(
            f"Column {twice[0]!r} occurs {count[twice[0]]} times: {twice[0]}.1 is the second one."
        )
    return names
