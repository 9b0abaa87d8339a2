"""Chemical formulas as atomic fractions: the parser that every composition model shares."""

import warnings
from array import array
from collections.abc import Mapping

import numpy as np
from scipy import sparse

from ._formula_text import COLUMN, ELEMENTS, PLAIN, SMALLEST_AMOUNT, parse_entry, warn_of_hydrates
from ._read_once import ReadOnce, as_objects

__all__ = [
    "ELEMENTS",
    "Formulas",
    "combine_properties",
    "composition_groups",
    "parse_entry",
    "parse_formulas",
    "read_formulas",
]

# Fractions below this are lost in rounding and count as absent.
SMALLEST_FRACTION = 1e-12


class TakesFormulas:
    """Mixin of estimators whose X is a sequence of formulas."""

    def __sklearn_tags__(self):
        """Text in one column in, and numbers of one kind out."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags


def parse_formulas(X):
    """Turn formulas into atomic fractions.

    A formula is read to its last character or refused. It is made of

    - symbols of the 118 elements, ``D`` and ``T`` counting as hydrogen;
    - amounts after a symbol or a bracket: ``2``, ``0.5``, ``.5``, ``1e-3``, ``₂``, ``2/3``, ``½``;
    - brackets ``()``, ``[]`` and ``{}`` to any depth;
    - isotopes, in a bracket with their mass number: ``[13C]O2``, ``[2H]2O``, ``[13C6]H6``. They count as
      their element. Any other number behind a bracket multiplies what is in it:
      ``(3InAs)0.95(In2Te3)0.05``;
    - parts joined by ``·`` (also ``•``, ``∙``, ``⋅``, ``*``, or ``@`` as in Y3N@C80), each with an
      optional coefficient in front: ``CuSO4·5H2O``, ``3CaO·Al2O3``, ``CaSO4*0.5H2O``;
    - white space between any of these.

    An ASCII dot before a digit is a decimal point, as in pymatgen: most data have
    ``La1.85Sr0.15CuO4``. So ``CuSO4.5H2O`` means CuSO\\ :sub:`4.5`\\ H\\ :sub:`2`\\ O, which is warned of;
    write ``CuSO4·5H2O`` for the hydrate. Before anything else it joins parts (``NaCl.H2O``).
    Amounts below 1e-8 count as absent, as in pymatgen, and so do fractions below 1e-12.

    Parameters
    ----------
    X : sequence of length n_samples
        Formulas as str, pymatgen Compositions, or dicts of symbol to amount, also mixed: a list, a tuple,
        a Series, an array of shape (n_samples,) or (n_samples, 1), a DataFrame of one column, or
        :class:`Formulas`, which are not read again.

    Returns
    -------
    csr_array of shape (n_samples, 118)
        Atomic fractions in order of atomic number, rows adding up to 1. Formulas that mean the same
        composition (``FeO``, ``O2Fe2``) give the same row, up to rounding.

    Raises
    ------
    TypeError
        X is a single formula, a set or a table of numbers, or an entry is neither formula nor composition
        (naming its row).
    ValueError
        A formula that cannot be read in full, an unknown element, a charge, a negative amount, or no atoms
        at all (naming row, formula and position, counted from 0).

    Examples
    --------
    >>> from skxfer.formulas import ELEMENTS, parse_formulas
    >>> fractions = parse_formulas(["Fe2O3", "Ca(OH)2", "CuSO4·5H2O"])
    >>> fractions.shape
    (3, 118)
    >>> print(fractions[0, ELEMENTS.index("Fe")], fractions[0, ELEMENTS.index("O")])
    0.4 0.6
    """
    return X.fractions if isinstance(X, Formulas) else _parse(as_list(X))


class Formulas(ReadOnce):
    """Formulas that have been parsed, once, for everything that looks at them.

    It can be given wherever X is a sequence of formulas; :func:`parse_formulas` returns its fractions and
    reads nothing again. Its entries are those that it was read from: ``formulas[3]`` and iteration return
    them. ``formulas[2:5]``, a mask or an array of indices return Formulas.

    Parameters
    ----------
    entries : ndarray of object, shape (n_samples,)
        Formulas, pymatgen Compositions or dicts.
    fractions : csr_array of shape (n_samples, 118)
        What :func:`parse_formulas` makes of them. It is shared and cannot be written to.

    Examples
    --------
    >>> from skxfer.formulas import parse_formulas, read_formulas
    >>> formulas = read_formulas(["Fe2O3", "CuO", "NaCl"])
    >>> formulas[1], list(formulas[1:])
    ('CuO', ['CuO', 'NaCl'])
    >>> parse_formulas(formulas) is formulas.fractions
    True
    """

    def __init__(self, entries, fractions):
        self.entries = entries
        self.fractions = fractions
        for array_ in (fractions.data, fractions.indices, fractions.indptr):
            array_.flags.writeable = False

    def __len__(self):
        return len(self.entries)

    def __repr__(self):
        return f"<Formulas: {len(self)}>"

    def take(self, rows):
        """Return some of the formulas.

        Parameters
        ----------
        rows : slice, or ndarray of int or of bool

        Returns
        -------
        Formulas
        """
        rows = self._rows(rows)
        return Formulas(self.entries[rows], self.fractions[rows])


def read_formulas(X):
    """Parse formulas, and keep them with what was read.

    Parameters
    ----------
    X : sequence of length n_samples
        As of :func:`parse_formulas`.

    Returns
    -------
    Formulas
        X itself if it is that already.

    Raises
    ------
    TypeError, ValueError
        As :func:`parse_formulas`.
    """
    if isinstance(X, Formulas):
        return X
    formulas = as_list(X)
    return Formulas(as_objects(formulas), _parse(formulas))


def _parse(formulas):
    """Atomic fractions of a list of formulas."""
    # Compact arrays: a million formulas as Python numbers would take ten times the memory.
    columns, amounts, lengths = array("i"), array("d"), array("q")
    split = PLAIN.split
    for row, formula in enumerate(formulas):
        try:
            tokens = split(formula)
            found = [COLUMN[symbol] for symbol in tokens[1::3]]
            if not found or any(tokens[::3]):
                raise KeyError
            values = [float(amount) if amount else 1.0 for amount in tokens[2::3]]
        except (KeyError, TypeError):
            found, values = parse_entry(row, formula)
        columns.extend(found)
        amounts.extend(values)
        lengths.append(len(found))
    warn_of_hydrates(formulas, stacklevel=3)
    return _fractions(np.array(columns), np.array(amounts), np.array(lengths), formulas)


def sorted_elements(fractions):
    """List the elements of each formula in order of falling fraction, equal ones by atomic number.

    Parameters
    ----------
    fractions : csr_array of shape (n_samples, 118)

    Returns
    -------
    number : ndarray of int, shape (n_samples, n_steps)
        Atomic numbers, zero after the last element.
    fraction : ndarray of shape (n_samples, n_steps)
    """
    count = np.diff(fractions.indptr)
    rows = np.repeat(np.arange(len(count)), count)
    # Equal amounts may differ by rounding where they were written differently.
    order = np.lexsort((fractions.indices, -fractions.data.round(9), rows))
    step = np.arange(len(rows)) - fractions.indptr[rows]
    number = np.zeros((len(count), count.max(initial=0)), dtype=int)
    fraction = np.zeros(number.shape)
    number[rows, step] = fractions.indices[order] + 1
    fraction[rows, step] = fractions.data[order]
    return number, fraction


def composition_groups(X):
    """Number the compositions, so that formulas that mean the same one have the same number.

    For :class:`sklearn.model_selection.GroupKFold` and its like: a composition in both
    training and test rows is no test.

    Parameters
    ----------
    X : sequence of length n_samples, or csr_array
        Formulas, or what :func:`parse_formulas` makes of them.

    Returns
    -------
    ndarray of int, shape (n_samples,)
        Numbers from 0, in order of first appearance.

    Examples
    --------
    >>> from skxfer.formulas import composition_groups
    >>> print(composition_groups(["TiO2", "NaCl", "O4Ti2", "ClNa"]))
    [0 1 0 1]
    """
    number, fraction = sorted_elements(X if sparse.issparse(X) else parse_formulas(X))
    keys = np.hstack([number, fraction.round(9)])
    _, first, group = np.unique(
        keys.view(f"V{keys.itemsize * keys.shape[1]}").ravel(), return_index=True, return_inverse=True
    )
    return first.argsort().argsort()[group]


def combine_properties(properties, *, exclude=None):
    """Join tables of several properties into one, with a row for each composition.

    For training on several source properties at once. Rows of the same
    composition are averaged within a property; most compositions then have
    labels of some properties only, and NaN for the others. Where the averaged labels
    differ, as those of polymorphs do, a warning counts them for each property.

    Parameters
    ----------
    properties : dict of str to (formulas, y)
        Name of each property, its formulas and labels, one for each formula.
    exclude : sequence of formulas, optional
        Compositions that must not occur, such as those of the target's test rows: public
        data sets share many.

    Returns
    -------
    formulas : ndarray of object, shape (n_compositions,)
        As first written.
    labels : DataFrame of shape (n_compositions, n_properties)

    Raises
    ------
    TypeError, ValueError
        No property, or (naming it) one without formulas, with all of them excluded, with another number of
        labels, or with a formula that cannot be read: see :func:`parse_formulas`.

    Examples
    --------
    >>> from skxfer.formulas import combine_properties
    >>> bulk, shear = (["MgO", "Cu", "TiN"], [160.0, 140.0, 280.0]), (["Cu", "OMg"], [48.0, 130.0])
    >>> formulas, labels = combine_properties({"bulk": bulk, "shear": shear}, exclude=["NTi"])
    >>> labels.set_axis(formulas)
          bulk  shear
    MgO  160.0  130.0
    Cu   140.0   48.0
    """
    import pandas as pd

    from ._real_numbers import as_numbers

    if not properties:
        raise ValueError("properties is empty: it must have a property, such as {'gap': (formulas, y)}.")
    if exclude is None or isinstance(exclude, (set, frozenset)):
        exclude = list(exclude or ())  # their order does not matter
    fractions = [_parse_part("exclude", exclude)[1]]
    tables = []
    for name, (formulas, y) in properties.items():
        formulas, parsed = _parse_part(f"Property {name!r}", formulas)
        try:
            y = as_numbers(y, "y")
        except (TypeError, ValueError) as error:
            raise type(error)(f"Property {name!r}: {error}") from None
        if not formulas or y.shape != (len(formulas),):
            raise ValueError(
                f"Property {name!r} has {len(formulas)} formulas and labels of the shape {y.shape}: it must "
                "have at least one, and as many labels as formulas."
            )
        fractions.append(parsed)
        tables.append(pd.DataFrame({"formula": formulas, "property": name, "label": y}))
    table = pd.concat(tables, ignore_index=True)
    groups = composition_groups(sparse.vstack(fractions, format="csr"))
    table["group"] = groups[fractions[0].shape[0] :]
    table = table[~table["group"].isin(groups[: fractions[0].shape[0]])]
    for name in properties:
        if not (table["property"] == name).any():
            raise ValueError(f"All formulas of property {name!r} are excluded: leave this property out.")
    _warn_of_polymorphs(table)
    formulas = table.drop_duplicates("group").sort_values("group")["formula"]
    labels = table.pivot_table(index="group", columns="property", values="label", dropna=False)
    labels = labels[list(properties)].reset_index(drop=True).rename_axis(columns=None)
    return formulas.to_numpy(dtype=object), labels


def _parse_part(name, formulas):
    """Formulas as a list and as fractions; errors say of which part they are."""
    try:
        return as_list(formulas), parse_formulas(formulas)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None


def _warn_of_polymorphs(table):
    """Warn of the compositions of each property whose labels differ."""
    found = table.groupby(["property", "group"], sort=False).agg(
        n=("label", "count"), low=("label", "min"), high=("label", "max"), formula=("formula", "first")
    )
    found["spread"] = found["high"] - found["low"]
    found = found[found["spread"] > 0]
    if found.empty:
        return
    counts = []
    for name, part in found.groupby(level="property", sort=False):
        widest = part.loc[part["spread"].idxmax()]
        most = f"widest apart: {widest['formula']}, by {widest['spread']:.4g}"
        counts.append(f"{len(part)} of {name!r} ({part['n'].sum()} rows; {most})")
    warnings.warn(
        f"Compositions with different labels are averaged: {', '.join(counts)}. A formula alone cannot tell "
        "polymorphs apart: if their mean is not what you want, keep the phase that matters.",
        stacklevel=3,
    )


def _fractions(columns, amounts, lengths, formulas):
    """Sum amounts by row and element, and divide them by the sum of the row."""
    starts = np.zeros(len(lengths) + 1, dtype=np.int64 if len(columns) > 2**31 - 1 else np.int32)
    np.cumsum(lengths, out=starts[1:])
    matrix = sparse.csr_array((amounts, columns, starts), shape=(len(lengths), len(ELEMENTS)))
    matrix.sum_duplicates()
    matrix.data[matrix.data < SMALLEST_AMOUNT] = 0.0
    with np.errstate(over="ignore"):
        totals = matrix.sum(axis=1)
        matrix.data[matrix.data < SMALLEST_FRACTION * np.repeat(totals, np.diff(matrix.indptr))] = 0.0
    matrix.eliminate_zeros()
    bad = np.flatnonzero(~((totals > 0) & np.isfinite(totals)))
    if bad.size:
        row = bad[0]
        problem = "all amounts are 0" if totals[row] == 0 else "the amounts are too large for a number"
        raise ValueError(f"Row {row}, formula {formulas[row]!r:.200}: {problem}. Correct or drop this row.")
    matrix.data /= np.repeat(totals, np.diff(matrix.indptr))
    return matrix


def as_list(X):
    """Any container of formulas as a list."""
    if isinstance(X, (str, bytes, Mapping)) or hasattr(X, "get_el_amt_dict"):
        raise TypeError(f"X is the single formula {X!r}: put it in a list, [{X!r}].")
    if isinstance(X, (set, frozenset)):
        raise TypeError("X is a set, which has no order. Pass a list.")
    if isinstance(X, Formulas):
        return X.entries.tolist()
    if sparse.issparse(X):
        raise TypeError("X is a sparse matrix of numbers, but formulas such as 'Fe2O3' are expected.")
    columns = getattr(X, "columns", None)
    if columns is not None and len(columns) != 1:
        some = ", ".join(map(str, columns[:5])) + ", ..." * (len(columns) > 5)
        raise ValueError(
            f"X has {len(columns)} columns ({some}), but formulas come in one: select it, X['formula'] say."
        )
    if hasattr(X, "to_numpy"):
        X = X.to_numpy()
    if isinstance(X, np.ndarray):
        if X.dtype.kind == "S":
            raise TypeError("X holds bytes, not text: decode them, X.astype(str).")
        if X.dtype.kind not in "OUT":
            first = f", {X.flat[0]} in row 0" if X.size else ""
            raise TypeError(f"X holds {X.dtype} numbers{first}, but formulas such as 'Fe2O3' are expected.")
        if X.ndim != 1 and not (X.ndim == 2 and X.shape[1] == 1):
            raise ValueError(f"X must have shape (n_samples,) or (n_samples, 1), got {X.shape}.")
        return X.ravel().tolist()
    if not hasattr(X, "__len__"):
        raise TypeError(f"X must be a sequence of formulas such as ['Fe2O3', 'CuO'], got {type(X).__name__}.")
    return list(X)
