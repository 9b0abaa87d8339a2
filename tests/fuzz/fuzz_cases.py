"""What a case of the fuzz is: something that takes inputs, and one of them made odd."""

import re
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

RIGHT, CLEAR, UNCLEAR, SILENT, CRASH, HANG = OUTCOMES = (
    *("right", "clear error", "unclear error", "silent", "crash", "hang"),
)


class SkipError(Exception):
    """The odd input cannot be made of the plain one, or an optional package is missing."""


class Kind(NamedTuple):
    """A way to make one argument odd."""

    name: str
    argument: str
    make: Callable  # of the plain value, and the dict of all plain arguments
    # "right": the numbers of the plain call; "error": a clear one; "either" of the two; "finite": any finite
    # numbers or a clear error.
    expect: str = "either"
    says: str = ""  # what the error must match
    expected: Callable = None  # what the plain result becomes, if that is another one
    where: Callable = None  # whether a subject can have it; default: all


class Subject(NamedTuple):
    """A public estimator or function, and plain arguments for it."""

    name: str
    given: dict
    run: Callable  # of the arguments by name; returns an array
    tolerance: float = 1e-6
    traits: frozenset = frozenset()


class Case(NamedTuple):
    """One subject with one odd argument."""

    subject: Subject
    kind: Kind

    @property
    def name(self):
        """Subject and kind, for reports."""
        return f"{self.subject.name} | {self.kind.argument}: {self.kind.name}"


def cases_of(subjects, kinds):
    """All pairs of a subject and a kind of an argument that it takes."""
    return [
        Case(subject, kind)
        for subject in subjects
        for kind in kinds
        if kind.argument in subject.given and (kind.where is None or kind.where(subject))
    ]


# Texts of numpy, scipy, pandas, torch, joblib and Python that mean nothing to who gave the input.
INTERNAL = re.compile(
    r"ufunc|not aligned|mat1 and mat2|setting an array element|object of type '|has no len\(\)|broadc|"
    r"unsupported operand|not subscriptable|has no attribute|could not convert|cannot convert|invalid lit|"
    r"size mismatch|inhomogeneous|must not contain infs|did not converge|out of bounds|list indices|"
    r"must be real number, not|not supported between|Singular matrix|zero-size array|not iterable|"
    r"unhashab|cannot resh|ambiguous|can't be cast|Cannot cast|cannot be cast|unexpected keyw|positional a|"
    r"too large to|overflow encountered|expected np\.ndarray|can't convert|leading minor|np\.str_|np\.float|"
    r"not callable|need at least one array|dimension mismatch|truth value|must be str or|argument of type|"
    r"tuple index|bad operand|reduction operation|non-empty sequence|cannot concatenate|Unsupported dt|"
    r"data type .* not understood|non-precise|scalar index|out of range for|Unalign|no kernel im|failed to|"
    r"invalid value encountered|An error occurred|invalid index|Length of values|internal",
    re.IGNORECASE,
)
PLACE = re.compile(
    r"\b(rows?|[Ss]tructures?|[Cc]olumns?|[Aa]toms?|X\w*|y|Y|y_true|y_pred|sample_domain|sample_weight|groups|target|"
    r"[Ss]ource|source_domains|labels?|features?|samples?|file|formulas?|SMILES|parameter|table|cell|entries|"
    r"positions|domains?|values?|estimator|predictions?|[Nn]ames?|array|shuffle|freeze|path|folder|model|cv)\b"
)
# Of a file it is enough to say which one it is and what is wrong with it.
FILE = re.compile(
    r"(\.(csv|xyz|skxfer)\b|folder).*(is|has|holds|cannot) |[Nn]o such file|here is no (file|folder)"
)
REMEDY = re.compile(
    r"\b(give|pass|use|drop|set|correct|choose|convert|reduce|remove|lower|leave|must|expected|needs?|impute|"
    r"name|reshape|put|add|select|require[sd]?|minimum|expecting|should|read|write|move|train|fit|decode|install|allowed|"
    r"one of|supported|possible|give[sn]?|at most|at least|shape|missing|contains|has \d+ rows|scale)\b",
    re.IGNORECASE,
)


def is_clear(error, says=""):
    """Whether an error tells a user what is wrong, where, and what to do.

    Parameters
    ----------
    error : Exception
    says : str
        What its text must match, too.
    """
    text = str(error)
    return (
        isinstance(error, (TypeError, ValueError, ImportError, OSError))
        and not isinstance(error, (UnicodeError, np.exceptions.AxisError))
        and 20 < len(text) < 2500
        and not INTERNAL.search(text)
        and bool(PLACE.search(text) and REMEDY.search(text) or FILE.search(text))
        and bool(re.search(says, text))
    )


def plain_results(subject, _known={}):  # noqa: B006
    """Results of a subject with its plain arguments, computed once."""
    if subject.name not in _known:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _known[subject.name] = np.asarray(subject.run(**subject.given))
    return _known[subject.name]


def run_case(case):
    """Run one case in this process.

    Returns
    -------
    outcome : str
        One of `OUTCOMES`, or "skipped".
    detail : str
        The error, or what is wrong with the result.
    """
    subject, kind = case
    expected = plain_results(subject)
    try:
        odd = kind.make(subject.given[kind.argument], subject.given)
        expected = expected if kind.expected is None else kind.expected(expected)
    except (SkipError, ImportError) as error:
        return "skipped", str(error)
    arguments = subject.given | (odd if isinstance(odd, dict) and "__also__" in odd else {kind.argument: odd})
    arguments.pop("__also__", None)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            got = np.asarray(subject.run(**arguments))
    except SkipError as error:
        return "skipped", str(error)
    except MemoryError as error:
        return CRASH, f"MemoryError: {error}"
    except (Exception, SystemExit) as error:
        text = f"{type(error).__name__}: {error}"
        if kind.expect == "right":
            return UNCLEAR, f"refused, and should be right: {text}"
        return (CLEAR if is_clear(error, kind.says) else UNCLEAR), text
    if kind.expect == "error":
        return SILENT, f"no error, but {str(got)[:200]}"
    if kind.expect == "finite":
        bad = got.dtype.kind in "fc" and not np.isfinite(got).all()
        return (SILENT, f"not finite: {got.ravel()[:5]}") if bad else (RIGHT, "")
    return _judged(got, expected, subject.tolerance)


def _judged(got, expected, tolerance):
    """Outcome of a case that gave a result."""
    if got.shape != expected.shape:
        return SILENT, f"shape {got.shape} in place of {expected.shape}"
    if got.dtype.kind not in "biufc":
        same = (got == expected).all()
        return (RIGHT, "") if same else (SILENT, f"{got.ravel()[:5]} in place of {expected.ravel()[:5]}")
    if np.isinf(got).any() or (np.isnan(got) != np.isnan(expected)).any():
        return SILENT, f"not finite: {got.ravel()[:5]}"
    if not got.size:
        return RIGHT, ""
    scale = np.nanmax(np.abs(expected)) or 1.0
    error = np.nanmax(np.abs(got - expected)) / scale
    return (RIGHT, "") if error <= tolerance else (SILENT, f"differs by {error:.2g} of the largest value")
