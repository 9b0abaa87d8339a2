import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")

from skxfer.nn.lgdcnn import (  # noqa: E402
    LGDCNN,
    VARIANTS,
    Convolution,
    ConvolutionBlock,
    Elements,
    FractionCode,
    Recurrent,
)
from skxfer.nn.losses import RobustL1  # noqa: E402

SIZE = 8
LENGTHS = [2, 4, 1, 3, 4]
TABLE = np.vstack([np.full(5, np.nan), np.random.default_rng(0).normal(size=(30, 5))])
every_variant = pytest.mark.parametrize("variant", VARIANTS)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def elements():
    return Elements.of(torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None])


def batch(lengths=LENGTHS, seed=0):
    rng = np.random.default_rng(seed)
    number = torch.zeros(len(lengths), max(lengths), dtype=torch.long)
    fraction = torch.zeros(len(lengths), max(lengths))
    for row, length in enumerate(lengths):
        number[row, :length] = torch.as_tensor(rng.choice(30, length, replace=False) + 1)
        fraction[row, :length] = torch.as_tensor(np.sort(rng.dirichlet(np.ones(length)))[::-1].copy())
    return number, fraction


def of_formula(x, elements, row):
    """Rows of a list that belong to one formula, in order."""
    return x[elements.where[row, : LENGTHS[row]]]


def network(**params):
    return LGDCNN(TABLE, n_targets=2, size=SIZE, **({"n_blocks": 1, "variant": "lgdcnn"} | params)).eval()


# the list of elements ---------------------------------------------------------------------------------


def test_list_holds_each_element_once(elements):
    listed = sorted(zip(elements.formula.tolist(), elements.step.tolist(), strict=True))
    assert listed == [(row, step) for row, length in enumerate(LENGTHS) for step in range(length)]


def test_padding_gives_back_what_was_listed(elements):
    x = torch.randn(sum(LENGTHS), 3)
    padded = elements.pad(x, -7.0)
    assert padded.shape == (len(LENGTHS), max(LENGTHS), 3)
    torch.testing.assert_close(padded[elements.formula, elements.step], x)
    for row, length in enumerate(LENGTHS):
        assert (padded[row, length:] == -7).all()


def test_neighbours_are_those_of_the_same_formula(elements):
    place = torch.arange(sum(LENGTHS), dtype=torch.float)[:, None]
    for shift in (-1, 1):
        found = elements.pad(elements.neighbour(place, shift, -1.0), -1.0)[..., 0]
        for row, length in enumerate(LENGTHS):
            own = of_formula(place[:, 0], elements, row).tolist()
            expected = ([-1.0, *own] if shift < 0 else [*own[1:], -1.0])[:length]
            assert found[row, :length].tolist() == expected


def test_totals_are_sums_over_each_formula(elements):
    x = torch.randn(sum(LENGTHS), 3)
    expected = torch.stack([of_formula(x, elements, row).sum(0) for row in range(len(LENGTHS))])
    torch.testing.assert_close(elements.total(x), expected)


# layers against torch's own, one formula at a time ----------------------------------------------------


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_recurrent_layer_is_that_of_each_formula_alone(kind, elements):
    layer = Recurrent(kind, SIZE, None)
    x = torch.randn(sum(LENGTHS), SIZE)
    y = layer(x, elements)
    for row in range(len(LENGTHS)):
        alone, _ = layer.layer(of_formula(x, elements, row)[:, None])
        torch.testing.assert_close(of_formula(y, elements, row), alone[:, 0])


def test_soft_attention_multiplies_by_one_plus_a_share(elements):
    layer = Recurrent("gru", SIZE, "soft")
    x = torch.randn(sum(LENGTHS), SIZE)
    y = layer(x, elements)
    for row in range(len(LENGTHS)):
        h = layer.layer(of_formula(x, elements, row)[:, None])[0][:, 0]
        alpha = torch.softmax(layer.score(h), dim=0)
        torch.testing.assert_close(of_formula(y, elements, row), h * (1 + alpha))


def test_self_attention_sees_one_formula(elements):
    layer = Recurrent("lstm", SIZE, "self", n_heads=2)
    x = torch.randn(sum(LENGTHS), SIZE)
    y = layer(x, elements)
    for row in range(len(LENGTHS)):
        h = layer.layer(of_formula(x, elements, row)[:, None])[0][:, 0]
        mixed, _ = layer.heads(h[None], h[None], h[None])
        torch.testing.assert_close(of_formula(y, elements, row), h + mixed[0])


def conv1d(layer, h):
    """The same convolution by torch's function, of one formula [length, size]."""
    width = len(layer.shifts)
    weight = layer.linear.weight.view(SIZE, width, SIZE).transpose(1, 2)
    return torch.nn.functional.conv1d(h.T[None], weight, layer.linear.bias, padding=width // 2)[0].T


@pytest.mark.parametrize("width", [1, 3])
def test_convolution_is_that_of_each_formula_alone(width, elements):
    layer = Convolution(SIZE, width)
    x = torch.randn(sum(LENGTHS), SIZE)
    y = layer(x, elements)
    for row in range(len(LENGTHS)):
        torch.testing.assert_close(of_formula(y, elements, row), conv1d(layer, of_formula(x, elements, row)))


def test_block_adds_two_convolutions_of_positive_parts(elements):
    block = ConvolutionBlock(SIZE, 3)
    x = torch.randn(sum(LENGTHS), SIZE)
    y = block(x, elements)
    for row in range(len(LENGTHS)):
        h = of_formula(x, elements, row)
        first = conv1d(block.convolutions[0], h.relu())
        torch.testing.assert_close(
            of_formula(y, elements, row), h + conv1d(block.convolutions[1], first.relu())
        )


def test_fraction_code_tells_fractions_apart():
    code = FractionCode(16)(torch.tensor([1e-4, 2e-4, 1e-2, 0.3333, 0.5, 1.0]))
    assert code.shape == (6, 16)
    assert torch.isfinite(code).all()
    assert torch.pdist(code).min() > 0.1


# the network ------------------------------------------------------------------------------------------


@every_variant
def test_prediction_does_not_depend_on_batch_mates_or_padding(variant):
    net = network(variant=variant)
    number, fraction = batch()
    together = net(number, fraction)
    for row, length in enumerate(LENGTHS):
        alone = net(number[row : row + 1, :length], fraction[row : row + 1, :length])
        torch.testing.assert_close(together[row], alone[0], rtol=1e-5, atol=1e-6)
    wide = [torch.nn.functional.pad(x, (0, 5)) for x in (number, fraction)]
    torch.testing.assert_close(net(*wide), together, rtol=1e-5, atol=1e-6)


@every_variant
def test_predictions_follow_the_order_of_rows(variant):
    net = network(variant=variant)
    number, fraction = batch()
    order = torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(
        net(number[order], fraction[order]), net(number, fraction)[order], rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("variant", ["lgdcnn", "v1", "v2"])
@pytest.mark.parametrize("pooling", ["mean", "fraction", "attention"])
def test_gradients_agree_with_finite_differences(variant, pooling):
    net = network(variant=variant, pooling=pooling).double()
    number, fraction = batch([2, 3, 1])
    fraction = fraction.double()
    names, values = zip(*net.named_parameters(), strict=True)

    def loss(*parameters):
        weights = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(net, weights, (number, fraction))

    assert torch.autograd.gradcheck(loss, values, fast_mode=True, atol=1e-6)


@pytest.mark.parametrize("pooling", ["mean", "fraction", "attention"])
def test_contributions_add_up_to_the_prediction(pooling):
    net = network(pooling=pooling)
    number, fraction = batch()
    contributions = net.contributions(number, fraction)
    assert contributions.shape == (len(LENGTHS), max(LENGTHS), 2)
    assert (contributions[number == 0] == 0).all()
    torch.testing.assert_close(contributions.sum(1), net(number, fraction)[..., 0])


@pytest.mark.parametrize("pooling", ["mean", "fraction", "attention"])
def test_weights_of_the_elements_sum_to_one(pooling):
    _, weight, elements = network(pooling=pooling).encode(*batch())
    torch.testing.assert_close(elements.total(weight), torch.ones(len(LENGTHS), 1))


def test_pooled_features_are_the_mean_of_the_feature_map():
    net = network()
    number, fraction = batch()
    maps, pooled = net.feature_map(number, fraction), net.pooled(number, fraction)
    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(maps[row, :length].mean(0), pooled[row])


def test_no_element_sees_another_under_a_kernel_of_one():
    net = network(variant="dcnn-k1")
    number, fraction = batch([3])
    other = number.clone()
    other[0, 1] = 31 - number[0, 1]
    changed = (net.feature_map(number, fraction) != net.feature_map(other, fraction)).any(-1)[0]
    assert changed.tolist() == [False, True, False]


@pytest.mark.parametrize("variant", ["lgdcnn", "lstm", "v2"])
def test_every_element_sees_all_others_through_a_recurrent_layer(variant):
    net = network(variant=variant)
    number, fraction = batch([4])
    other = number.clone()
    other[0, 3] = 31 - number[0, 3]
    changed = (net.feature_map(number, fraction) != net.feature_map(other, fraction)).any(-1)[0]
    assert changed.all()


def test_fractions_are_shaken_in_training_only():
    number, fraction = batch()
    net = network()
    torch.testing.assert_close(net(number, fraction), net(number, fraction), rtol=0, atol=0)
    net.train()
    assert (net(number, fraction) != net(number, fraction)).any()
    net.jitter = 0.0
    torch.testing.assert_close(net(number, fraction), net(number, fraction), rtol=0, atol=0)


# the loss ---------------------------------------------------------------------------------------------


def test_loss_is_the_likelihood_of_a_laplace_distribution():
    prediction, target = torch.randn(4, 2, 2), torch.randn(4, 2)
    sigma = prediction[..., 1].exp()
    laplace = torch.distributions.Laplace(prediction[..., 0], sigma / math.sqrt(2))
    expected = -laplace.log_prob(target).mean() - 0.5 * math.log(2)
    got = RobustL1()(prediction, {"target": target, "weight": torch.ones(4, 2)})
    torch.testing.assert_close(got, expected)


def test_missing_labels_have_no_gradient():
    prediction = torch.randn(3, 1, 2, requires_grad=True)
    weight = torch.tensor([[1.5], [0.0], [1.5]])
    RobustL1()(prediction, {"target": torch.zeros(3, 1), "weight": weight}).backward()
    assert (prediction.grad[1] == 0).all()
    assert (prediction.grad[0] != 0).all()
