"""Chemical formulas as atomic fractions: the parser that every composition model shares."""

import re
import warnings
from array import array
from collections.abc import Mapping
from numbers import Real

import numpy as np
from scipy import sparse

__all__ = ["ELEMENTS", "combine_properties", "composition_groups", "parse_formulas"]

_PERIODS = """
H He
Li Be B C N O F Ne
Na Mg Al Si P S Cl Ar
K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr
Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe
Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn
Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og
"""
ELEMENTS = tuple(_PERIODS.split())
_COLUMN = {symbol: column for column, symbol in enumerate(ELEMENTS)}
_COLUMN |= {"D": 0, "T": 0}
# Amounts below this count as absent, as in pymatgen: they are dust of floating-point subtraction.
_SMALLEST_AMOUNT = 1e-8

_NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
# Split by this, a plain formula leaves nothing but symbols and amounts.
_PLAIN = re.compile(rf"([A-Z][a-z]?)({_NUMBER}|)")
_TOKEN = re.compile(
    r"\s*(?:(?P<symbol>[A-Z][a-z]*)|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<dot>[·•∙⋅*@]|\.(?![0-9])))"
    rf"\s*(?P<number>{_NUMBER})?\s*"
)
_LEADING_NUMBER = re.compile(rf"\s*({_NUMBER})?\s*")
_NEGATIVE = re.compile(r"(?<=[A-Za-z)\]}])[-−][0-9.]")
# A sign, with digits or without, is a charge only where the formula or a bracket ends.
_SIGNS = "[0-9⁰¹²³⁴⁵⁶⁷⁸⁹]*[-+−⁺⁻]+[0-9⁰¹²³⁴⁵⁶⁷⁸⁹]*"
_CHARGE = re.compile(rf"(?:\^\{{{_SIGNS}\}}|\^?{_SIGNS})(?=\s*(?:$|[)\]}}]))")
_DOUBTFUL_HYDRATE = re.compile(r"(?<=[A-Za-z)\]}])([0-9]+)\.([0-9]+\s*H2O\s*)$")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_PAIRS = {"(": ")", "[": "]", "{": "}"}


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
    - amounts after a symbol or a bracket: ``2``, ``0.5``, ``.5``, ``1e-3``, ``₂``;
    - brackets ``()``, ``[]`` and ``{}`` to any depth;
    - parts joined by ``·`` (also ``•``, ``∙``, ``⋅``, ``*``, or ``@`` as in Y3N@C80), each with an
      optional coefficient in front: ``CuSO4·5H2O``, ``3CaO·Al2O3``, ``CaSO4*0.5H2O``;
    - white space between any of these.

    An ASCII dot before a digit is a decimal point, as in pymatgen: most data have
    ``La1.85Sr0.15CuO4``. So ``CuSO4.5H2O`` means CuSO\\ :sub:`4.5`\\ H\\ :sub:`2`\\ O, which is warned of;
    write ``CuSO4·5H2O`` for the hydrate. Before anything else it joins parts (``NaCl.H2O``).
    Amounts below 1e-8 count as absent, as in pymatgen.

    Parameters
    ----------
    X : sequence of length n_samples
        Formulas as str, pymatgen Compositions, or dicts of symbol to amount, also mixed: a list, a tuple,
        a Series, an array of shape (n_samples,) or (n_samples, 1), or a DataFrame of one column.

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
    formulas = as_list(X)
    # Compact arrays: a million formulas as Python numbers would take ten times the memory.
    columns, amounts, lengths = array("i"), array("d"), array("q")
    split = _PLAIN.split
    for row, formula in enumerate(formulas):
        try:
            tokens = split(formula)
            found = [_COLUMN[symbol] for symbol in tokens[1::3]]
            if not found or any(tokens[::3]):
                raise KeyError
            values = [float(amount) if amount else 1.0 for amount in tokens[2::3]]
        except (KeyError, TypeError):
            found, values = parse_entry(row, formula)
        columns.extend(found)
        amounts.extend(values)
        lengths.append(len(found))
    _warn_of_hydrates(formulas)
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

    from .inputs import check_numbers

    if not properties:
        raise ValueError("properties is empty: it must have a property, such as {'gap': (formulas, y)}.")
    if exclude is None or isinstance(exclude, (set, frozenset)):
        exclude = list(exclude or ())  # their order does not matter
    fractions = [_parse_part("exclude", exclude)[1]]
    tables = []
    for name, (formulas, y) in properties.items():
        formulas, parsed = _parse_part(f"Property {name!r}", formulas)
        try:
            check_numbers(y)
        except ValueError as error:
            raise ValueError(f"Property {name!r}: {error}") from None
        y = np.asarray(y, dtype=float)
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
        formulas = as_list(formulas)
        return formulas, parse_formulas(formulas)
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
    matrix.data[matrix.data < _SMALLEST_AMOUNT] = 0.0
    matrix.eliminate_zeros()
    totals = matrix.sum(axis=1)
    bad = np.flatnonzero(~((totals > 0) & np.isfinite(totals)))
    if bad.size:
        row = bad[0]
        problem = "all amounts are 0" if totals[row] == 0 else "the amounts are too large for a number"
        raise ValueError(f"Row {row}, formula {formulas[row]!r}: {problem}. Correct or drop this row.")
    matrix.data /= np.repeat(totals, np.diff(matrix.indptr))
    return matrix


def as_list(X):
    """Any container of formulas as a list."""
    if isinstance(X, (str, bytes, Mapping)) or hasattr(X, "get_el_amt_dict"):
        raise TypeError(f"X is the single formula {X!r}: put it in a list, [{X!r}].")
    if isinstance(X, (set, frozenset)):
        raise TypeError("X is a set, which has no order: nobody could tell whose row is whose. Pass a list.")
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
            first = f", {X.flat[0]!r} in row 0" if X.size else ""
            raise TypeError(f"X holds {X.dtype} numbers{first}, but formulas such as 'Fe2O3' are expected.")
        if X.ndim != 1 and not (X.ndim == 2 and X.shape[1] == 1):
            raise ValueError(f"X must have shape (n_samples,) or (n_samples, 1), got {X.shape}.")
        return X.ravel().tolist()
    if not hasattr(X, "__len__"):
        raise TypeError(f"X must be a sequence of formulas such as ['Fe2O3', 'CuO'], got {type(X).__name__}.")
    return list(X)


def parse_entry(row, entry):
    """Columns and amounts of any entry, or an error that names it."""
    try:
        if isinstance(entry, str):
            return _parse_formula(entry)
        if hasattr(entry, "get_el_amt_dict"):
            entry = entry.get_el_amt_dict()
        if isinstance(entry, Mapping):
            return _parse_mapping(entry)
    except ValueError as error:
        raise ValueError(f"Row {row}, formula {entry!r}: {error}") from None
    message = f"Row {row} of X is {entry!r} ({type(entry).__name__}), not a formula such as 'Fe2O3'. "
    if entry is None or type(entry).__name__ == "NAType" or (isinstance(entry, Real) and np.isnan(entry)):
        raise TypeError(
            message + "Drop this row; or, if it should be sodium nitride (NaN), read the file with "
            "pandas.read_csv(..., converters={'formula': str})."
        )
    if isinstance(entry, bytes):
        raise TypeError(message + "Decode it, entry.decode().")
    raise TypeError(message + "Give a str, a pymatgen Composition or a dict of symbol to amount.")


def _parse_mapping(amounts):
    """Columns and amounts of a dict of symbol (or element) to amount."""
    columns, values = [], []
    for key, amount in amounts.items():
        symbol = str(getattr(key, "symbol", key))
        if symbol not in _COLUMN:
            raise ValueError(f"{symbol!r} is no element.")
        if not isinstance(amount, Real) or not np.isfinite(amount) or amount < 0:
            raise ValueError(f"the amount of {symbol} is {amount!r}; it must be a finite number, 0 or more.")
        columns.append(_COLUMN[symbol])
        values.append(float(amount))
    return columns, values


def _parse_formula(formula):
    """Columns and amounts of a formula with brackets, dots or spaces."""
    text = formula.translate(_SUBSCRIPTS)
    if not text.strip():
        raise ValueError("it is empty.")
    columns, amounts = [], []
    leading = _LEADING_NUMBER.match(text)
    # Of each open bracket: itself, its position, where its amounts start, where those of its last part
    # start, and the coefficient of that part.
    stack = [["", 0, 0, 0, float(leading[1] or 1)]]
    at = leading.end()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ValueError(_explain(text, at))
        number = float(token["number"] or 1)
        if symbol := token["symbol"]:
            if symbol not in _COLUMN:
                raise ValueError(f"{symbol!r} at position {token.start('symbol')} is no element.")
            columns.append(_COLUMN[symbol])
            amounts.append(number)
        elif token["open"]:
            stack.append([token["open"], token.start("open"), len(amounts), len(amounts), number])
        elif token["dot"]:
            _end_part(stack[-1], amounts, f"{token['dot']!r} at position {token.start('dot')}")
            stack[-1][3:] = len(amounts), number
        else:
            close = f"{token['close']!r} at position {token.start('close')}"
            bracket, _, start, *_ = frame = stack.pop()
            if _PAIRS.get(bracket) != token["close"]:
                raise ValueError(f"{close} closes no such bracket.")
            _end_part(frame, amounts, close)
            amounts[start:] = [number * amount for amount in amounts[start:]]
        at = token.end()
    if len(stack) > 1:
        raise ValueError(f"{stack[-1][0]!r} at position {stack[-1][1]} is not closed.")
    _end_part(stack[0], amounts, "the end")
    return columns, amounts


def _end_part(frame, amounts, end):
    """Multiply the amounts since the last dot or bracket by the coefficient in front of them."""
    *_, start, coefficient = frame
    if start == len(amounts):
        raise ValueError(f"there is no element before {end}.")
    amounts[start:] = [coefficient * amount for amount in amounts[start:]]


def _explain(text, at):
    """Say what is wrong at a position where no token fits."""
    if _NEGATIVE.match(text, at):
        return f"the amount at position {at} is negative."
    if charge := _CHARGE.match(text, at):
        return (
            f"the charge {charge[0]!r} at position {at} is not part of a composition. Leave it out; "
            "for a net charge keep it in a column of its own."
        )
    if text[at] in "-‐–—−+":
        return (
            f"{text[at]!r} at position {at} is not understood: write elements without hyphens between them, "
            "as in 'NiZr', and amounts as numbers, not as variables such as '7-x'."
        )
    if text[at] in "⁰¹²³⁴⁵⁶⁷⁸⁹":
        return f"{text[at]!r} at position {at} is not understood: leave out the mass numbers of isotopes."
    if text[at] in ".0123456789":
        return (
            f"the number at position {at} follows another one. If the dot is that of a hydrate, write it as "
            "'·' or '*': 'CaSO4·0.5H2O'."
        )
    if text[at].islower():
        return f"{text[at]!r} at position {at} is no element: symbols start with a capital."
    return f"{text[at]!r} at position {at} is not understood."


def _warn_of_hydrates(formulas):
    """Warn once of decimal points that may be the dots of hydrates."""
    doubtful = [
        row
        for row, formula in enumerate(formulas)
        if isinstance(formula, str) and "H2O" in formula and _DOUBTFUL_HYDRATE.search(formula)
    ]
    if doubtful:
        first = formulas[doubtful[0]]
        hydrate = _DOUBTFUL_HYDRATE.sub(r"\1·\2", first)
        more = f" (as in {len(doubtful)} formulas; this is the first)" if len(doubtful) > 1 else ""
        warnings.warn(
            f"Row {doubtful[0]}: in {first!r} the dot is read as a decimal point{more}. If it is that of a "
            f"hydrate, write {hydrate!r}.",
            stacklevel=3,
        )
