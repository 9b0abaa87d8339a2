"""FeatureTransfer: the encoder stays frozen, blocks weigh the same, any head and any inputs."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVR

import skxfer
from skxfer import FeatureTransfer

rng = np.random.default_rng(0)
SOURCE = rng.standard_normal((80, 5)) @ rng.standard_normal((5, 5))
X = SOURCE[:30] + 0.1
Y = np.column_stack([X @ np.ones(5), X[:, 0] ** 2])
y = Y[:, 0]
NEW = SOURCE[30:]
PROJECTION = PCA(2).fit(SOURCE)
FORMULAS = [f"{'C' * c}{'H' * h}" for c, h in rng.integers(1, 9, (40, 2))]


class Letters(TransformerMixin, BaseEstimator):
    """Counts C and H."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return np.array([[formula.count("C"), formula.count("H")] for formula in X], dtype=float)

    def get_feature_names_out(self, input_features=None):
        return np.array(["C", "H"], dtype=object)


class Counted(TransformerMixin, BaseEstimator):
    """Doubles X and writes a line to a file each time, which shows through caches and copies."""

    def __init__(self, log, factor=2.0):
        self.log = log
        self.factor = factor

    def fit(self, X, y=None):
        self.factor_ = self.factor
        return self

    def transform(self, X):
        with open(self.log, "a") as file:
            file.write("called\n")
        return self.factor_ * np.asarray(X)


def scaled(*blocks):
    """Blocks centred, with equal sums of variances, and a mean square of 1 over all entries."""
    blocks = [block - block.mean(axis=0) for block in blocks]
    blocks = [block / np.sqrt((block**2).sum()) for block in blocks]
    together = np.hstack(blocks)
    return together / np.sqrt((together**2).mean())


# the encoder ------------------------------------------------------------------------------------------


def test_features_are_those_of_the_encoder_under_one_scale():
    model = FeatureTransfer(PROJECTION).fit(X, y)
    np.testing.assert_allclose(model.transform(X), scaled(PROJECTION.transform(X)))


def test_the_head_learns_on_the_features():
    model = FeatureTransfer(PROJECTION, KNeighborsRegressor(3)).fit(X, y)
    expected = KNeighborsRegressor(3).fit(PROJECTION.transform(X), y).predict(PROJECTION.transform(NEW))
    np.testing.assert_allclose(model.predict(NEW), expected)


def test_a_source_that_knows_the_features_helps_few_rows():
    rng = np.random.default_rng(0)
    W, v = rng.standard_normal((30, 2)), np.array([1.0, -1.0])
    X, new = rng.standard_normal((15, 30)), rng.standard_normal((200, 30))
    source = FunctionTransformer(lambda X: X @ W).fit(X)
    errors = [
        np.abs(FeatureTransfer(encoder).fit(X, X @ W @ v).predict(new) - new @ W @ v).mean()
        for encoder in (source, None)
    ]
    assert errors[0] < 0.3 * errors[1]


def test_the_encoder_is_never_changed():
    encoder = make_pipeline(StandardScaler(), PCA(2)).fit(SOURCE)
    before = pickle.dumps(encoder)
    model = FeatureTransfer(encoder, passthrough="raw")
    clone(model).fit(X, y).predict(NEW)
    GridSearchCV(model, {"estimator": [Ridge(), SVR()]}, cv=2).fit(X, y)
    assert pickle.dumps(encoder) == before


def test_cloning_keeps_the_encoder_and_forgets_the_head():
    model = clone(FeatureTransfer(PROJECTION, Ridge()).fit(X, y))
    assert model.encoder is PROJECTION
    with pytest.raises(NotFittedError):
        model.predict(X)


def test_the_inside_of_the_encoder_can_be_neither_read_nor_set():
    model = FeatureTransfer(PROJECTION, Ridge())
    assert not [name for name in model.get_params() if name.startswith("encoder__")]
    with pytest.raises(ValueError, match="'encoder__n_components' lies inside a fitted estimator"):
        model.set_params(encoder__n_components=1)
    assert model.set_params(estimator__alpha=3.0).estimator.alpha == 3.0


def test_a_frozen_encoder_is_an_encoder():
    frozen = FeatureTransfer(FrozenEstimator(PROJECTION)).fit(X, y)
    np.testing.assert_array_equal(frozen.predict(NEW), FeatureTransfer(PROJECTION).fit(X, y).predict(NEW))


def test_an_encoder_that_is_not_fitted_is_an_error():
    with pytest.raises(NotFittedError, match="Encoder 'encoder' is not fitted: fit this PCA on the source"):
        FeatureTransfer(PCA(2)).fit(X, y)


def test_an_encoder_that_only_predicts_is_an_error():
    with pytest.raises(TypeError, match="has no transform.*source of HierarchicalTransfer"):
        FeatureTransfer([("forest", RandomForestRegressor(2).fit(X, y))]).fit(X, y)


@pytest.mark.parametrize("entry", [PROJECTION, ("a", "b"), ("a", PROJECTION, "layer", 1), (1, PROJECTION)])
def test_an_entry_of_another_form_is_an_error(entry):
    with pytest.raises(TypeError, match="Encoder 'a' must be a fitted|encoder must be a fitted transformer"):
        FeatureTransfer([entry]).fit(X, y)


def test_a_layer_of_what_is_no_net_is_an_error():
    with pytest.raises(TypeError, match="a skorch net has and PCA has not"):
        FeatureTransfer((PROJECTION, "hidden")).fit(X, y)


def test_features_that_are_not_finite_are_named():
    encoder = FunctionTransformer(np.log).fit(X)
    bad = np.abs(X) + 1
    bad[7, 2] = 0.0
    with (
        pytest.raises(ValueError, match="Block 'logs' has the feature 2 = -inf in row 7"),
        np.errstate(all="ignore"),
    ):
        FeatureTransfer([("logs", encoder)]).fit(bad, y)


def test_another_number_of_rows_is_an_error():
    with pytest.raises(ValueError, match=r"Block 'encoder' has shape \(15, 5\) for 30 rows"):
        FeatureTransfer(FunctionTransformer(lambda X: X[::2]).fit(X)).fit(X, y)


# blocks -----------------------------------------------------------------------------------------------


def test_blocks_weigh_the_same():
    model = FeatureTransfer([("pca", PROJECTION), ("all", PCA().fit(SOURCE))], passthrough=True).fit(
        1e3 * X, y
    )
    expected = scaled(PROJECTION.transform(1e3 * X), PCA().fit(SOURCE).transform(1e3 * X), X)
    np.testing.assert_allclose(model.transform(1e3 * X), expected)
    assert model.blocks_ == [("pca", 2), ("all", 5), ("raw", 5)]


def test_descriptors_are_fitted_on_the_target_rows():
    model = FeatureTransfer(PROJECTION, passthrough=[("z", StandardScaler()), ("raw", "raw")]).fit(X, y)
    expected = scaled(PROJECTION.transform(X), StandardScaler().fit_transform(X), X)
    np.testing.assert_allclose(model.transform(X), expected)
    assert not hasattr(model.passthrough[0][1], "mean_")


def test_without_an_encoder_the_features_are_those_of_the_table():
    np.testing.assert_allclose(FeatureTransfer().fit(X, y).transform(X), scaled(X))


def test_a_block_that_does_not_vary_is_zero():
    model = FeatureTransfer(FunctionTransformer(np.ones_like).fit(X), passthrough="raw").fit(X, y)
    assert not model.transform(NEW)[:, :5].any()
    assert np.isfinite(model.predict(NEW)).all()


def test_two_blocks_of_one_name_are_an_error():
    with pytest.raises(ValueError, match="the same name: \\['raw'\\]"):
        FeatureTransfer([("raw", PROJECTION)], passthrough="raw").fit(X, y)


def test_a_passthrough_of_another_kind_is_an_error():
    with pytest.raises(TypeError, match="passthrough 'x' must be a transformer or 'raw', it is 3"):
        FeatureTransfer(PROJECTION, passthrough=[("x", 3)]).fit(X, y)


def test_features_are_named_by_block():
    frame = pd.DataFrame(X[:, :2], columns=["a", "b"])
    encoder = PCA(1).fit(frame)
    model = FeatureTransfer([("gas", encoder)], passthrough=[("raw", "raw"), ("z", StandardScaler())])
    names = ["gas__pca0", "raw__a", "raw__b", "z__a", "z__b"]
    assert list(model.fit(frame, y).get_feature_names_out()) == names
    assert list(model.set_output(transform="pandas").transform(frame).columns) == names


# inputs and labels ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [list, pd.Series, np.array])
def test_objects_go_to_the_encoder(kind):
    energy = np.array([2.0 * f.count("C") - f.count("H") for f in FORMULAS])
    model = FeatureTransfer(Letters().fit([])).fit(kind(FORMULAS), energy)
    np.testing.assert_allclose(model.predict(kind(FORMULAS[:5])), energy[:5], atol=0.1)
    assert list(model.get_feature_names_out()) == ["encoder__C", "encoder__H"]


def test_objects_without_an_encoder_are_an_error():
    with pytest.raises(TypeError, match="Features must be numbers"):
        FeatureTransfer().fit(FORMULAS, np.arange(40.0))


def test_descriptors_make_numbers_of_objects():
    energy = np.array([2.0 * f.count("C") - f.count("H") for f in FORMULAS])
    model = FeatureTransfer(passthrough=Letters()).fit(FORMULAS, energy)
    np.testing.assert_allclose(model.predict(FORMULAS[:5]), energy[:5], atol=0.1)


def test_raw_columns_of_a_frame_are_those_that_hold_numbers():
    frame = pd.DataFrame({"formula": FORMULAS, "T": np.arange(40.0), "wet": np.arange(40) % 2 == 0})
    encoder = make_pipeline(FunctionTransformer(lambda frame: frame["formula"]), Letters()).fit(frame)
    model = FeatureTransfer(encoder, passthrough="raw").fit(frame, frame["T"])
    assert model.blocks_ == [("encoder", 2), ("raw", 2)]
    with pytest.raises(TypeError, match="X has no column of numbers"):
        FeatureTransfer(encoder, passthrough="raw").fit(frame[["formula"]], frame["T"])


def test_sparse_tables_are_taken():
    dense = FeatureTransfer(passthrough="raw").fit(X, y).predict(NEW)
    model = FeatureTransfer(passthrough="raw").fit(sparse.csr_matrix(X), y)
    np.testing.assert_allclose(model.predict(sparse.csr_matrix(NEW)), dense)


@pytest.mark.parametrize("head", [None, Ridge(1e-6), SVR(C=100)])
def test_missing_labels_leave_the_rest_to_learn_from(head):
    gaps = Y.copy()
    gaps[::3, 0], gaps[1::3, 1] = np.nan, np.nan
    model = FeatureTransfer(FunctionTransformer().fit(X), head).fit(X, gaps)
    alone = FeatureTransfer(FunctionTransformer().fit(X), head).fit(X[gaps[:, 0] == y], y[gaps[:, 0] == y])
    assert model.predict(NEW).shape == (50, 2)
    assert np.abs(model.predict(X)[:, 0] - y).mean() < 0.2 * np.abs(y - y.mean()).mean()
    assert np.abs(alone.predict(X) - y).mean() < 0.2 * np.abs(y - y.mean()).mean()


def test_weights_reach_the_head():
    weight = np.arange(30.0)
    model = FeatureTransfer(FunctionTransformer().fit(X), LinearRegression()).fit(
        X, Y[:, 1], sample_weight=weight
    )
    expected = LinearRegression().fit(X, Y[:, 1], sample_weight=weight).predict(NEW)
    np.testing.assert_allclose(model.predict(NEW), expected)


def test_weights_for_a_head_that_takes_none_are_an_error():
    with pytest.raises(TypeError, match="does not take sample_weight"):
        FeatureTransfer(PROJECTION, KNeighborsRegressor()).fit(X, y, sample_weight=np.ones(30))


def test_weights_are_routed():
    weight = np.arange(30.0)
    with config_context(enable_metadata_routing=True):
        model = FeatureTransfer(PROJECTION, Ridge()).set_fit_request(sample_weight=True)
        pipeline = make_pipeline(FunctionTransformer(), model).fit(X, y, sample_weight=weight)
    expected = FeatureTransfer(PROJECTION, Ridge()).fit(X, y, sample_weight=weight).predict(NEW)
    np.testing.assert_allclose(pipeline.predict(NEW), expected)


# search, memory, files --------------------------------------------------------------------------------


def test_heads_are_searched_on_two_jobs():
    model = FeatureTransfer(PROJECTION, Ridge())
    one, two = (
        GridSearchCV(model, {"estimator__alpha": [1e-3, 1e3]}, cv=3, n_jobs=n).fit(X, y) for n in (1, 2)
    )
    assert one.best_params_ == two.best_params_ == {"estimator__alpha": 1e-3}
    np.testing.assert_array_equal(one.predict(NEW), two.predict(NEW))


def test_memory_computes_the_features_of_the_same_rows_once(tmp_path):
    encoder = Counted(str(tmp_path / "log")).fit(X)
    model = FeatureTransfer(encoder, Ridge(), memory=str(tmp_path / "cache"))
    search = GridSearchCV(model, {"estimator__alpha": [0.1, 1.0, 10.0]}, cv=3).fit(X, y)
    calls = (tmp_path / "log").read_text().count("called")
    assert calls == 7  # the training and the held-out rows of three folds, and all rows
    plain = FeatureTransfer(encoder, Ridge(search.best_params_["estimator__alpha"])).fit(X, y)
    np.testing.assert_array_equal(search.predict(NEW), plain.predict(NEW))


def test_memory_tells_encoders_and_inputs_apart(tmp_path):
    memory = joblib.Memory(tmp_path / "cache", verbose=0)
    two, three = (Counted(str(tmp_path / "log"), factor).fit(X) for factor in (2.0, 3.0))
    for encoder in (two, three, two):
        for rows in (X, NEW):
            model = FeatureTransfer([("a", encoder)], memory=memory).fit(rows, rows[:, 0])
            plain = FeatureTransfer([("a", encoder)]).fit(rows, rows[:, 0])
            np.testing.assert_array_equal(model.predict(NEW), plain.predict(NEW))


def test_memory_is_shared_by_two_jobs(tmp_path):
    encoder = Counted(str(tmp_path / "log")).fit(X)
    model = FeatureTransfer(encoder, Ridge(), memory=str(tmp_path / "cache"))
    for alpha in (0.1, 1.0, 10.0):
        cross_val_score(model.set_params(estimator__alpha=alpha), X, y, cv=3, n_jobs=2, error_score="raise")
    assert (tmp_path / "log").read_text().count("called") == 6


def test_memory_needs_an_encoder_that_can_be_pickled(tmp_path):
    encoder = FunctionTransformer(lambda X: X).fit(X)
    with pytest.raises(TypeError, match="this FunctionTransformer has none: do without memory"):
        FeatureTransfer(encoder, memory=str(tmp_path)).fit(X, y)


def test_pickle_and_file_round_trips(tmp_path):
    model = FeatureTransfer(PROJECTION, passthrough=[("z", StandardScaler()), ("raw", "raw")]).fit(X, Y)
    skxfer.save(model, tmp_path / "model.skxfer")
    for copy in (pickle.loads(pickle.dumps(model)), skxfer.load(tmp_path / "model.skxfer")):
        np.testing.assert_array_equal(copy.predict(NEW), model.predict(NEW))
        np.testing.assert_array_equal(clone(copy).fit(X, Y).predict(NEW), model.predict(NEW))


def test_scores_are_those_of_an_ordinary_estimator():
    scores = cross_val_score(FeatureTransfer(), X, y, cv=3, error_score="raise")
    assert (scores > 0.9).all()


def test_predictions_do_not_depend_on_batch_mates():
    model = FeatureTransfer(PROJECTION, passthrough="raw").fit(X, y)
    alone = [model.predict(row[None])[0] for row in NEW[:5]]
    np.testing.assert_allclose(model.predict(NEW)[:5], alone, rtol=1e-10)
