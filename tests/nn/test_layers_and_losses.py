"""Grouped layers against one module per group; losses against sums written out."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from skxfer.nn.layers import GroupedDropout, GroupedLayerNorm, GroupedLinear, GroupedMLP  # noqa: E402
from skxfer.nn.losses import masked_smooth_l1, similarity_penalty, uncertainty_weighted  # noqa: E402


def test_grouped_linear_is_one_linear_layer_for_each_group():
    layer, x = GroupedLinear(3, 5, 2), torch.randn(3, 7, 5)
    expected = []
    for g in range(3):
        one = torch.nn.Linear(5, 2)
        one.weight.data, one.bias.data = layer.weight[g].T, layer.bias[g, 0]
        expected.append(one(x[g]))
    torch.testing.assert_close(layer(x), torch.stack(expected))


def test_grouped_linear_shares_one_input_among_the_groups():
    layer, x = GroupedLinear(3, 5, 2), torch.randn(1, 7, 5)
    torch.testing.assert_close(layer(x), layer(x.repeat(3, 1, 1)))


def test_grouped_layer_norm_is_one_for_each_group():
    layer, x = GroupedLayerNorm(3, 5), torch.randn(3, 7, 5)
    layer.scale.data, layer.shift.data = torch.randn(3, 1, 5), torch.randn(3, 1, 5)
    expected = []
    for g in range(3):
        one = torch.nn.LayerNorm(5)
        one.weight.data, one.bias.data = layer.scale[g, 0], layer.shift[g, 0]
        expected.append(one(x[g]))
    torch.testing.assert_close(layer(x), torch.stack(expected))


def test_groups_do_not_influence_one_another():
    mlp, x = GroupedMLP(3, [5, 4, 2], "silu", normalise=True), torch.randn(3, 7, 5, requires_grad=True)
    mlp(x)[1].sum().backward()
    assert x.grad[1].abs().sum() > 0
    assert x.grad[[0, 2]].abs().sum() == 0


def test_dropout_keeps_the_mean_and_acts_in_training_only():
    layer, x = GroupedDropout(0.25), torch.ones(2, 400, 50)
    dropped = layer(x)
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.02)
    assert dropped.mean().item() == pytest.approx(1.0, abs=0.03)
    assert layer.eval()(x) is x


def test_smooth_l1_is_quadratic_below_beta_and_linear_above():
    prediction = torch.tensor([[[0.1], [2.0]]])
    target, weight = torch.zeros_like(prediction), torch.ones_like(prediction)
    loss = masked_smooth_l1(prediction, target, weight, beta=0.5)
    expected = (0.5 * 0.1**2 / 0.5 + (2.0 - 0.25)) / 2
    assert loss.item() == pytest.approx(expected)


def test_missing_labels_neither_count_nor_spoil_the_gradient():
    prediction = torch.tensor([[[1.0, 3.0], [2.0, 5.0]]], requires_grad=True)
    target = torch.tensor([[[0.0, np.nan], [0.0, 0.0]]])
    weight = torch.tensor([[[1.0, 0.0], [1.0, 1.0]]])
    loss = masked_smooth_l1(prediction, target, weight, beta=1.0)
    loss.sum().backward()
    assert loss[0].tolist() == pytest.approx([(0.5 + 1.5) / 2, 4.5 / 2])
    assert prediction.grad[0, 0, 1] == 0
    assert torch.isfinite(prediction.grad).all()


def test_learned_weights_settle_at_the_size_of_each_loss():
    """The sum exp(-s) L + s / 2 is least where exp(s) = 2 L."""
    losses, s = torch.tensor([[0.02, 3.0]]), torch.zeros(1, 2, requires_grad=True)
    optimizer = torch.optim.LBFGS([s], max_iter=100)

    def closure():
        optimizer.zero_grad()
        total = uncertainty_weighted(losses, s).sum()
        total.backward()
        return total

    optimizer.step(closure)
    torch.testing.assert_close(s.detach().exp(), 2 * losses, rtol=1e-3, atol=1e-5)


def test_penalty_is_one_for_equal_and_zero_for_orthogonal_representations():
    x = torch.randn(2, 1, 5, 3)
    same = torch.cat([x, 2 * x, -x], dim=1)
    torch.testing.assert_close(similarity_penalty(same), torch.ones(2))
    orthogonal = torch.eye(4)[None, :, None].repeat(2, 1, 6, 1)  # 4 experts along 4 axes
    torch.testing.assert_close(similarity_penalty(orthogonal), torch.zeros(2))


def test_penalty_is_the_mean_squared_cosine_of_all_pairs():
    x = torch.randn(1, 3, 6, 4)
    cosine = torch.nn.functional.cosine_similarity
    pairs = [cosine(x[0, i], x[0, j], dim=-1) ** 2 for i in range(3) for j in range(i)]
    torch.testing.assert_close(similarity_penalty(x), torch.stack(pairs).mean()[None])


def test_penalty_does_not_depend_on_the_size_of_the_batch():
    x = torch.randn(2, 3, 6, 4)
    torch.testing.assert_close(similarity_penalty(x.repeat(1, 1, 5, 1)), similarity_penalty(x))


def test_one_representation_has_no_penalty():
    assert similarity_penalty(torch.randn(2, 1, 6, 4)).tolist() == [0.0, 0.0]
