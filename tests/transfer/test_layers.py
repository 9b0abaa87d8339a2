"""FeatureTransfer on networks: layers of skorch nets, and models of this package."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge

from skxfer import FeatureTransfer, HMNNRegressor

torch = pytest.importorskip("torch", reason="networks need torch")
skorch = pytest.importorskip("skorch", reason="networks need skorch")

rng = np.random.default_rng(0)
X = rng.standard_normal((40, 3)).astype(np.float32)
y = np.tanh(X @ np.ones(3, dtype=np.float32))
NEW = rng.standard_normal((300, 3))


class Layers(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Tanh())
        self.dropout = torch.nn.Dropout(0.5)
        self.memory = torch.nn.GRU(8, 4)
        self.head = torch.nn.Linear(4, 1)

    def forward(self, X):
        return self.head(self.memory(self.dropout(self.hidden(X))[None])[0][0])


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    model = skorch.NeuralNetRegressor(Layers, max_epochs=2, train_split=None, verbose=0)
    return model.fit(X, y[:, None])


def hidden(net, X):
    with torch.no_grad():
        return net.module_.eval().hidden(torch.as_tensor(X, dtype=torch.float32)).numpy()


@pytest.mark.parametrize("wrap", [lambda net: net, FrozenEstimator])
def test_a_hidden_layer_gives_the_features(net, wrap):
    model = FeatureTransfer([("gas", wrap(net), "hidden")], Ridge()).fit(X, y)
    raw = hidden(net, X)
    scale = np.sqrt(((raw - raw.mean(axis=0)) ** 2).mean())
    np.testing.assert_allclose(
        model.transform(NEW), (hidden(net, NEW) - raw.mean(axis=0)) / scale, rtol=1e-4, atol=1e-5
    )
    assert list(model.get_feature_names_out()) == [f"gas__{j}" for j in range(8)]


def test_dropout_is_off(net):
    model = FeatureTransfer((net, "dropout")).fit(X, y)
    np.testing.assert_array_equal(model.predict(NEW), model.predict(NEW))
    np.testing.assert_array_equal(model.predict(NEW), FeatureTransfer((net, "hidden")).fit(X, y).predict(NEW))


def test_the_net_is_left_as_it_was(net):
    before = {name: values.clone() for name, values in net.module_.state_dict().items()}
    generator = torch.random.get_rng_state()
    FeatureTransfer((net, "hidden")).fit(X, y).predict(NEW)
    assert torch.equal(torch.random.get_rng_state(), generator)
    assert not net.module_.hidden._forward_hooks
    for name, values in net.module_.state_dict().items():
        assert torch.equal(values, before[name])


def test_an_unknown_layer_is_an_error_that_lists_them(net):
    with pytest.raises(ValueError, match=r"no layer 'hiden': its layers are \['hidden', 'hidden.0'"):
        FeatureTransfer((net, "hiden")).fit(X, y)


def test_a_layer_that_returns_no_tensor_is_an_error(net):
    with pytest.raises(TypeError, match="Layer 'memory' returns tuple, not a tensor"):
        FeatureTransfer((net, "memory")).fit(X, y)


def test_memory_sees_that_weights_have_changed(net, tmp_path):
    params = {"estimator": Ridge(), "memory": str(tmp_path)}
    before = FeatureTransfer((net, "hidden"), **params).fit(X, y).transform(NEW)
    other = skorch.NeuralNetRegressor(Layers, max_epochs=1, train_split=None, verbose=0).fit(X, y[:, None])
    after = FeatureTransfer((other, "hidden"), **params).fit(X, y).transform(NEW)
    plain = FeatureTransfer((other, "hidden"), Ridge()).fit(X, y).transform(NEW)
    assert not np.allclose(before, after)
    np.testing.assert_array_equal(after, plain)


def test_memory_knows_a_model_of_torch_again(tmp_path):
    source = HMNNRegressor(max_epochs=2, n_members=1, cv=None, random_state=0).fit(X, y)
    for encoder in (source, pickle.loads(pickle.dumps(source)), copy.deepcopy(source)):
        model = FeatureTransfer(encoder, Ridge(), memory=str(tmp_path)).fit(X, y)
        assert model.transform(X).shape == (40, 5 * 64)
        assert len(list(tmp_path.rglob("output.pkl"))) == 1


def test_memory_takes_a_net_with_the_state_of_its_optimizer(tmp_path):
    # joblib sorts what it hashes, and tensors as keys of that state cannot be sorted.
    model = skorch.NeuralNetRegressor(
        Layers, optimizer=torch.optim.Adam, max_epochs=1, train_split=None, verbose=0
    ).fit(X, y[:, None])
    kept, plain = (
        FeatureTransfer((model, "hidden"), Ridge(), memory=memory).fit(X, y)
        for memory in (str(tmp_path), None)
    )
    np.testing.assert_array_equal(kept.predict(NEW), plain.predict(NEW))
