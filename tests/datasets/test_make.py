import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import LinearRegression

from skxfer.datasets import make_domains


def _rows(problem, name):
    return problem.domain == name


def test_rows_come_in_the_numbers_asked_for():
    problem = make_domains(40, 10, 20, 3, 2, n_sources=2, random_state=0)
    names, counts = np.unique(problem.domain, return_counts=True)
    assert dict(zip(names, counts, strict=True)) == {"source_0": 40, "source_1": 40, "target": 10, "test": 20}
    assert problem.data.shape == (110, 3)
    assert problem.target.shape == problem.own_function.shape == problem.target_function.shape == (110, 2)
    assert problem.source_domains == ("source_0", "source_1")
    assert (problem.target_domains, problem.test_domains) == (("target",), ("test",))
    assert (problem.feature_names, problem.target_names) == (["x0", "x1", "x2"], ["y0", "y1"])


def test_single_target_is_one_dimensional():
    assert make_domains(10, 5, 5, random_state=0).target.shape == (20,)


def test_no_test_rows_means_no_test_domain():
    problem = make_domains(10, 5, 0, random_state=0)
    assert problem.test_domains == ()
    assert "test" not in problem.domain


def test_random_state_repeats_the_problem_and_another_changes_it():
    first, same, other = (make_domains(20, 5, 5, random_state=s).target for s in (0, 0, 1))
    np.testing.assert_array_equal(first, same)
    assert not np.allclose(first, other)


def test_global_random_state_is_left_alone():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    make_domains(10, 5, 5, random_state=3)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_noise_has_the_stated_standard_deviation():
    problem = make_domains(20000, 5, 5, noise=0.3, random_state=0)
    assert np.std(problem.target - problem.own_function) == pytest.approx(0.3, rel=0.02)


def test_without_noise_target_rows_hold_the_true_function():
    problem = make_domains(20, 10, 10, noise=0, random_state=0)
    for name in ("target", "test"):
        rows = _rows(problem, name)
        np.testing.assert_array_equal(problem.target[rows], problem.target_function[rows])


def test_functions_have_mean_zero_and_variance_one():
    problem = make_domains(20000, 5, 20000, 4, 2, noise=0, random_state=0)
    for values in (problem.target[_rows(problem, "test")], problem.target[_rows(problem, "source_0")]):
        # Four standard errors of 20000 rows and of the 4096 that set the scale.
        np.testing.assert_allclose(values.mean(axis=0), 0, atol=0.08)
        np.testing.assert_allclose(values.var(axis=0), 1, atol=0.1)


def test_identical_source_has_the_function_of_the_target():
    problem = make_domains(100, 5, 5, relation="identical", n_sources=2, random_state=0)
    np.testing.assert_allclose(problem.own_function, problem.target_function)
    np.testing.assert_allclose(problem.similarity, 1)
    np.testing.assert_array_equal(problem.scale, 1)


@pytest.mark.parametrize("relation", ["identical", "scaled", 1, -1.0])
def test_scale_and_offset_lead_from_source_to_target(relation):
    problem = make_domains(100, 5, 5, n_targets=2, relation=relation, n_sources=3, random_state=0)
    for k, name in enumerate(problem.source_domains):
        rows = _rows(problem, name)
        np.testing.assert_allclose(
            problem.scale[k] * problem.own_function[rows] + problem.offset[k], problem.target_function[rows]
        )


def test_scaled_sources_differ_from_the_target_and_each_other():
    problem = make_domains(relation="scaled", n_sources=3, random_state=0)
    assert len(np.unique(problem.offset)) == 3
    assert np.all((problem.scale >= 0.5) & (problem.scale <= 2))


@pytest.mark.parametrize("relation", [-0.5, 0.0, 0.3, 0.8])
def test_float_relation_is_the_correlation_of_the_functions(relation):
    problem = make_domains(20000, 5, 5, relation=relation, n_sources=2, random_state=0)
    for k, name in enumerate(problem.source_domains):
        rows = _rows(problem, name)
        seen = np.corrcoef(problem.own_function[rows], problem.target_function[rows])[0, 1]
        assert seen == pytest.approx(relation, abs=0.07)
        assert problem.similarity[k, 0] == pytest.approx(relation, abs=1e-10)


def test_words_stand_for_their_similarity():
    for relation, value in {"related": 0.98, "unrelated": 0.0}.items():
        problem = make_domains(relation=relation, random_state=0)
        assert problem.similarity[0, 0] == pytest.approx(value, abs=1e-10)
        assert problem.scale is None


def test_adversarial_source_agrees_above_the_border_and_is_reversed_below():
    problem = make_domains(200, 5, 5, relation="adversarial", random_state=0)
    rows = _rows(problem, "source_0")
    sign = np.where(problem.data[rows, 0] > 0.2, 1, -1)
    np.testing.assert_array_equal(problem.own_function[rows], sign * problem.target_function[rows])
    assert {-1, 1} == set(sign)


def _error(problem, rows):
    test = _rows(problem, "test")
    model = ExtraTreesRegressor(50, random_state=0).fit(problem.data[rows], problem.target[rows])
    return np.sqrt(np.mean((model.predict(problem.data[test]) - problem.target_function[test]) ** 2))


def test_identical_source_helps_and_adversarial_source_hurts():
    for relation, helps in {"identical": True, "adversarial": False, "unrelated": False}.items():
        problem = make_domains(relation=relation, random_state=0)
        merged, alone = _error(problem, ~_rows(problem, "test")), _error(problem, _rows(problem, "target"))
        assert (merged < 0.8 * alone) if helps else (merged > 1.2 * alone)


def test_rescaling_cannot_undo_the_adversarial_source():
    problem = make_domains(2000, 5, 5, relation="adversarial", random_state=0)
    rows = _rows(problem, "source_0")
    own, truth = problem.own_function[rows, None], problem.target_function[rows]
    assert LinearRegression().fit(own, truth).score(own, truth) < 0.25


@pytest.mark.parametrize(
    "wrong",
    [
        *({"relation": "similar"}, {"relation": 1.1}, {"n_targets": 0}, {"noise": -1.0}, {"n_source": 2.5}),
        *({"task": "ranking"}, {"n_classes": 1}),
    ],
)
def test_wrong_parameter_is_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        make_domains(**wrong)
