"""Vibrational spectra and a dielectric constant as well-scaled features."""

import re
import warnings
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from ..inputs import validate_numbers
from ._scale import ClippedScaler

_NAMES = {
    "frequencies": re.compile(r"(f|freq|frequency|nu|ν|wavenumber)_?\d+", re.IGNORECASE),
    "infrared": re.compile(r"(iz|i|ir)_?\d+", re.IGNORECASE),
    "raman": re.compile(r"(izz|r|raman)_?\d+", re.IGNORECASE),
    "dielectric": re.compile(
        r"ε|eps(ilon)?(_r)?|dielectric(_constant)?|(relative_)?permittivity", re.IGNORECASE
    ),
}


class SpectrumFeaturizer(TransformerMixin, BaseEstimator):
    r"""Turn frequencies, intensities and a dielectric constant into features that learners can use.

    Intensities span eight orders of magnitude and the dielectric constant acts
    through :math:`1 - 1/\varepsilon` [1]_: on the raw numbers a kernel or a
    network sees little but the outliers. The order of the output is
    frequencies, infrared, Raman, ratios, dielectric constant, then columns that
    belong to no group, unchanged but scaled.

    Parameters
    ----------
    frequencies, infrared, raman : list of int or str, or "auto", default="auto"
        Columns of each group, by position or by name. ``"auto"`` goes by column
        names (``f1``, ``iz1``, ``izz1``, ...) if X has them; without names it
        takes the order of :func:`~skxfer.datasets.fetch_co_ag`: n frequencies,
        n infrared and n Raman intensities, one dielectric constant. An empty
        list: no such group.
    dielectric : int, str, None or "auto", default="auto"
        Column of the dielectric constant. ``"auto"`` without column names: the
        last of 3n + 1 columns, provided that no value in it is below 1.
    intensity : {"log", "ratio", "both", "raw"}, default="log"
        ``"log"``: :math:`\log_{10}(|I| + 0.1)`. ``"ratio"``: the same minus its
        value for the strongest mode of that spectrum, so that the overall scale
        of a spectrum drops out. ``"both"``: the two together.
    dielectric_form : {"born", "onsager", "raw"}, default="born"
        ``"born"``: :math:`1 - 1/\varepsilon`. ``"onsager"``:
        :math:`2(\varepsilon - 1)/(2\varepsilon + 1)`.
    rigid : list of int or str, or "auto", default="auto"
        Frequencies below which only numerical noise lies (hindered translations
        reported as imaginary): negative values become 0. ``"auto"``: the first
        frequency, as in the CO@Ag data.
    clip : float or None, default=8.0
        Limit of the scaled features, in standard deviations.

    Attributes
    ----------
    scaler_ : ClippedScaler
    columns_ : dict of str to list of int
        Positions of the columns of each group.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)

    Raises
    ------
    ValueError
        A dielectric constant below 1 (naming the row), unknown columns.

    References
    ----------
    .. [1] Du, W. et al., J. Am. Chem. Soc. 2024, 146, 811, doi:10.1021/jacs.3c10921 (the data);
       Born, M., Z. Phys. 1920, 1, 45; Onsager, L., J. Am. Chem. Soc. 1936, 58, 1486.

    Examples
    --------
    >>> from skxfer.datasets import load_co_ag_emt
    >>> from skxfer.featurizers import SpectrumFeaturizer
    >>> data = load_co_ag_emt(as_frame=True)
    >>> featurizer = SpectrumFeaturizer().fit(data.data)
    >>> featurizer.transform(data.data).shape[1] == data.data.shape[1]
    True
    >>> list(featurizer.get_feature_names_out()[-2:])
    ['log_izz6', 'born_dielectric_constant']
    """

    # In 1/cm. No molecule or solid vibrates below this alone: smaller numbers are THz, eV or scaled.
    SMALLEST_WAVENUMBER = 100.0

    _parameter_constraints: dict = {
        "frequencies": ["array-like", StrOptions({"auto"})],
        "infrared": ["array-like", StrOptions({"auto"})],
        "raman": ["array-like", StrOptions({"auto"})],
        "dielectric": [str, Interval(Real, 0, None, closed="left"), None],
        "intensity": [StrOptions({"log", "ratio", "both", "raw"})],
        "dielectric_form": [StrOptions({"born", "onsager", "raw"})],
        "rigid": ["array-like", StrOptions({"auto"})],
        "clip": [Interval(Real, 0, None, closed="neither"), None],
    }

    def __init__(
        self,
        *,
        frequencies="auto",
        infrared="auto",
        raman="auto",
        dielectric="auto",
        intensity="log",
        dielectric_form="born",
        rigid="auto",
        clip=8.0,
    ):
        self.frequencies = frequencies
        self.infrared = infrared
        self.raman = raman
        self.dielectric = dielectric
        self.intensity = intensity
        self.dielectric_form = dielectric_form
        self.rigid = rigid
        self.clip = clip

    def fit(self, X, y=None):
        """Find the groups of columns and learn the scale of the features.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Frequencies in cm⁻¹ (negative: imaginary), intensities in any one
            unit, dielectric constant (≥ 1).
        y : None

        Returns
        -------
        self : SpectrumFeaturizer
        """
        self._validate_params()
        X = validate_numbers(self, X)
        self.columns_ = self._find_columns(X)
        self._check_wavenumbers(X)
        self.scaler_ = ClippedScaler(clip=self.clip).fit(self._physical(X))
        return self

    def transform(self, X):
        """Compute the features.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            In single precision if X is, for networks.
        """
        check_is_fitted(self)
        X = validate_numbers(self, X, dtype=(np.float64, np.float32), reset=False)
        return self.scaler_.transform(self._physical(X.astype(np.float64))).astype(X.dtype, copy=False)

    def __sklearn_tags__(self):
        """Keep single precision."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features.

        Parameters
        ----------
        input_features : array-like of str or None

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        groups = self.columns_
        out = list(names[groups["frequencies"]])
        for spectrum in ("infrared", "raman"):
            kinds = {"both": ("log", "ratio"), "raw": ("",)}.get(self.intensity, (self.intensity,))
            out += [f"{kind}_{name}".lstrip("_") for kind in kinds for name in names[groups[spectrum]]]
        prefix = "" if self.dielectric_form == "raw" else f"{self.dielectric_form}_"
        out += [prefix + name for name in names[groups["dielectric"]]]
        return np.array(out + list(names[groups["other"]]), dtype=object)

    def _find_columns(self, X):
        n_features = X.shape[1]
        names = list(getattr(self, "feature_names_in_", []))
        groups = {}
        n_modes, rest = divmod(n_features, 3)
        for i, key in enumerate(("frequencies", "infrared", "raman")):
            given = getattr(self, key)
            if not isinstance(given, str):
                groups[key] = [self._position(column, names, n_features) for column in given]
            elif names:
                found = [j for j, name in enumerate(names) if _NAMES[key].fullmatch(name)]
                # By mode, so that groups go together whatever the order of the columns.
                groups[key] = sorted(found, key=lambda j: int(re.search(r"\d+$", names[j])[0]))
            else:
                groups[key] = list(range(i * n_modes, (i + 1) * n_modes)) if rest <= 1 else []
        if self.dielectric is None:
            groups["dielectric"] = []
        elif self.dielectric != "auto":
            groups["dielectric"] = [self._position(self.dielectric, names, n_features)]
        elif names:
            groups["dielectric"] = [j for j, name in enumerate(names) if _NAMES["dielectric"].fullmatch(name)]
        else:
            # A guess by position alone stands only if the values can be dielectric constants.
            groups["dielectric"] = [n_features - 1] if rest == 1 and (X[:, -1] >= 1).all() else []
        if isinstance(self.rigid, str):
            groups["rigid"] = groups["frequencies"][:1]
        else:
            groups["rigid"] = [self._position(column, names, n_features) for column in self.rigid]
        used = [j for key, columns in groups.items() if key != "rigid" for j in columns]
        twice = {j for j in used if used.count(j) > 1}
        if twice:
            j = min(twice)
            raise ValueError(f"Column {names[j] if names else j} is named in two groups, or twice in one.")
        groups["other"] = [j for j in range(n_features) if j not in used]
        return groups

    def _check_wavenumbers(self, X):
        """Warn of frequencies in another unit, unless intensities are raw: then all may be scaled."""
        frequencies = X[:, self.columns_["frequencies"]]
        if self.intensity == "raw" or not frequencies.size:
            return
        largest = np.abs(frequencies).max()
        if largest < self.SMALLEST_WAVENUMBER:
            warnings.warn(
                f"Frequencies are expected in cm⁻¹, but the largest is {largest:.3g}: are they in THz "
                "(times 33.36), eV (times 8065.5) or scaled already?",
                stacklevel=3,
            )

    @staticmethod
    def _position(column, names, n_features):
        if isinstance(column, str):
            if column not in names:
                raise ValueError(
                    f"X has no column {column!r}; its columns are {names or 'unnamed'}. Give a name "
                    "among these, or the position of the column."
                )
            return names.index(column)
        if not 0 <= column < n_features:
            raise ValueError(f"X has {n_features} columns, there is no column {column}.")
        return int(column)

    def _physical(self, X):
        """Features before scaling, shape (n_samples, n_features_out)."""
        groups = self.columns_
        X = X.copy()
        X[:, groups["rigid"]] = np.maximum(X[:, groups["rigid"]], 0.0)
        parts = [X[:, groups["frequencies"]]]
        for spectrum in ("infrared", "raman"):
            raw = X[:, groups[spectrum]]
            log = np.log10(np.abs(raw) + 0.1)
            if self.intensity == "raw":
                parts.append(raw)
            if self.intensity in ("log", "both"):
                parts.append(log)
            if self.intensity in ("ratio", "both") and raw.shape[1]:
                parts.append(log - log.max(axis=1, keepdims=True))
        return np.hstack([*parts, self._dielectric(X[:, groups["dielectric"]]), X[:, groups["other"]]])

    def _dielectric(self, eps):
        if self.dielectric_form == "raw":
            return eps
        low = np.flatnonzero((eps < 1).any(axis=1))
        if low.size:
            raise ValueError(
                f"Row {low[0]} has the dielectric constant {eps[low[0], 0]:g}, below that of vacuum (1). "
                "Give the relative permittivity, or set dielectric=None if that column is something else."
            )
        return 1 - 1 / eps if self.dielectric_form == "born" else 2 * (eps - 1) / (2 * eps + 1)
