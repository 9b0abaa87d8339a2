"""Formulas are parsed, and structures read, once per fit, however many strategies and folds look at them."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

pytest.importorskip("matminer")

from skxfer import CompositionFeaturizer, FeatureTransfer, HierarchicalTransfer, TransferCV  # noqa: E402
from skxfer import formulas as formulas_module  # noqa: E402
from skxfer.datasets import load_miedema  # noqa: E402

X, Y = load_miedema(return_X_y=True)
X, Y = list(X[:60]), np.asarray(Y[:60])
DOMAIN = ["source"] * 30 + ["target"] * 30


@pytest.fixture
def parsed(monkeypatch):
    """Texts that were parsed, one entry each time."""
    texts = []
    original = formulas_module.parse_entry

    def counting(entry, *args, **kwargs):
        texts.append(entry)
        return original(entry, *args, **kwargs)

    monkeypatch.setattr(formulas_module, "parse_entry", counting)
    for cached in vars(formulas_module).values():
        getattr(cached, "cache_clear", lambda: None)()
    return texts


def learner():
    return make_pipeline(CompositionFeaturizer("fractions"), Ridge())


def test_hierarchical_transfer_parses_no_formula_twice(parsed):
    model = HierarchicalTransfer(learner(), source_domains=["source"], random_state=0)
    model.fit(X, Y, sample_domain=DOMAIN)
    assert len(model.strategies_) > 3
    assert len(parsed) <= 2 * len(X)


def test_transfer_cv_parses_no_formula_twice(parsed):
    source = learner().fit(X[:30], Y[:30])
    parsed.clear()
    TransferCV(source, random_state=0).fit(X[30:], Y[30:])
    assert len(parsed) <= 2 * 30


def test_feature_transfer_parses_no_formula_twice(parsed):
    encoder = CompositionFeaturizer("fractions").fit(X)
    parsed.clear()
    FeatureTransfer(encoder, passthrough=CompositionFeaturizer("magpie")).fit(X, Y)
    assert len(parsed) <= 2 * len(X)
