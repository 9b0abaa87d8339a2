"""Transfer with skorch networks: precision, outputs, seeds, inputs that a pipeline prepares."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

from skxfer import HierarchicalTransfer, SequentialTransfer, SpectrumFeaturizer

torch = pytest.importorskip("torch", reason="networks need torch")
skorch = pytest.importorskip("skorch", reason="networks need skorch")
pytestmark = pytest.mark.filterwarnings("ignore:The given NumPy array is not writable:UserWarning")


class Layers(torch.nn.Module):
    def __init__(self, n_features=3, n_outputs=1):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(n_features, 8), torch.nn.Tanh(), torch.nn.Linear(8, n_outputs)
        )

    def forward(self, X):
        return self.layers(X)


class Noisy(Layers):
    """Draws random numbers in training, as dropout does."""

    def forward(self, X):
        return super().forward(X) * (1 + 0.1 * torch.rand(1) * self.training)


def net(module=Layers, **params):
    options = {"max_epochs": 4, "lr": 0.05, "optimizer": torch.optim.Adam, "train_split": None, "verbose": 0}
    return skorch.NeuralNetRegressor(module, **options | params)


def fitted(learner, problem, X=None, **params):
    model = HierarchicalTransfer(
        learner, source_domains=problem.source_domains, **{"cv": 2, "random_state": 0, **params}
    )
    return model.fit(problem.data if X is None else X, problem.target, sample_domain=problem.domain)


flat_y = pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.7.2"),
    reason="TransformedTargetRegressor hands a network a flat y",
)
WRAPPED = {
    "pipeline": lambda: make_pipeline(StandardScaler(), net()),
    "transformed target": lambda: TransformedTargetRegressor(net(), transformer=StandardScaler()),
    "both": lambda: TransformedTargetRegressor(
        make_pipeline(StandardScaler(), net()), transformer=StandardScaler()
    ),
    "search": lambda: GridSearchCV(net(), {"lr": [0.01, 0.1]}, cv=2),
}


every_wrapping = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[flat_y] if name in ("transformed target", "both") else [])
        for name in WRAPPED
    ],
)


@every_wrapping
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nets_of_single_precision_take_any_table_of_floats(name, dtype, related):
    model = fitted(WRAPPED[name](), related, related.data.astype(dtype))
    assert np.isfinite(model.predict(related.test_data.astype(dtype))).all()


@every_wrapping
def test_nets_take_frames(name, related):
    frame, new = (pd.DataFrame(X, columns=list("abc")) for X in (related.data, related.test_data))
    model = fitted(WRAPPED[name](), related, frame)
    array = fitted(WRAPPED[name](), related)
    np.testing.assert_allclose(model.predict(new), array.predict(related.test_data), rtol=1e-4, atol=1e-5)


def test_a_flat_y_from_an_old_scikit_learn_is_refused(related, monkeypatch):
    monkeypatch.setattr(sklearn, "__version__", "1.7.1")
    with pytest.raises(RuntimeError, match="needs scikit-learn >= 1.7.2"):
        fitted(WRAPPED["transformed target"](), related)
    fitted(WRAPPED["pipeline"](), related)


@pytest.mark.parametrize("wrap", [lambda p: p, lambda p: GridSearchCV(p, {"net__lr": [0.01, 0.1]}, cv=2)])
def test_a_pipeline_before_the_net_still_chooses_columns_by_name(wrap, related):
    frame = pd.DataFrame(related.data, columns=list("abc")).assign(formula="H2O")
    choose = ColumnTransformer([("numbers", "passthrough", ["a", "b", "c"])])
    model = fitted(
        wrap(Pipeline([("choose", choose), ("net", net())])),
        related,
        frame,
        strategy="frozen_experts",
        guard=False,
    )
    frozen = FrozenEstimator(model.experts_[0][1])
    target = related.domain == "target"
    again = HierarchicalTransfer(
        Ridge(), sources=[("frozen", frozen)], strategy="frozen_experts", guard=False
    )
    again.set_params(residual_estimator=None).fit(frame[target], related.target[target])
    np.testing.assert_array_equal(again.transform(frame), model.transform(frame))


def test_a_spectrum_featurizer_may_come_before_the_net(related):
    X = np.c_[np.abs(related.data), np.abs(related.data), np.abs(related.data)] + 0.1
    model = fitted(make_pipeline(SpectrumFeaturizer(), net(module__n_features=9)), related, X)
    assert np.isfinite(model.predict(X)).all()


def test_a_frozen_net_gives_the_predictions_it_gives_alone(related):
    source = related.domain == "source_0"
    X = related.data.astype(np.float32)
    expert = net().fit(X[source], related.target[source, None].astype(np.float32))
    model = HierarchicalTransfer(Ridge(), sources=[("net", FrozenEstimator(expert))], cv=3)
    model.fit(related.data[~source], related.target[~source])
    np.testing.assert_array_equal(
        model.transform(related.test_data), expert.predict(related.test_data.astype(np.float32))
    )


def test_a_trained_source_keeps_its_weights(related):
    source = related.domain == "source_0"
    X = related.data.astype(np.float32)
    expert = net().fit(X[source], related.target[source, None].astype(np.float32))
    before = {name: values.clone() for name, values in expert.module_.state_dict().items()}
    model = HierarchicalTransfer(net(), sources=[("net", FrozenEstimator(expert))], cv=2, random_state=0)
    model.fit(related.data[~source], related.target[~source]).predict(related.test_data, return_std=True)
    for name, values in expert.module_.state_dict().items():
        assert torch.equal(values, before[name])


def test_one_net_may_predict_several_targets(several):
    model = fitted(net(module__n_outputs=2), several)
    prediction = model.predict(several.test_data)
    assert prediction.shape == (60, 2)
    assert not np.allclose(prediction[:, 0], prediction[:, 1])


@pytest.mark.filterwarnings("ignore:Using a target size:UserWarning")
def test_a_net_with_one_output_for_two_targets_is_an_error(several):
    with pytest.raises(ValueError, match=r"predicts 1 value\(s\) and is trained on 2 target\(s\)"):
        fitted(net(module__n_outputs=1), several)


@pytest.mark.filterwarnings("ignore:Using a target size:UserWarning")
def test_missing_labels_need_a_net_of_one_output(several):
    Y = several.target.copy()
    Y[np.flatnonzero(several.domain == "target")[:2], 0] = np.nan
    model = HierarchicalTransfer(net(module__n_outputs=2), source_domains=several.source_domains)
    with pytest.raises(ValueError, match="one where labels are missing"):
        model.fit(several.data, Y, sample_domain=several.domain)


@pytest.mark.filterwarnings("ignore:Using a target size:UserWarning")
def test_what_a_net_cannot_learn_of_the_sources_is_left_out_with_the_reason(several):
    Y = several.target.copy()
    Y[np.flatnonzero(several.domain == "source_0")[0], 0] = np.nan
    with pytest.warns(UserWarning, match="The strategy merge was left out.*one where labels are missing"):
        model = HierarchicalTransfer(net(module__n_outputs=2), source_domains=several.source_domains, cv=2)
        model.fit(several.data, Y, sample_domain=several.domain)
    assert model.strategies_ == ["target_only"]


@pytest.mark.parametrize("module", [Layers, Noisy])
def test_random_state_makes_two_fits_identical_whatever_the_generator_of_torch(module, related):
    predictions = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        predictions.append(fitted(net(module), related).predict(related.test_data))
    np.testing.assert_array_equal(*predictions)


def test_another_random_state_gives_another_fit(related):
    first, other = (fitted(net(), related, random_state=s).predict(related.test_data) for s in (0, 1))
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    "model",
    [
        HierarchicalTransfer(net(Noisy), source_domains=["source_0"], cv=2, random_state=0),
        SequentialTransfer(net(Noisy), random_state=0),
        SequentialTransfer(net(Noisy), strategy="frozen_experts", random_state=0),
    ],
    ids=["hierarchical", "continued", "frozen"],
)
def test_generators_of_torch_and_numpy_are_left_alone(model, related):
    torch_before = torch.random.get_rng_state()
    numpy_before = np.random.get_state()[1].copy()  # noqa: NPY002
    model.fit(related.data, related.target, sample_domain=related.domain).predict(related.test_data)
    assert torch.equal(torch.random.get_rng_state(), torch_before)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002


def test_the_net_that_is_given_stays_untrained(related):
    learner = net()
    fitted(learner, related)
    assert not hasattr(learner, "module_")
