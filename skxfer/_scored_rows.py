"""Whether a cross-validation around an estimator would score rows of its sources."""

import inspect

import numpy as np
from sklearn.metrics._scorer import _BaseScorer, _MultimetricScorer


def check_scored_rows(others):
    """Refuse a fit whose held-out rows, of which some belong to sources, a metric would score.

    `cross_val_score` and the searches of scikit-learn hand an estimator its training rows alone, and a metric
    such as ``scoring="r2"`` counts all held-out rows. What they hold out is known to the call that runs the
    fit, so it is looked up there; scorers that are no metrics of scikit-learn decide for themselves.

    Parameters
    ----------
    others : list of labels
        Domains that are not predicted.

    Raises
    ------
    ValueError
        Naming the splitter to use.
    """
    if not len(others):
        return
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code.co_name == "__call__" and frame.f_globals.get("__name__") == "sklearn.utils.parallel":
            _check_call(frame.f_locals.get("kwargs") or {}, others)
        frame = frame.f_back


def _check_call(given, others):
    """Check the arguments of one call that fits and scores."""
    if not {"scorer", "test", "fit_params"} <= given.keys() or not _is_metric(given["scorer"]):
        return
    for name, labels in (given["fit_params"] or {}).items():
        if name.rpartition("__")[2] != "sample_domain" or labels is None:
            continue
        held = np.asarray(labels, dtype=object)[given["test"]]
        n_source = int(np.isin(held.ravel().astype(str), [str(other) for other in others]).sum())
        if n_source:
            raise ValueError(
                f"{n_source} of the {len(held)} rows that this fold holds out belong to {others}, whose rows "
                "are not predicted, and the metric would count them. Use the splitter "
                f"skxfer.model_selection.TargetKFold(source_domains={others}), with groups=sample_domain, or "
                "one of its kind; or turn on metadata routing and leave scoring out."
            )


def _is_metric(scorer):
    """Whether a scorer counts all rows it is given."""
    if isinstance(scorer, _MultimetricScorer):
        return any(map(_is_metric, scorer._scorers.values()))
    if isinstance(scorer, dict):
        return any(map(_is_metric, scorer.values()))
    return isinstance(scorer, _BaseScorer)
