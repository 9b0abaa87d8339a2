"""The answers of a study as numbers: what to use, the error to expect, the gain, and what came close."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from .words import FEWEST_TARGET_ROWS

# Families of models, in the order in which a chemist would try them.
FAMILIES = ("target_only", "merge", "auto")
N_DRAWS = 1000
# Share of the draws within the intervals.
COVERAGE = 0.9
# At most so many that came close are named.
N_CLOSE = 3


@dataclass
class Model:
    """A learner in a setting, and its mean absolute error on the test rows."""

    learner: str
    setting: str
    mae: float
    inputs: str = ""
    strategy: str = ""

    @property
    def key(self):
        """What its predictions are found by."""
        return self.learner, self.setting


@dataclass
class Answer:
    """What a study says on one target."""

    target: str
    unit: str
    n_target: int  # labelled target rows for training
    n_test: int  # different test rows
    best: Model | None = None
    error: float = np.nan  # expected on new rows, and its interval
    low: float = np.nan
    high: float = np.nan
    families: dict = field(default_factory=dict)  # setting -> its best Model
    gains: dict = field(default_factory=dict)  # setting -> (gain, low, high) over the best of target_only
    close: list = field(default_factory=list)  # Models that no test tells from the best
    by_domain: dict = field(default_factory=dict)  # test domain -> error of the best
    sources: dict = field(default_factory=dict)  # source -> best Model of it as it is

    @property
    def gain(self):
        """Gain of the recommended model over the best without transfer, and its interval."""
        return self.gains.get(self.best.setting.partition(": ")[0], (np.nan,) * 3)

    @property
    def verdict(self):
        """One of "too few", "unknown", "helps", "hurts", "even"."""
        if self.n_target < FEWEST_TARGET_ROWS:
            return "too few"
        known = [bounds for setting, bounds in self.gains.items() if setting != "target_only"]
        known = [bounds for bounds in known if np.isfinite(bounds).all()]
        if not known or "target_only" not in self.families:
            return "unknown"
        if any(low > 0 for _, low, _ in known):
            return "helps"
        return "hurts" if all(high < 0 for *_, high in known) else "even"


def find_answers(results, predictions, data):
    """Answer for each target.

    The best of many models on the test rows looks better than it is. The error to expect is therefore that
    of the choice itself: test rows are drawn with replacement, the best model on those drawn is chosen, and
    its error on the rows that were not drawn is averaged over the draws [1]_.

    Parameters
    ----------
    results : DataFrame
        From ``portability_study``.
    predictions : DataFrame
        The same, with ``return_predictions``.
    data : Data

    Returns
    -------
    list of Answer

    References
    ----------
    .. [1] Tsamardinos, I. et al., Mach. Learn. 2018, 107, 1895, doi:10.1007/s10994-018-5714-4.
    """
    return [_answer(target, results, predictions, data) for target in data.Y]


def _answer(target, results, predictions, data):
    labelled = data.is_training_target & data.Y[target].notna().to_numpy()
    predictions = predictions[predictions["target"] == target]
    answer = Answer(target, data.units.get(target, ""), int(labelled.sum()), predictions["row"].nunique())
    errors, weights = error_table(predictions)
    if errors.empty:
        return answer
    results = results[results["target"] == target]
    mae = pd.Series(weights @ errors.to_numpy(), errors.columns)
    models = {key: _model(key, value, results) for key, value in mae.items()}
    own = [key for key in models if key[1] in FAMILIES or key[1].startswith("source_only: ")]
    for setting in FAMILIES:
        those = [key for key in own if key[1] == setting]
        if those:
            answer.families[setting] = models[min(those, key=mae.get)]
    answer.best = models[_best(own, mae)]
    trained = sorted(answer.families.values(), key=lambda model: model.mae)
    if trained and answer.best.setting not in FAMILIES and _within(errors, weights, trained[0], answer.best):
        answer.best = trained[0]  # a source model never saw a target row: it must be clearly better
    for name in data.sources:
        those = [key for key in own if key[1] == f"source_only: {name}"]
        if those:
            answer.sources[name] = models[min(those, key=mae.get)]
    _draw(answer, errors[own], weights)
    answer.close = _close(answer.best, models, errors[own], weights)
    of_best = predictions[(predictions["learner"] == answer.best.learner)]
    of_best = of_best[of_best["setting"] == answer.best.setting]
    error = (of_best["prediction"] - of_best["y"]).abs()
    answer.by_domain = error.groupby(of_best["test_domain"]).mean().to_dict()
    return answer


def _best(keys, mae):
    """Return the model with the least error; of equal ones, that which needs least."""
    least = min(mae[key] for key in keys)
    equal = [key for key in keys if mae[key] <= least * (1 + 1e-9)]
    rank = {setting: place for place, setting in enumerate(FAMILIES)}
    return min(equal, key=lambda key: rank.get(key[1], len(rank)))


def error_table(predictions):
    """Return absolute errors by row and model, averaged over seeds, and the weight of each row.

    Parameters
    ----------
    predictions : DataFrame
        Of one target.

    Returns
    -------
    errors : DataFrame
        One row per test row, one column per (learner, setting) that predicted all of them.
    weights : ndarray
        Test domains count alike, as in the summary.
    """
    error = (predictions["prediction"] - predictions["y"]).abs()
    keys = [predictions[name] for name in ("test_domain", "row", "learner", "setting")]
    table = error.groupby(keys).mean().unstack(["learner", "setting"])
    table = table.loc[:, table.notna().all() & np.isfinite(table).all()]
    domains = table.index.get_level_values("test_domain")
    sizes = domains.value_counts()
    weights = 1.0 / sizes.reindex(domains).to_numpy() / max(len(sizes), 1)
    return table, weights


def _model(key, mae, results):
    rows = results[(results["learner"] == key[0]) & (results["setting"] == key[1])]
    inputs = rows["inputs"][rows["inputs"] != ""] if "inputs" in rows else pd.Series(dtype=str)
    strategy = rows["strategy"][rows["strategy"] != ""]
    return Model(
        *key,
        mae,
        inputs.mode().iloc[0] if len(inputs) else "",
        ", ".join(strategy.value_counts().index),
    )


def _draw(answer, errors, weights):
    """Set the error to expect and the gains, with intervals, by drawing test rows with replacement."""
    E, n = errors.to_numpy(), len(errors)
    family = np.array([setting.partition(": ")[0] for _, setting in errors.columns])
    columns = {name: np.flatnonzero(family == name) for name in answer.families}
    expected, gains = [], {name: [] for name in answer.families}
    rng = np.random.default_rng(0)
    for _ in range(N_DRAWS if n > 1 else 0):
        counts = np.bincount(rng.integers(n, size=n), minlength=n)
        left = weights * (counts == 0)
        if not left.any():
            continue
        drawn, left = (weights * counts) @ E, left @ E / left.sum()
        expected.append(left[drawn.argmin()])
        chosen = {name: left[those[drawn[those].argmin()]] for name, those in columns.items()}
        for name in gains if chosen.get("target_only") else ():
            gains[name].append(1 - chosen[name] / chosen["target_only"])
    if expected:
        answer.error, (answer.low, answer.high) = float(np.mean(expected)), _interval(expected)
    for name, values in gains.items():
        alone = answer.families.get("target_only")
        if alone is not None and alone.mae and values:
            answer.gains[name] = (1 - answer.families[name].mae / alone.mae, *_interval(values))


def _interval(values):
    tail = (1 - COVERAGE) / 2
    return tuple(float(value) for value in np.quantile(values, [tail, 1 - tail]))


def _close(best, models, errors, weights):
    """Return the models whose error is less than a standard error above that of the best, best first."""
    found = []
    for key in errors.columns:
        if key != best.key and _within(errors, weights, models[key], best):
            found.append(models[key])
    return sorted(found, key=lambda model: model.mae)[:N_CLOSE]


def _within(errors, weights, model, best):
    """Whether the error of a model is less than a standard error above that of another, on the same rows."""
    difference = errors[model.key].to_numpy() - errors[best.key].to_numpy()
    mean = weights @ difference
    return mean <= np.sqrt(weights**2 @ (difference - mean) ** 2)
