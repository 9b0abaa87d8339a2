"""How a study was made, in words, settings and lines of Python."""

import contextlib
import importlib.metadata
import platform
import shlex
import time

from sklearn import config_context

from .._version import __version__
from .names import some
from .words import learner_name


def in_words(study):
    """Return (term, explanation) of all that the page compares.

    Parameters
    ----------
    study : Study

    Returns
    -------
    list of (str, str)
    """
    from ..model_selection.results import tests_in_words

    data, n = study.data, int(study.data.is_training_target.sum())
    tested = (
        f"All rows of {', '.join(data.tests)}: they are in no training set."
        if data.tests
        else tests_in_words(study.results, "bars").partition(".")[0].removeprefix("Test rows: ")
        + "; sources stay in every training set."
    )
    less = "" if data.tests else ", less those that are tested"
    inputs = "are the columns as given"
    either = ""
    if study.spectrum:
        inputs = "are spectra: clipped, intensities as logarithms, ε as 1 − 1/ε, scaled"
        either = (
            " It gets the better of the columns as given and featurized, for each target, by "
            "cross-validation on its own target rows, so that what transfer has to beat is not handicapped."
        )
    return [
        ("Test rows", tested),
        (
            "Target rows alone (target_only)",
            f"The learner is trained on the {n} target rows alone{less}.{either}",
        ),
        (
            "All rows merged (merge)",
            "The learner is trained on all rows of all sources and the target rows together." + either,
        ),
        (
            "Source model as it is (source_only)",
            "The learner is trained on all rows of one source and applied to the test rows as it is.",
        ),
        (
            "Transfer (auto)",
            "skxfer's HierarchicalTransfer over the same learner. All strategies that can run compete for "
            "each target: those above and merging with relevant or weighted source rows, aligned inputs, "
            "frozen source models that the learner corrects, and training that goes on from a source model. "
            "They are blended by cross-validation on the training rows, and where the blend does not clearly "
            "beat the target rows alone there, these are kept. The test rows take no part in this.",
        ),
        (
            "Error to expect",
            "The best of many models on the test rows looks better than it is. So test rows are drawn with "
            "replacement 1000 times, the best model on those drawn is chosen, and its error on the rows not "
            "drawn is averaged (Tsamardinos et al., Mach. Learn. 2018, 107, 1895). The interval holds 90 % "
            "of the draws. Gains over the best on target rows alone are drawn in the same way.",
        ),
        ("Came close", "Models whose error is less than a standard error above that of the recommended one."),
        (
            "Learners",
            f"The same learner with the same settings everywhere. Inputs {inputs}; nothing was tuned.",
        ),
        ("Error", "Mean absolute error per test domain, fold and seed, then the mean of these."),
    ]


def settings(study):
    """Return what was set, and the versions.

    Parameters
    ----------
    study : Study

    Returns
    -------
    dict of str to str
    """
    data, results, plan = study.data, study.results, study.plan
    seeds = sorted(int(seed) for seed in results["seed"].unique())
    fitted = results.drop_duplicates(["learner", "setting", "fit_seconds"])["fit_seconds"].sum()
    return {
        "command": shlex.join(["skxfer", *study.argv]),
        "targets": ", ".join(f"{t} ({data.units[t]})" if data.units.get(t) else t for t in data.Y),
        "features": f"{data.X.shape[1]}: {some(data.X.columns, limit=30)}",
        "featurizer": "SpectrumFeaturizer()" if study.spectrum else "none",
        "seeds": f"0 to {seeds[-1]}" if len(seeds) > 1 else f"{seeds[0]}",
        "folds in which transfer judges itself": str(plan.folds or 5),
        **{f"{learner_name(name)} ({name})": describe(model) for name, model in study.learners.items()},
        "time": f"{study.seconds:.0f} s; the fits alone, added up, {fitted:.0f} s",
        "made": time.strftime("%Y-%m-%d %H:%M"),
        "versions": ", ".join(f"{name} {version}" for name, version in versions(study.learners).items()),
    }


def describe(model):
    """Write a learner with the parameters that are set: XGBoost lists all of them.

    Parameters
    ----------
    model : estimator

    Returns
    -------
    str
    """
    with config_context(print_changed_only=True):
        text = " ".join(repr(model).split())
    if type(model).__module__.startswith("xgboost"):
        given = {k: v for k, v in model.get_params().items() if v is not None and v == v}
        text = f"{type(model).__name__}({', '.join(f'{k}={v!r}' for k, v in given.items())})"
    return text


def versions(learners):
    """Return the versions of what was used, and of the system.

    Parameters
    ----------
    learners : collection of str
        Short names.

    Returns
    -------
    dict of str to str
    """
    packages = ["scikit-learn", "numpy", "scipy", "pandas"] + (["xgboost"] if "xgb" in learners else [])
    packages += ["torch"] if {"lgdcnn", "schnet"} & set(learners) else []
    found = {"skxfer": __version__, "Python": platform.python_version()}
    for package in packages:
        for name in (package, f"{package}-cpu"):
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                found[package] = importlib.metadata.version(name)
                break
    return found | {"system": platform.platform(terse=True)}


def python_lines(study, best):
    """Return lines of Python that make the recommended model, from X, y and domain.

    Parameters
    ----------
    study : Study
    best : Model

    Returns
    -------
    str
    """
    setting, _, source = best.setting.partition(": ")
    featurized = study.spectrum and best.inputs != "as given"
    lines = ["import skxfer", "from skxfer.learners import default_learners"]
    if best.learner == "lgdcnn":
        lines, learner = ["import skxfer"], "skxfer.LGDCNNRegressor(random_state=0)"
    elif best.learner == "schnet":
        lines, learner = ["import skxfer"], "skxfer.SchNetIIARegressor(random_state=0)"
    else:
        learner = f'default_learners(["{best.learner}"], random_state=0)["{best.learner}"]'
    lines += ["from sklearn.pipeline import make_pipeline"] * featurized
    lines += ["", f"learner = {learner}"]
    lines += ["learner = make_pipeline(skxfer.SpectrumFeaturizer(), learner)"] * featurized
    if setting == "target_only":
        rows = f"~domain.isin({study.data.sources!r})"
        lines += [f"rows = {rows}", "model = learner.fit(X[rows], y[rows])"]
    elif setting == "source_only":
        lines += [f"rows = domain == {source!r}", "model = learner.fit(X[rows], y[rows])"]
    elif setting == "merge":
        lines += ["model = learner.fit(X, y)"]
    else:
        lines += [
            f"sources = {study.data.sources!r}",
            "model = skxfer.HierarchicalTransfer(learner, source_domains=sources, random_state=0)",
        ]
        lines += [
            "model.fit(X, y, sample_domain=domain)",
            "value, std = model.predict(X_new, return_std=True)",
        ]
        return "\n".join([*lines, 'skxfer.save(model, "model.skxfer")'])
    return "\n".join([*lines, "value = model.predict(X_new)", 'skxfer.save(model, "model.skxfer")'])
