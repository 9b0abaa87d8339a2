"""Nets of skorch are loaded as they were saved."""

import numpy as np
import pytest
from saved_models import X, fitted_net, layers, net, net_spec, plain_params, rewrite, roundtrip, same, y
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skxfer import io

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_a_loaded_net_predicts_the_same_and_keeps_its_history(path):
    model = fitted_net(module__n_hidden=6)
    loaded = roundtrip(model, path, trusted=[layers()])
    assert same(loaded.predict(X.astype(np.float32)), model.predict(X.astype(np.float32)))
    assert loaded.history[:, "train_loss"] == model.history[:, "train_loss"]
    assert plain_params(loaded).keys() == plain_params(model).keys()
    assert loaded.get_params()["module__n_hidden"] == 6


def test_a_loaded_net_goes_on_training(path):
    loaded = roundtrip(fitted_net(), path, trusted=[layers()])
    loss = loaded.history[-1, "train_loss"]
    loaded.partial_fit(X.astype(np.float32), y[:, None].astype(np.float32))
    assert len(loaded.history) == 6
    assert loaded.history[-1, "train_loss"] < loss


def test_an_unfitted_net_stays_unfitted(path):
    loaded = roundtrip(net(), path, trusted=[layers()])
    assert not loaded.initialized_
    assert loaded.module is layers()


def test_loading_a_net_leaves_the_random_numbers_of_torch_alone(path):
    torch = pytest.importorskip("torch", reason="a skorch net needs torch")
    io.save(fitted_net(), path)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    io.load(path, trusted=[layers()])
    assert torch.equal(torch.rand(3), expected)


def test_frozen_layers_stay_frozen(path):
    model = fitted_net()
    model.module_.hidden.weight.requires_grad_(False)
    module = roundtrip(model, path, trusted=[layers()]).module_
    assert not module.hidden.weight.requires_grad
    assert module.out.weight.requires_grad


def test_a_module_given_as_an_instance_comes_back_with_its_weights(path):
    torch = pytest.importorskip("torch", reason="a skorch net needs torch")
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1))
    model = fitted_net(module=module)
    assert same(roundtrip(model, path).predict(X.astype(np.float32)), model.predict(X.astype(np.float32)))


def test_a_net_inside_a_pipeline_predicts_the_same(path):
    model = make_pipeline(StandardScaler(), net())
    model.fit(X.astype(np.float32), y[:, None].astype(np.float32))
    loaded = roundtrip(model, path, trusted=[layers()])
    assert same(loaded.predict(X.astype(np.float32)), model.predict(X.astype(np.float32)))


def test_harmless_callbacks_are_kept_and_those_that_write_files_dropped(path, tmp_path):
    callbacks = pytest.importorskip("skorch.callbacks", reason="a skorch net needs skorch")
    early = callbacks.EarlyStopping(patience=7)
    model = fitted_net(callbacks=[early, ("save", callbacks.Checkpoint(dirname=tmp_path / "run"))])
    with pytest.warns(UserWarning, match="Checkpoint is not saved"):
        io.save(model, path)
    loaded = io.load(path, trusted=[layers()])
    assert [type(callback).__name__ for callback in loaded.callbacks] == ["EarlyStopping"]
    assert loaded.callbacks[0].patience == 7


def test_a_net_from_a_gpu_lands_on_the_cpu_where_there_is_none(path, monkeypatch):
    model = fitted_net()
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    io.save(model, path)
    rewrite(path, lambda tree: net_spec(tree)["params"].update(device="cuda"))
    with pytest.warns(UserWarning, match="put on the CPU"):
        loaded = io.load(path, trusted=[layers()])
    assert same(loaded.predict(X.astype(np.float32)), model.predict(X.astype(np.float32)))
