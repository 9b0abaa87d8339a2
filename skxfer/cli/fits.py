"""The fits of a study: where they run, where they are kept, and what is fitted once the best is known."""

import contextlib
import math
import os
import re
import time

import pandas as pd

from . import answers, output
from .cost import NETWORK_FOLDS
from .names import InputError, counted, listed, say
from .plan import DEFAULT_FOLDS

# The learning curve and transfer from single sources may take this share of the study, or so many seconds.
SHARE_OF_EXTRAS, CHEAP_EXTRAS = 0.3, 20.0
# Shares of the target rows of the learning curve, and the fewest rows it starts with.
CURVE_SHARES, FEWEST_CURVE_ROWS = (0.2, 0.45, 1.0), 8


class Fits:
    """All fits of a study.

    Parameters
    ----------
    args : argparse.Namespace
    data : Data
    plan : Plan
    spectrum : bool
        Whether the columns are featurized as spectra.
    cv : list of (train, test) or None
    out : Path
        The folder where finished fits are kept.
    start : float
        When the command began, by ``time.perf_counter``.
    """

    def __init__(self, args, data, plan, spectrum, cv, out, start):
        from ..learners import default_learners

        self.args, self.data, self.plan, self.spectrum = args, data, plan, spectrum
        self.cv, self.out, self.start = cv, out, start
        self.learners = default_learners(plan.learners)
        if plan.network:
            self.learners[plan.network[0]] = _network(plan.network[0])
        self._used = set()  # files of fits that this run has opened

    def run(self):
        """Run the study, and what is asked of the best learners.

        Returns
        -------
        results, predictions : DataFrame
            From ``portability_study``.
        curves : dict of str to DataFrame
            The learning curve of the best learner, for each target where that is cheap.
        """
        with _cluster(self.args.dask):
            results, predictions = self._compare()
            if results.attrs["interrupted"] or results["mae"].isna().all():
                return results, predictions, {}
            found = answers.find_answers(results, predictions, self.data)
            results = self._from_each_source(results, found)
            return results, predictions, {} if results.attrs["interrupted"] else self._curves(found)

    def _compare(self):
        """Run all learners in all settings."""
        from ..model_selection import portability_study

        tables = {name: model for name, model in self.learners.items() if name in self.plan.learners}
        parts = []
        if tables:
            parts.append(self._call(portability_study, tables, self.data.X, return_predictions=True))
        if self.plan.network and not (parts and parts[0][0].attrs["interrupted"]):
            name, column = self.plan.network
            X = self._objects(column)
            file = f"fits-{name}.jsonl"
            options = {"file": file, "return_predictions": True, "numbers": False}
            parts.append(self._call(portability_study, {name: self.learners[name]}, X, **options))
        return _joined([part[0] for part in parts]), pd.concat([part[1] for part in parts], ignore_index=True)

    def _from_each_source(self, results, found):
        """Add transfer from each source alone, with the learners that transfer best, where that is cheap."""
        from ..model_selection import portability_study

        winners = {answer.families["auto"].learner for answer in found if "auto" in answer.families}
        names = [name for name in self.plan.learners if name in winners]
        seconds = {name: len(self.data.sources) * self.plan.seconds[name] for name in names}
        names = [name for name in names if self._is_cheap(seconds[name])]
        if len(self.data.sources) < 2 or not names:
            return results
        say(f"Transfer from each source alone, with {listed(names)}.")
        learners = {name: self.learners[name] for name in names}
        each = self._call(portability_study, learners, self.data.X, settings=["each_source"])
        return _joined([results, each])

    def _curves(self, found):
        """Return the learning curves of the best learners that are cheap, by target."""
        from ..model_selection import learning_curve_transfer

        n_rows = int(self.data.is_training_target.sum())
        if self.cv is not None:  # those of the smallest training set
            n_rows = min(len(train) for train, _ in self.cv)
        elif not self.data.tests:
            n_rows = n_rows * 2 // 3
        shares = [share for share in CURVE_SHARES if share * n_rows >= FEWEST_CURVE_ROWS]
        names = [answer.best.learner for answer in found if answer.best is not None]
        names = [name for name in dict.fromkeys(names) if name in self.plan.learners]
        curves = {}
        for name in names if len(shares) == len(CURVE_SHARES) else ():
            if not self._is_cheap(2 * self.plan.seconds[name]):
                continue
            say(f"Learning curve of {name}.")
            curve = self._call(
                learning_curve_transfer, {name: self.learners[name]}, self.data.X, train_sizes=shares
            )
            if curve.attrs["interrupted"]:
                break
            curves |= {answer.target: curve for answer in found if answer.best.learner == name}
        return curves

    def _is_cheap(self, seconds):
        seconds *= self.plan.seeds / self.plan.n_processes
        left = math.inf if self.plan.budget is None else self._left()
        return not self.plan.quick and seconds <= min(
            left, max(SHARE_OF_EXTRAS * self.plan.total, CHEAP_EXTRAS)
        )

    def _left(self):
        """Seconds that are left of the budget."""
        return self.plan.budget - (time.perf_counter() - self.start)

    def _call(self, study, learners, X, *, file=output.FITS, numbers=True, **options):
        """Run a study, with what all of them share."""
        from ..learners import input_tags

        imputer, featurizer = self._imputer(), self._featurizer() if numbers else None
        if numbers and imputer is not None:
            learners = {
                name: model if input_tags(model).allow_nan else _prepared(imputer, model)
                for name, model in learners.items()
            }
        most = self.plan.most_rows
        if study.__name__ == "learning_curve_transfer":
            (most,) = [most.get(name) for name in learners]
        options |= {"max_source_rows": most, "featurizer": featurizer}
        options["transfer"] = self._transfer() if numbers else _transfer_of_networks()
        options |= {"source_domains": self.data.sources, "test_domains": self.data.tests, "cv": self.cv}
        options |= {"seeds": self.plan.seeds, "n_jobs": self.args.n_jobs, "verbose": 1}
        # Without a limit of their own, fits still run in processes, which can be ended.
        options["fit_timeout"] = None if self.args.dask else self.args.timeout or math.inf
        if self.plan.budget is not None:
            options["time_budget"] = max(self._left(), 1.0)
        options |= {"path": self.out / file, "resume": self._goes_on(file)}
        table = X, self.data.Y, self.data.domain
        found = _or_afresh(study, learners, table, options, self.args)
        results = found[0] if isinstance(found, tuple) else found
        results["error"] = results["error"].map(_without_parameters)
        return found

    def _goes_on(self, file):
        """Whether to go on with the fits in a file; with --fresh, only those of this run."""
        first = file not in self._used
        self._used.add(file)
        return not (first and self.args.fresh)

    def _imputer(self):
        from sklearn.impute import SimpleImputer

        if not self.data.X.isna().to_numpy().any():
            return None
        return SimpleImputer(strategy="median", keep_empty_features=True).set_output(transform="pandas")

    def _featurizer(self):
        from ..featurizers import SpectrumFeaturizer

        if not self.spectrum:
            return None
        imputer = self._imputer()
        return SpectrumFeaturizer() if imputer is None else _prepared(imputer, SpectrumFeaturizer())

    def _transfer(self):
        from ..transfer import HierarchicalTransfer

        if self.cv is None:
            return None if self.plan.folds is None else HierarchicalTransfer(cv=self.plan.folds)
        # Then transfer, too, judges itself by rows that are unlike those it is trained on.
        n_folds = self.plan.folds or max(2, min(DEFAULT_FOLDS, *(len(train) for train, _ in self.cv)))
        return HierarchicalTransfer(cv=n_folds, predict_on="new_inputs")

    def _objects(self, column):
        """Return the entries of a column as a network takes them."""
        values = self.data.table[column].tolist()
        if self.data.columns[column].kind == "structure":
            return [os.path.join(self.data.folder, str(value)) for value in values]
        return [str(value) for value in values]


def _or_afresh(study, learners, table, options, args):
    """Run a study; put fits of another study aside and start afresh."""
    from ..model_selection import OtherStudyError

    try:
        return study(learners, *table, **options)
    except OtherStudyError:
        path = options["path"]
        former = path.with_name(output.FORMER_FITS)
        os.replace(path, former)
        say(
            f"The fits in {path} are of another table, other roles or another version: they are put aside as "
            f"{former.name}, and the study starts afresh."
        )
        return study(learners, *table, **options)


def _prepared(imputer, model):
    from sklearn.pipeline import Pipeline

    return Pipeline([("imputer", imputer), ("model", model)])


def _network(name):
    """Return a network with its default settings."""
    if name == "lgdcnn":
        from ..models import LGDCNNRegressor

        return LGDCNNRegressor(random_state=0)
    from ..models import SchNetIIARegressor

    return SchNetIIARegressor(random_state=0)


def _transfer_of_networks():
    """Return the competition of the strategies that pay for networks, in few folds."""
    from ..transfer import HierarchicalTransfer

    strategies = ["target_only", "merge", "fine_tuned"]
    return HierarchicalTransfer(strategy=strategies, cv=NETWORK_FOLDS, predict_on="similar")


def _joined(tables):
    """Put results below one another; they are interrupted if one of them is."""
    joined = pd.concat([table.copy(deep=False) for table in tables], ignore_index=True)
    joined.attrs = tables[0].attrs | {"interrupted": any(table.attrs["interrupted"] for table in tables)}
    return joined


@contextlib.contextmanager
def _cluster(address):
    """Send the fits to a Dask cluster, if one is named."""
    if address is None:
        yield
        return
    from joblib import parallel_config

    from .._optional import require

    client = require("distributed").Client
    try:
        connection = client(address, timeout=20)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(f"there is no Dask cluster at {address}: {error}") from error
    with connection, parallel_config("dask"):
        say(f"Dask cluster at {address}: {counted(sum(connection.nthreads().values()), 'thread')}.")
        yield


def _without_parameters(error):
    """Say in words of the command what an estimator says in words of Python."""
    text = re.sub(r"cv=(\d+) folds", r"\1 folds", error).replace("n_samples=", "")
    neighbours = r"Expected n_neighbors <= n_samples_fit, but n_neighbors = (\d+), n_samples_fit = (\d+),.*"
    text = re.sub(neighbours, r"\1 neighbours need as many training rows, there are \2.", text)
    return re.sub(r" Lower cv, or do without .*", " Give more target rows, or lower --folds.", text)
