"""Every estimator of scikit-learn comes back, fitted, without trust."""

import warnings

import numpy as np
import pytest
from sklearn.utils import all_estimators

from skxfer import io

instances = pytest.importorskip("sklearn.utils._test_common.instance_generator", reason="it makes instances")
checks = pytest.importorskip("sklearn.utils.estimator_checks", reason="it makes inputs")

# They learn from texts, dicts, labels, or a dictionary of another size.
OF_OTHER_INPUTS = {
    *("CountVectorizer", "DictVectorizer", "TfidfVectorizer", "SparseCoder"),
    *("LabelBinarizer", "LabelEncoder", "MultiLabelBinarizer"),
}
# Their predictions are drawn at random.
RANDOM = {"BernoulliRBM", "DummyClassifier"}
# Their trees hold one another in a ring.
REFUSED = {"Birch"}
METHODS = ("predict", "predict_proba", "decision_function", "transform", "score_samples", "kneighbors")


def fitted(cls):
    """Fitted instances; those that learn from other inputs stay as they are."""
    rng = np.random.default_rng(0)
    for model in instances._construct_instances(cls):
        X = checks._enforce_estimator_tags_X(model, np.abs(rng.normal(size=(30, 4))) + 0.1)
        y = checks._enforce_estimator_tags_y(model, rng.integers(0, 2, size=30))
        try:
            model.fit(X, y)
        except (AttributeError, TypeError, ValueError):
            assert cls.__name__ in OF_OTHER_INPUTS
        yield model, X


def results(model, X):
    """What each method gives."""
    for method in METHODS:
        if hasattr(model, method):
            try:
                got = getattr(model, method)(X)
            except Exception:
                continue
            yield got.toarray() if hasattr(got, "toarray") else got


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name, _ in all_estimators() if name != "FrozenEstimator"])
def test_every_estimator_of_scikit_learn_comes_back(name, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (cls,) = (cls for known, cls in all_estimators() if known == name)
        for model, X in fitted(cls):
            if name in REFUSED:
                with pytest.raises(TypeError, match=f"Cannot save {name}"):
                    io.save(model, tmp_path / "model.skxfer")
                continue
            io.save(model, tmp_path / "model.skxfer")
            loaded = io.load(tmp_path / "model.skxfer")
            assert vars(loaded).keys() == vars(model).keys() - {"_sklearn_version"}
            for got, expected in zip(results(loaded, X), results(model, X), strict=True):
                if name not in RANDOM:
                    # Sums over arrays that lie in memory in another order differ in the last digit.
                    np.testing.assert_allclose(
                        np.asarray(got, float), np.asarray(expected, float), rtol=1e-12, atol=1e-12
                    )
