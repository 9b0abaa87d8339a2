"""One formula, read to its last character or refused: symbols, amounts, brackets, parts and isotopes."""

import math
import re
import unicodedata
import warnings
from collections.abc import Mapping
from decimal import Decimal
from numbers import Real

import numpy as np

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
COLUMN = {symbol: column for column, symbol in enumerate(ELEMENTS)}
COLUMN |= {"D": 0, "T": 0}
# Amounts below this count as absent, as in pymatgen: they are dust of floating-point subtraction.
SMALLEST_AMOUNT = 1e-8

_DECIMAL = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_VULGAR = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
_NUMBER = rf"(?:{_DECIMAL}(?:[{_VULGAR}]|[/⁄]{_DECIMAL})?|[{_VULGAR}])"
# Split by this, a plain formula leaves nothing but symbols and amounts.
PLAIN = re.compile(rf"([A-Z][a-z]?)({_DECIMAL}|)")
_TOKEN = re.compile(
    r"\s*(?:(?P<symbol>[A-Z][a-z]*)|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<dot>[·•∙⋅*@]|\.(?![0-9])))"
    rf"\s*(?P<number>{_NUMBER})?\s*"
)
_LEADING_NUMBER = re.compile(rf"\s*({_NUMBER})?\s*")
_NEGATIVE = re.compile(r"(?<=[A-Za-z)\]}])[-−][0-9.]")
# A sign, with digits or without, is a charge only where the formula or a bracket ends.
_SIGNS = "[0-9⁰¹²³⁴⁵⁶⁷⁸⁹]*[-+−⁺⁻]+[0-9⁰¹²³⁴⁵⁶⁷⁸⁹]*"
_CHARGE = re.compile(rf"(?:\^\{{{_SIGNS}\}}|\^?{_SIGNS})(?=\s*(?:$|[)\]}}]))")
_WATER = r"(?:[HD]2O|\([HD]2O\))"
_DOUBTFUL_HYDRATE = re.compile(
    rf"(?<=[A-Za-z)\]}}])((?:[1-9][0-9]*)?)\.([1-9][0-9]*\s*{_WATER})(?=\s*(?:$|[·•∙⋅*]))"
)
# As in K2O.3Al2O3, unlike Fe.5Ni.5: the only dot, before one digit and another part.
_DOUBTFUL_PART = re.compile(r"^[^.]*(?<=[A-Za-z)\]}])()\.([2-9](?=[A-Z(\[{])[^.]*)$")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_PAIRS = {"(": ")", "[": "]", "{": "}"}
# What follows the mass number of a nuclide that fills its bracket, as in [13C] or [13C6]; and a second
# nuclide, as in [13C16O].
_ALONE = re.compile(rf"[A-Z][a-z]?\s*(?:{_NUMBER})?\s*[)\]}}]")
_SECOND = re.compile(r"[A-Z][a-z]?([0-9]+)([A-Z][a-z]?)")
_SYMBOL = re.compile(r"[A-Z][a-z]*")
# Isotopes that compounds are labelled with, in brackets with other elements too.
_LABELS = {(13, "C"), (14, "C"), (15, "N"), (17, "O"), (18, "O")}


def parse_entry(row, entry):
    """Read a formula of any kind.

    Parameters
    ----------
    row : int
        Its row, for the messages.
    entry : str, pymatgen Composition, or mapping of symbol to amount

    Returns
    -------
    columns : list of int
        Places in ``ELEMENTS``.
    amounts : list of float
        Finite and not negative, with a sum above 0.

    Raises
    ------
    TypeError, ValueError
        Naming the row.
    """
    try:
        if isinstance(entry, str):
            return _checked(*_parse_formula(entry))
        if hasattr(entry, "get_el_amt_dict"):
            entry = entry.get_el_amt_dict()
        if isinstance(entry, Mapping):
            return _checked(*_parse_mapping(entry))
    except ValueError as error:
        raise ValueError(f"Row {row}, formula {entry!r:.200}: {error} Correct or drop this row.") from None
    message = f"Row {row} of X is {entry!r} ({type(entry).__name__}), not a formula such as 'Fe2O3'. "
    if entry is None or type(entry).__name__ == "NAType" or (isinstance(entry, Real) and np.isnan(entry)):
        raise TypeError(
            message + "Drop this row; or, if it should be sodium nitride (NaN), read the file with "
            "pandas.read_csv(..., converters={'formula': str})."
        )
    if isinstance(entry, bytes):
        raise TypeError(message + "Decode it, entry.decode().")
    raise TypeError(message + "Give a str, a pymatgen Composition or a dict of symbol to amount.")


def _checked(columns, amounts):
    """Columns and amounts, of which a composition can be made."""
    total = sum(amounts)
    if not math.isfinite(total):
        raise ValueError("the amounts are too large for a number. Correct or drop this row.")
    if not any(amount >= SMALLEST_AMOUNT for amount in amounts):
        raise ValueError("all amounts are 0. Correct or drop this row.")
    return columns, amounts


def _parse_mapping(amounts):
    """Columns and amounts of a dict of symbol (or element) to amount."""
    columns, values = [], []
    for key, amount in amounts.items():
        symbol = str(getattr(key, "symbol", key))
        if symbol not in COLUMN:
            raise ValueError(f"{symbol!r} is no element.")
        try:
            value = float(amount) if isinstance(amount, (Real, Decimal)) else math.nan
        except OverflowError:
            value = math.inf
        if not math.isfinite(value) or value < 0:
            raise ValueError(
                f"the amount of {symbol} is {amount!r:.40}; it must be a finite number, 0 or more."
            )
        columns.append(COLUMN[symbol])
        values.append(value)
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
    stack = [["", 0, 0, 0, _amount(leading[1] or "1", 0)]]
    at = leading.end()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ValueError(_explain(text, at))
        written = token["number"]
        number = _amount(written, token.start("number")) if written else 1.0
        if symbol := token["symbol"]:
            if symbol not in COLUMN:
                raise ValueError(f"{symbol!r} at position {token.start('symbol')} is no element.")
            columns.append(COLUMN[symbol])
            amounts.append(number)
        elif token["open"]:
            factor = 1.0 if written and _is_mass_number(token, text) else number
            stack.append([token["open"], token.start("open"), len(amounts), len(amounts), factor])
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


def _amount(number, at):
    """Value of a number, a fraction, or a mixed number such as 1½."""
    try:
        return float(number)
    except ValueError:
        pass
    if number[-1] in _VULGAR:
        if number[:-1] and not number[:-1].isdecimal():
            raise ValueError(f"the number {number!r} at position {at} is not understood.")
        return float(number[:-1] or 0) + unicodedata.numeric(number[-1])
    over, under = map(float, number.replace("⁄", "/").split("/"))
    if not under:
        raise ValueError(f"the fraction at position {at} divides by 0.")
    return over / under


def _is_mass_number(token, text):
    """Whether the number behind a bracket is that of an isotope, as in [13C]O2 and [2H]2O, and no factor."""
    number, symbol = token["number"], _SYMBOL.match(text, token.end())
    if symbol is None or not _is_nuclide(number, symbol[0]):
        return False
    if _ALONE.match(text, token.end()):
        return True
    second = _SECOND.match(text, token.end())
    labelled = (int(number), symbol[0]) in _LABELS or (second is not None and _is_nuclide(*second.groups()))
    water = re.match(r"H2O\s*\]", text[token.end() :])
    if labelled or (token["open"] == "[" and not water):
        raise ValueError(
            f"{number} at position {token.start('number')} may be the mass number of {symbol[0]} or a factor "
            f"of what is in the bracket: write '[{number}{symbol[0]}]' for the isotope alone, or the factor "
            "behind the bracket."
        )
    return False


def _is_nuclide(number, symbol):
    """Whether an element can have this mass number, generously."""
    if symbol not in COLUMN or not number.isdecimal():
        return False
    z, mass = COLUMN[symbol] + 1, int(number)
    return 1 <= mass <= 3 if z == 1 else 1.3 * z - 0.3 <= mass <= 3 * z + 4


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


def warn_of_hydrates(formulas, stacklevel):
    """Warn once of decimal points that may be the dots of hydrates.

    Parameters
    ----------
    formulas : list
    stacklevel : int
        As of :func:`warnings.warn` in the calling function.
    """
    doubtful = [
        row
        for row, formula in enumerate(formulas)
        if isinstance(formula, str)
        and "." in formula
        and ("2O" in formula or formula.count(".") == 1)
        and _dot_of_a_part(formula)
    ]
    if doubtful:
        first = formulas[doubtful[0]]
        at = _dot_of_a_part(first)
        hydrate = f"{first[: at - 1]}·{first[at:]}"
        more = f" (as in {len(doubtful)} formulas; this is the first)" if len(doubtful) > 1 else ""
        warnings.warn(
            f"Row {doubtful[0]}: in {first!r} the dot is read as a decimal point{more}. If it is that of a "
            f"hydrate or another part, write {hydrate!r}.",
            stacklevel=stacklevel + 1,
        )


def _dot_of_a_part(formula):
    """Place behind a decimal point that may be the dot between two parts, None if there is no such point."""
    found = _DOUBTFUL_HYDRATE.search(formula) if "2O" in formula else None
    if found is None and formula.count(".") == 1:
        found = _DOUBTFUL_PART.match(formula)
    return found.start(2) if found else None
