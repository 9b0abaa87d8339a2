"""What would not come back as it was is refused when it is saved, with the name of the attribute."""

import collections
import datetime
import enum
import fractions
import sys
import types
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from joblib import Memory
from scipy import sparse, stats
from sklearn.base import BaseEstimator
from sklearn.cluster import FeatureAgglomeration
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import SplineTransformer

import skxfer
from skxfer import io


class Words(dict):
    pass


class Count(int):
    pass


class Text(str):
    pass


class Ratio(float):
    pass


class Row(list):
    pass


class Pair(NamedTuple):
    left: int = 1
    right: int = 2


class Triple(tuple):
    pass


class Bag(set):
    pass


class Colour(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    HIGH = 1


class Slotted:
    __slots__ = ("x",)

    def __init__(self):
        self.x = 1


class SlottedToo(Slotted):
    """With a dict of its own, next to what stands in the slot."""

    def __init__(self):
        super().__init__()
        self.y = 2


@dataclass(slots=True)
class Point:
    x: int = 1


class Own(np.ndarray):
    pass


class OwnNumber(np.float64):
    pass


class Reduced:
    def __reduce__(self):
        return Reduced, ()


class Arguments:
    def __getnewargs__(self):
        return (1,)


def named_index():
    return pd.DataFrame({"a": [1.0]}, index=pd.Index(["x"], name="sample"))


REFUSED = {
    "dict": Words(a=1),
    "int": Count(3),
    "str": Text("a"),
    "float": Ratio(0.5),
    "list": Row([1]),
    "tuple": Triple((1,)),
    "set": Bag({1}),
    "namedtuple": Pair(),
    "collections.namedtuple": collections.namedtuple("P", "x")(1),  # noqa: PYI024
    "defaultdict": collections.defaultdict(list),
    "Counter": collections.Counter("a"),
    "deque": collections.deque([1]),
    "Enum": Colour.RED,
    "IntEnum": Level.HIGH,
    "slots": Slotted(),
    "slots of a base": SlottedToo(),
    "slots of a dataclass": Point(),
    "reduce": Reduced(),
    "getnewargs": Arguments(),
    "subclass of ndarray": np.zeros(2).view(Own),
    "record array": np.rec.array([(1, 2.0)], dtype=[("a", int), ("b", float)]),
    "matrix": np.matrix([[1.0]]),
    "subclass of float64": OwnNumber(1.0),
    "void": np.zeros(1, [("a", int)])[0],
    "aligned fields": np.zeros(2, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
    "metadata": np.zeros(2, np.dtype("f8", metadata={"unit": "eV"})),
    "structured dtype": np.dtype([("a", int)]),
    "sub-array dtype": np.dtype((float, (2,))),
    "masked constant": np.ma.masked,
    "masked fields": np.ma.zeros(2, [("a", int)]),
    "category": pd.DataFrame({"a": pd.Categorical(["x", "y"])}),
    "Sparse": pd.DataFrame({"a": pd.arrays.SparseArray([0, 1])}),
    "nullable": pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}),
    "nullable boolean": pd.DataFrame({"a": pd.array([True, None], dtype="boolean")}),
    "time zone": pd.DataFrame({"a": pd.date_range("2024", periods=2, tz="UTC")}),
    "period": pd.DataFrame({"a": pd.period_range("2024", periods=2, freq="M")}),
    "name of the index": named_index(),
    "name of the columns": pd.DataFrame({"a": [1.0]}).rename_axis(columns="feature"),
    "index of dates": pd.DataFrame({"a": [1.0]}, index=pd.date_range("2024", periods=1)),
    "categorical index": pd.DataFrame({"a": [1.0]}, index=pd.CategoricalIndex(["x"])),
    "levels": pd.DataFrame([[1.0]], columns=pd.MultiIndex.from_tuples([("a", "b")])),
    "attrs": pd.DataFrame({"a": [1.0]}),
    "Series": pd.Series([1.0]),
    "Index": pd.Index([1.0]),
    "Timestamp": pd.Timestamp("2024-01-01"),
    "NA": pd.NA,
    "path": Path("x"),
    "datetime": datetime.datetime(2024, 1, 1),
    "Decimal": Decimal("0.1"),
    "Fraction": fractions.Fraction(1, 3),
    "bytearray": bytearray(b"x"),
    "memoryview": memoryview(b"x"),
    "mapping proxy": types.MappingProxyType({}),
    "namespace": types.SimpleNamespace(a=1),
    "module": sys,
    "method": "a".join,
    "lambda": lambda: 1,
    "generator": (i for i in "a"),
    "seeded distribution": stats.norm(0, 1),
    "sparse with another layout": sparse.dok_matrix((2, 2)),
    "1-D sparse array": sparse.coo_array(np.eye(2)).reshape(4),
    "number of 5000 digits": 10**5000,
    "frompyfunc": np.frompyfunc(len, 1, 1),
}
REFUSED["attrs"].attrs["unit"] = "eV"
REFUSED["seeded distribution"].random_state = np.random.RandomState(0)


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("within", ["a parameter", "a list", "a dict", "an array", "an object"])
def test_what_would_not_come_back_is_refused_with_its_place(name, within, tmp_path):
    value = REFUSED[name]
    array = np.empty(1, dtype=object)
    array[0] = value
    model = {
        "a parameter": Ridge(alpha=value),
        "a list": Ridge(alpha=[value]),
        "a dict": Ridge(alpha={"key": value}),
        "an array": Ridge(alpha=array),
        "an object": make_pipeline(Ridge(alpha=value)),
    }[within]
    place = r"Pipeline\.steps\[0\]\[1\]\.alpha" if within == "an object" else r"Ridge\.alpha"
    with pytest.raises(TypeError, match=f"Cannot save {place}"):
        io.save(model, tmp_path / "model.skxfer")
    assert [*tmp_path.iterdir()] == []


def test_tensors_that_would_not_come_back_are_refused(tmp_path):
    torch = pytest.importorskip("torch", reason="tensors")
    double = torch.zeros(2, dtype=torch.complex128)
    for tensor in (torch.eye(2).to_sparse(), double, torch.zeros(2, device="meta")):
        with pytest.raises(TypeError, match=r"Cannot save Ridge\.alpha: a tensor"):
            io.save(Ridge(alpha=tensor), tmp_path / "model.skxfer")


@pytest.mark.parametrize("key", [Count(3), Text("a"), Pair(), Colour.RED])
def test_keys_that_would_not_come_back_are_refused(key, tmp_path):
    with pytest.raises(TypeError, match=r"Cannot save Ridge\.alpha"):
        io.save(Ridge(alpha={key: 1}), tmp_path / "model.skxfer")


COMES_BACK = {
    "structured array": np.array([(1, 2.5, "a")], dtype=[("n", "i4"), ("x", "f8"), ("t", "U3")]),
    "structured array with gaps": np.zeros(
        2, np.dtype({"names": ["a"], "formats": ["i4"], "offsets": [4], "itemsize": 16})
    ),
    "nested fields": np.zeros(2, [("a", [("b", "f4", (2,))])]),
    "masked array": np.ma.array([1.0, 2.0], mask=[True, False], fill_value=-9.0),
    "masked array without a mask": np.ma.array([1.0, 2.0]),
    "hard mask": np.ma.array([1, 2], mask=[1, 0], hard_mask=True),
    "table": pd.DataFrame({"a": [1, 2], "b": [0.5, np.nan], "c": ["x", None]}),
    "table of one type": pd.DataFrame(np.eye(2, dtype=np.float32), columns=["a", "b"], index=["x", "y"]),
    "table with a range": pd.DataFrame({"a": [1.0, 2.0]}, index=pd.RangeIndex(5, 9, 2)),
    "table of dates": pd.DataFrame({"a": np.array(["2024-01-01"], "M8[ns]")}),
    "table with numbers for names": pd.DataFrame(np.eye(2), columns=[1, 0]),
    "empty table": pd.DataFrame({"a": np.array([], float)}),
    "set": {"b", "a", 3, (1, 2)},
    "csr": sparse.csr_matrix(np.eye(3)),
    "csc array": sparse.csc_array(np.eye(3)),
    "coo": sparse.coo_matrix(np.eye(3)),
    "dia": sparse.dia_matrix(np.eye(3)),
    "bsr": sparse.bsr_matrix(np.eye(4), blocksize=(2, 2)),
}


@pytest.mark.parametrize("name", COMES_BACK)
def test_what_comes_back_is_the_same(name, tmp_path):
    value = COMES_BACK[name]
    io.save(Ridge(alpha=value), tmp_path / "model.skxfer")
    got = io.load(tmp_path / "model.skxfer").alpha
    assert type(got) is type(value)
    if isinstance(value, pd.DataFrame):
        pd.testing.assert_frame_equal(got, value, check_exact=True)
        return
    if sparse.issparse(value):
        assert (got.dtype, got.format, got.shape) == (value.dtype, value.format, value.shape)
        np.testing.assert_array_equal(got.toarray(), value.toarray())
        return
    assert repr(got) == repr(value) or isinstance(value, set)
    if isinstance(value, np.ma.MaskedArray):
        assert got.fill_value == value.fill_value
        assert got.hardmask == value.hardmask
        assert (got.mask is np.ma.nomask) == (value.mask is np.ma.nomask)
    elif isinstance(value, np.ndarray):
        assert got.dtype == value.dtype
    assert np.all(got == value)


def test_text_columns_of_pandas_come_back(tmp_path):
    frame = pd.DataFrame({"a": pd.array(["x", None], dtype="string[python]")})
    io.save(Ridge(alpha=frame), tmp_path / "model.skxfer")
    pd.testing.assert_frame_equal(io.load(tmp_path / "model.skxfer").alpha, frame)


def test_a_generator_goes_on_where_it_was_and_spawns_the_same(tmp_path):
    rng = np.random.default_rng(3)
    rng.normal(size=5)
    rng.spawn(1)
    io.save(Ridge(random_state=rng), tmp_path / "model.skxfer")
    got = io.load(tmp_path / "model.skxfer").random_state
    np.testing.assert_array_equal(got.normal(size=3), rng.normal(size=3))
    np.testing.assert_array_equal(got.spawn(1)[0].normal(size=3), rng.spawn(1)[0].normal(size=3))


@pytest.mark.parametrize("bits", ["MT19937", "PCG64DXSM", "Philox", "SFC64"])
def test_every_random_generator_of_numpy_comes_back(bits, tmp_path):
    rng = np.random.Generator(getattr(np.random, bits)(1))
    rng.integers(5, size=3, dtype=np.int32)
    io.save(Ridge(random_state=rng), tmp_path / "model.skxfer")
    got = io.load(tmp_path / "model.skxfer").random_state
    np.testing.assert_array_equal(got.normal(size=9), rng.normal(size=9))


def test_splines_of_a_constant_column_come_back(tmp_path):
    X = np.c_[np.ones(20), np.linspace(0, 1, 20)]
    splines = SplineTransformer(n_knots=4).fit(X)
    io.save(splines, tmp_path / "model.skxfer")
    np.testing.assert_array_equal(io.load(tmp_path / "model.skxfer").transform(X), splines.transform(X))


# What acts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("memory", ["cache", "/tmp/cache", Memory("cache", verbose=0)], ids=str)
def test_a_cache_is_not_saved_and_the_user_is_told(memory, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for model, where in (
        (Pipeline([("a", Ridge())], memory=memory), "Pipeline.memory"),
        (FeatureAgglomeration(memory=memory), "FeatureAgglomeration.memory"),
        (skxfer.FeatureTransfer(memory=memory), "FeatureTransfer.memory"),
    ):
        with pytest.warns(UserWarning, match=f"{where} is not saved") as record:
            io.save(model, tmp_path / "model.skxfer")
        assert record[0].filename == __file__
        assert io.load(tmp_path / "model.skxfer").memory is None
        assert model.memory is memory


def test_a_path_to_a_pretrained_network_is_not_saved_and_its_name_is(tmp_path):
    model = skxfer.QDDTransformer(pretrained=str(tmp_path / "net.skxfer"))
    with pytest.warns(UserWarning, match=r"QDDTransformer\.pretrained is not saved"):
        io.save(model, tmp_path / "model.skxfer")
    assert io.load(tmp_path / "model.skxfer").pretrained is None
    io.save(skxfer.QDDTransformer(pretrained="qm9"), tmp_path / "model.skxfer")
    assert io.load(tmp_path / "model.skxfer").pretrained == "qm9"


def test_a_model_that_reads_the_files_it_is_given_is_refused(tmp_path):
    with pytest.raises(TypeError, match=r"CountVectorizer\.input: .*content"):
        io.save(CountVectorizer(input="filename"), tmp_path / "model.skxfer")


def test_a_search_over_caches_is_refused(tmp_path):
    search = GridSearchCV(make_pipeline(Ridge()), {"memory": ["cache", None]})
    with pytest.raises(TypeError, match=r"GridSearchCV\.param_grid: memory"):
        io.save(search, tmp_path / "model.skxfer")


def test_callbacks_of_xgboost_that_write_files_are_not_saved(tmp_path):
    xgboost = pytest.importorskip("xgboost", reason="callbacks of XGBoost")
    keep = xgboost.callback.EarlyStopping(3)
    drop = xgboost.callback.TrainingCheckPoint(str(tmp_path))
    with pytest.warns(UserWarning, match=r"XGBRegressor\.callbacks is not saved"):
        io.save(xgboost.XGBRegressor(callbacks=[keep, drop]), tmp_path / "model.skxfer")
    (got,) = io.load(tmp_path / "model.skxfer").callbacks
    assert got.rounds == 3


def test_hooks_of_modules_are_not_saved_and_the_user_is_told(tmp_path):
    torch = pytest.importorskip("torch", reason="hooks of torch modules")
    skorch = pytest.importorskip("skorch", reason="a module within a net")
    layer = torch.nn.Linear(1, 1)
    layer.register_forward_hook(lambda *_: None)
    with pytest.warns(UserWarning, match=r"NeuralNetRegressor\.module has hooks"):
        io.save(skorch.NeuralNetRegressor(layer), tmp_path / "model.skxfer")
    assert not io.load(tmp_path / "model.skxfer").module._forward_hooks


def test_a_net_that_compiles_or_loads_in_its_own_way_comes_back_without(tmp_path):
    torch = pytest.importorskip("torch", reason="a net")
    skorch = pytest.importorskip("skorch", reason="a net")
    net = skorch.NeuralNetRegressor(
        torch.nn.Linear, module__in_features=1, module__out_features=1, compile=True
    )
    with pytest.warns(UserWarning, match=r"NeuralNetRegressor\.compile is not saved"):
        io.save(net, tmp_path / "model.skxfer")
    assert io.load(tmp_path / "model.skxfer").compile is False


def test_an_attribute_that_hides_a_method_is_refused(tmp_path):
    model = Ridge().fit([[0.0], [1.0]], [0.0, 1.0])
    model.predict = np.sum
    with pytest.raises(TypeError, match=r"Ridge\.predict"):
        io.save(model, tmp_path / "model.skxfer")


class Booster(BaseEstimator):
    """Stands for a learner of LightGBM or CatBoost, which keep their trees in compiled memory."""

    __module__ = "lightgbm.sklearn"
    fitted_ = True


def test_trees_of_other_packages_are_refused_with_what_to_do(tmp_path):
    with pytest.raises(TypeError, match=r"Pipeline\.steps\[0\]\[1\]: .*lightgbm's own save_model"):
        io.save(make_pipeline(Booster()), tmp_path / "model.skxfer")


@pytest.mark.parametrize(
    ("package", "name"), [("lightgbm", "LGBMRegressor"), ("catboost", "CatBoostRegressor")]
)
def test_real_trees_of_other_packages_are_refused(package, name, tmp_path, monkeypatch):
    module = pytest.importorskip(package, reason=f"a learner of {package}")
    monkeypatch.chdir(tmp_path)
    model = getattr(module, name)(n_estimators=2).fit(np.eye(30), np.arange(30))
    with pytest.raises(TypeError, match=f"{package}'s own save_model"):
        io.save(model, tmp_path / "model.skxfer")
