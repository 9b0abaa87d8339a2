"""Generators of transfer problems whose answer is known."""

from numbers import Integral, Real

import numpy as np
from scipy.special import ndtr
from sklearn.utils import Bunch, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

# The similarity that a word for it stands for.
SIMILARITY = {"identical": 1.0, "related": 0.98, "unrelated": 0.0}
# Functions are standardised, and made orthogonal, over this many points.
N_REFERENCE = 4096
N_HIDDEN = 12
ADVERSARIAL_BORDER = 0.2


@validate_params(
    {
        "n_source": [Interval(Integral, 1, None, closed="left")],
        "n_target": [Interval(Integral, 1, None, closed="left")],
        "n_test": [Interval(Integral, 0, None, closed="left")],
        "n_features": [Interval(Integral, 1, None, closed="left")],
        "n_targets": [Interval(Integral, 1, None, closed="left")],
        "n_sources": [Interval(Integral, 1, None, closed="left")],
        "relation": [
            StrOptions({*SIMILARITY, "scaled", "adversarial"}),
            Interval(Real, -1, 1, closed="both"),
        ],
        "noise": [Interval(Real, 0, None, closed="left")],
        "task": [StrOptions({"regression", "classification"})],
        "n_classes": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_domains(
    n_source=500,
    n_target=30,
    n_test=200,
    n_features=5,
    n_targets=1,
    *,
    n_sources=1,
    relation="related",
    noise=0.05,
    task="regression",
    n_classes=2,
    random_state=None,
):
    """Make a transfer problem with a known relation between sources and target.

    Every domain draws its inputs uniformly from [-1, 1] in each feature and labels them with a smooth
    nonlinear function of its own plus noise. Over these inputs the functions have mean 0 and variance 1 (but
    for the sources of ``"scaled"``), so that predicting a constant has a root mean squared error of 1. With g
    the target's function, ``relation`` sets the function f of each source:

    - ``"identical"``: f = g.
    - ``"scaled"``: f = (g - offset) / scale, with scale in [0.5, 2] and offset in [-2, 2] drawn for each
      source.
    - a number s in [-1, 1]: f = s g + sqrt(1 - s²) h. The function h is drawn anew for each source and is
      uncorrelated with g, so that f and g have Pearson's correlation s.
    - ``"related"``: s = 0.98; ``"unrelated"``: s = 0.
    - ``"adversarial"``: f = g where the first feature exceeds 0.2, and f = -g elsewhere. The source is right
      on a part of the space and says the opposite on the rest, which no rescaling undoes.

    With ``task="classification"`` the same functions, plus noise, are cut into classes at thresholds that all
    domains share. They lie symmetrically about 0, so that the adversarial source turns the order of classes
    round exactly; a ``"scaled"`` source ranks rows as the target does and has other shares of the classes.

    Parameters
    ----------
    n_source : int, default=500
        Rows in each source.
    n_target : int, default=30
        Rows of the target for training.
    n_test : int, default=200
        Further rows of the target, under the domain "test".
    n_features : int, default=5
        Number of features.
    n_targets : int, default=1
        Number of targets (columns of y). They have functions of their own.
    n_sources : int, default=1
        Number of source domains.
    relation : {"identical", "scaled", "related", "unrelated", "adversarial"} or float, default="related"
        How sources relate to the target; a float is the correlation, in [-1, 1].
    noise : float, default=0.05
        Standard deviation of the Gaussian noise on all labels.
    task : {"regression", "classification"}, default="regression"
        Whether labels are numbers or classes.
    n_classes : int, default=2
        Number of classes for ``task="classification"``. They are about equally frequent in the target.
    random_state : int, RandomState instance or None, default=None
        Makes two calls identical.

    Returns
    -------
    problem : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : ndarray of shape (n_samples, n_features)
            Sources first, then target, then test.
        target : ndarray of shape (n_samples,) or (n_samples, n_targets)
            Labels with noise, numbers or classes 0, 1, ..., ``n_classes - 1``; one-dimensional for
            ``n_targets=1``.
        domain : ndarray of str of shape (n_samples,)
            "source_0", "source_1", ..., "target" and "test".
        source_domains, target_domains, test_domains : tuple of str
            ``test_domains`` is empty for ``n_test=0``.
        target_function : ndarray of the shape of target
            The target's function without noise at every row: what a perfect model predicts, or for classes
            what lies behind them.
        own_function : ndarray of the shape of target
            The function of the row's own domain, without noise.
        similarity : ndarray of shape (n_sources, n_targets)
            Pearson's correlation of each source's function with the target's.
        scale, offset : ndarray of shape (n_sources,) or None
            With g = scale · f + offset, where the relation is affine ("identical", "scaled", 1 and -1).
        thresholds : ndarray of shape (n_targets, n_classes - 1) or None
            Where the functions are cut into classes: class k lies above k of them.
        target_probability : ndarray of shape (n_samples, n_classes) or None
            Probabilities of the target's classes at every row, given the noise: what a perfect classifier
            predicts. Of shape (n_samples, n_targets, n_classes) for several targets.
        relation : str or float
            As given.
        feature_names, target_names : list of str
            "x0", "x1", ... and "y0", "y1", ...
        DESCR : str
            One sentence.

    Raises
    ------
    ValueError
        For a parameter out of range (scikit-learn's ``InvalidParameterError``).

    See Also
    --------
    load_co_ag_emt : A transfer problem from chemistry.

    Examples
    --------
    >>> import numpy as np
    >>> from skxfer.datasets import make_domains
    >>> problem = make_domains(n_source=100, n_target=20, n_test=50, relation=0.8, random_state=0)
    >>> problem.data.shape
    (170, 5)
    >>> problem.source_domains, problem.target_domains
    (('source_0',), ('target',))
    >>> problem.similarity.round(2)
    array([[0.8]])

    Classes of the same problem:

    >>> problem = make_domains(task="classification", n_classes=3, random_state=0)
    >>> np.unique(problem.target).tolist(), problem.target_probability.shape
    ([0, 1, 2], (730, 3))
    """
    rng = check_random_state(random_state)
    sources = tuple(f"source_{k}" for k in range(n_sources))
    domain = np.repeat([*sources, "target", "test"], [n_source] * n_sources + [n_target, n_test])
    reference = rng.uniform(-1, 1, size=(N_REFERENCE, n_features))
    X = rng.uniform(-1, 1, size=(len(domain), n_features))
    points = np.vstack([reference, X])

    truth = _standardise(_random_function(points, n_targets, rng))
    values = np.array([_source(relation, truth, points, rng) for _ in sources])
    scale = offset = None
    if relation == "scaled":
        scale, offset = rng.uniform(0.5, 2, n_sources), rng.uniform(-2, 2, n_sources)
        values = (truth - offset[:, None, None]) / scale[:, None, None]
    elif relation == "identical" or relation in (-1, 1):
        scale, offset = np.full(n_sources, -1.0 if relation == -1 else 1.0), np.zeros(n_sources)
    similarity = np.array([_correlation(f[:N_REFERENCE], truth[:N_REFERENCE]) for f in values])

    own = truth[N_REFERENCE:].copy()
    for name, f in zip(sources, values, strict=True):
        own[domain == name] = f[N_REFERENCE:][domain == name]
    y = own + noise * rng.normal(size=own.shape)
    thresholds = probability = None
    if task == "classification":
        thresholds = _thresholds(truth[:N_REFERENCE], n_classes)
        y = (y[:, :, None] > thresholds).sum(axis=2)
        probability = _probabilities(truth[N_REFERENCE:], thresholds, noise)
        probability = probability[:, 0] if n_targets == 1 else probability
    truth = truth[N_REFERENCE:]
    if n_targets == 1:
        y, own, truth = y.ravel(), own.ravel(), truth.ravel()
    return Bunch(
        data=X,
        target=y,
        domain=domain,
        source_domains=sources,
        target_domains=("target",),
        test_domains=("test",) if n_test else (),
        target_function=truth,
        own_function=own,
        similarity=similarity,
        scale=scale,
        offset=offset,
        thresholds=thresholds,
        target_probability=probability,
        relation=relation,
        feature_names=[f"x{k}" for k in range(n_features)],
        target_names=[f"y{k}" for k in range(n_targets)],
        DESCR=f"Artificial {task} problem, relation {relation!r}, {n_sources} source(s), noise {noise}.",
    )


def _source(relation, truth, points, rng):
    """Return a source's function at all points, (n_points, n_targets)."""
    if relation == "adversarial":
        return np.where(points[:, :1] > ADVERSARIAL_BORDER, truth, -truth)
    if relation == "scaled":
        return truth
    s = SIMILARITY.get(relation, relation)
    own = _standardise(_random_function(points, truth.shape[1], rng), orthogonal_to=truth)
    return s * truth + np.sqrt(1 - s**2) * own


def _random_function(points, n_targets, rng):
    """Return sums of `N_HIDDEN` tanh ridges each, smooth functions of all features, (n_points, n_targets)."""
    n_features = points.shape[1]
    slopes = 2.5 * rng.normal(size=(n_features, N_HIDDEN, n_targets)) / np.sqrt(n_features)
    shifts, weights = rng.normal(size=(2, N_HIDDEN, n_targets))
    hidden = np.tanh(np.einsum("nf,fht->nht", points, slopes) + shifts)
    return np.einsum("nht,ht->nt", hidden, weights)


def _standardise(values, orthogonal_to=None):
    """Give each column mean 0 and variance 1 over the reference points, and no correlation with another."""
    values = values - values[:N_REFERENCE].mean(axis=0)
    if orthogonal_to is not None:
        values = values - _covariance(values, orthogonal_to) * orthogonal_to
    return values / np.sqrt(_covariance(values, values))


def _covariance(a, b):
    return np.mean(a[:N_REFERENCE] * b[:N_REFERENCE], axis=0)


def _correlation(a, b):
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return np.mean(a * b, axis=0) / np.sqrt(np.mean(a**2, axis=0) * np.mean(b**2, axis=0))


def _thresholds(values, n_classes):
    """Return cuts, symmetric about 0, that make classes of like frequency: (n_targets, n_classes - 1)."""
    mirrored = np.vstack([values, -values])
    cuts = np.quantile(mirrored, np.arange(1, n_classes) / n_classes, axis=0).T
    return (cuts - cuts[:, ::-1]) / 2


def _probabilities(values, thresholds, noise):
    """Return what a perfect classifier says under Gaussian noise, (n_points, n_targets, n_classes)."""
    distance = values[:, :, None] - thresholds
    above = ndtr(distance / noise) if noise else (distance > 0).astype(float)
    ones = np.ones((*values.shape, 1))
    return -np.diff(np.concatenate([ones, above, 0 * ones], axis=2), axis=2)
