"""Damaged files and files of other kinds are refused by name."""

import copy
import json
import pickle
import time
import zipfile

import numpy as np
import pytest
import sklearn
from saved_models import X, rewrite, same, y
from sklearn.ensemble import (
    RandomForestRegressor,
)
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skxfer import io
from skxfer.io import files, zips

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def skops_io():
    return pytest.importorskip("skops.io", reason="in files of earlier versions")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (pickle.dumps(Ridge()), "is a pickle"),
        (b"alpha,beta\n1,2\n", "damaged, or of another kind"),
        (b"PK\x03\x04 and then nothing", "is damaged"),
    ],
)
def test_what_is_no_skxfer_file_is_refused_with_its_kind(content, message, path):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        io.load(path)


def test_a_zip_of_another_kind_is_refused_with_what_it_holds(tmp_path):
    np.savez(tmp_path / "X.npz", X=X)
    with pytest.raises(ValueError, match=r"zip of another kind, with X\.npy"):
        io.load(tmp_path / "X.npz")


def test_a_file_of_skops_is_refused_with_what_it_holds(path):
    skops_io().dump(Ridge(), path)
    with pytest.raises(ValueError, match=r"zip of another kind, with .*schema\.json"):
        io.load(path)


def test_a_missing_file_is_missing(path):
    with pytest.raises(FileNotFoundError):
        io.load(path)


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(keep, good, path):
    path.write_bytes(good[0][: int(keep * len(good[0]))])
    with pytest.raises(ValueError, match="damaged"):
        io.load(path)


def test_an_exchanged_member_is_refused(good, path):
    path.write_bytes(good[0])
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content["arrays.npy"] = content["arrays.npy"][:-8] + bytes(8)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    with pytest.raises(ValueError, match="not those that were saved"):
        io.load(path)


def test_a_newer_format_asks_for_an_upgrade(good, path):
    path.write_bytes(good[0])
    rewrite(path, lambda tree: tree.update(format_version=zips.FORMAT_VERSION + 1, new_key="unheard of"))
    with pytest.raises(ValueError, match="format 2.*Upgrade"):
        io.load(path)


def test_another_version_of_scikit_learn_warns_once(path):
    io.save(make_pipeline(StandardScaler(), RandomForestRegressor(3)).fit(X, y), path)
    text = sklearn.__version__
    rewrite(path, lambda tree: json.loads(json.dumps(tree).replace(f'"{text}"', '"1.0.2"')))
    with pytest.warns(InconsistentVersionWarning, match="1.0.2") as record:
        io.load(path)
    assert len(record) == 1


def test_bit_flips_and_cuts_give_the_right_model_or_a_value_error(good, tmp_path_factory):
    hypothesis = pytest.importorskip("hypothesis", reason="random damage is drawn by hypothesis")
    st = hypothesis.strategies
    content, expected = good
    path = tmp_path_factory.mktemp("fuzz") / "model.skxfer"
    place = st.integers(0, len(content) - 1)

    @hypothesis.settings(max_examples=150)
    @hypothesis.given(st.lists(st.tuples(place, st.integers(0, 7)), max_size=3), place, st.booleans())
    def check(flips, cut, whole):
        damaged = bytearray(content)
        for where, bit in flips:
            damaged[where] ^= 1 << bit
        path.write_bytes(damaged if whole else damaged[:cut])
        try:
            model = io.load(path)
        except ValueError:
            return
        assert same(model.predict(X.copy()), expected)

    check()


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=repr)
def test_a_failure_half_way_leaves_the_old_file_and_no_rubbish(step, error, path, monkeypatch):
    io.save(Ridge(alpha=1.0), path)

    def fail(*args):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(files.os, step, fail)
        with pytest.raises(type(error)):
            io.save(Ridge(alpha=2.0), path)
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert io.load(path).alpha == 1.0


def test_saving_over_a_file_keeps_its_permissions_and_its_link(path):
    io.save(Ridge(), path)
    path.chmod(0o640)
    link = path.with_name("link")
    link.symlink_to(path)
    io.save(Ridge(alpha=2.0), link)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert io.load(path).alpha == 2.0


def test_the_same_model_gives_the_same_file(tmp_path):
    model = RandomForestRegressor(3, random_state=0).fit(X, y)
    io.save(model, tmp_path / "a")
    io.save(copy.deepcopy(model), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "text", [b'"' + b'\\"' * 10**6, b'"' + b'\\"' * 10**6 + b"\\", b'"' * (10**6 + 1), b'["' + b"[{" * 10**6]
)
def test_text_that_does_not_end_is_counted_in_one_pass(text):
    start = time.perf_counter()
    zips.check_json(text, 10)
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("text", [b'{"a": "[[[{{{", "b": "\\"]]]"}', b'["a\\\\", {"b": [1, 2, {}]}]'])
def test_brackets_within_strings_do_not_count(text, monkeypatch):
    monkeypatch.setattr(zips, "MAX_DEPTH", 4)
    monkeypatch.setattr(zips, "_MAX_CONTAINERS", 4)
    zips.check_json(text, 0)
    with pytest.raises(zips.LimitError, match="more objects"):
        zips.check_json(b"[" + text + b",[],[],[]]", 0)


def test_brackets_within_brackets_are_counted(monkeypatch):
    monkeypatch.setattr(zips, "MAX_DEPTH", 4)
    zips.check_json(b"[[], [[[]]], {}]", 0)
    with pytest.raises(zips.LimitError, match="nested 5 deep"):
        zips.check_json(b'[[], [[{"a": []}]], {}]', 0)
