"""The multi-expert network against one written with loops, and its symmetries."""

import pytest

torch = pytest.importorskip("torch")

from skxfer.nn.hmnn import HMNN, HMNNLoss  # noqa: E402

PAIRS, CONTEXT = [[0, 2], [1, 3], [0, 4], [1, 5]], [6]
SIZES = {"expert_dim": 6, "hidden_dim": 8, "embedding_dim": 3}


def network(dtype=torch.float64, **params):
    torch.manual_seed(0)
    params = {"pairs": PAIRS, "context": CONTEXT, "n_experts": 3} | SIZES | params
    return HMNN(8, 2, **params).to(dtype).eval()


def rows(n=5, dtype=torch.float64):
    return torch.randn(n, 8, dtype=dtype, generator=torch.Generator().manual_seed(1))


def mlp(layers, group, x):
    """What a GroupedMLP does to one group, layer by layer."""
    for layer in layers:
        name = type(layer).__name__
        if name == "GroupedLinear":
            x = x @ layer.weight[group] + layer.bias[group, 0]
        elif name == "GroupedLayerNorm":
            x = (
                torch.nn.functional.layer_norm(x, x.shape[-1:]) * layer.scale[group, 0]
                + layer.shift[group, 0]
            )
        elif name != "GroupedDropout":
            x = layer(x)
    return x


def by_loops(net, x, member):
    """The equations of the paper, one pair, expert, gate and tower after the other."""
    n_pairs, n_experts, n_tasks = len(PAIRS), net.n_experts, net.n_tasks
    parts = [x]
    parts += [mlp(net.pair_embedding, member * n_pairs + p, x[:, pair]) for p, pair in enumerate(PAIRS)]
    parts.append(mlp(net.context_embedding, member, x[:, CONTEXT]))
    m = torch.cat(parts, dim=1)
    experts = [mlp(net.experts, member * n_experts + e, m) for e in range(n_experts)]
    predictions = []
    for task in range(n_tasks):
        group = member * n_tasks + task
        logits = mlp([net.gate_logits], group, mlp(net.gate_hidden, group, x))[:, :n_experts]
        gate = logits.softmax(dim=1)
        t = sum(gate[:, [e]] * experts[e] for e in range(n_experts))
        predictions.append(mlp([net.heads], group, mlp(net.towers, group, t)))
    return torch.cat(predictions, dim=1)


def test_batched_products_are_the_equations_written_as_loops():
    net, x = network(n_members=2), rows()
    prediction = net(x)[0]
    for member in range(2):
        torch.testing.assert_close(prediction[member], by_loops(net, x, member))


def test_gates_sum_to_one_over_the_experts():
    gates = network(n_members=2).gates(rows())
    assert gates.shape == (2, 2, 5, 3)
    torch.testing.assert_close(gates.sum(-1), torch.ones(2, 2, 5, dtype=gates.dtype))


def test_gradients_agree_with_finite_differences():
    net = network(n_experts=2, dropout=0.0)
    x, loss = rows(3).requires_grad_(), HMNNLoss(1, 2, similarity="tasks", similarity_weight=0.3).double()
    target = torch.randn(3, 1, 2, dtype=torch.float64)
    labels = {"target": target, "weight": torch.ones_like(target)}
    assert torch.autograd.gradcheck(lambda x: loss(net(x), labels), x)
    weight = net.experts[0].weight

    def of_weights(w):
        return loss(torch.func.functional_call(net, {"experts.0.weight": w}, (x.detach(),)), labels)

    assert torch.autograd.gradcheck(of_weights, weight.detach().clone().requires_grad_())


@pytest.mark.parametrize("similarity", ["experts", "tasks", None])
@pytest.mark.parametrize("task_weighting", ["uncertainty", "equal"])
def test_every_variant_of_the_loss_trains_the_network(similarity, task_weighting):
    net, x = network(n_members=2).train(), rows(40)
    loss = HMNNLoss(2, 2, similarity=similarity, task_weighting=task_weighting).double()
    target = x[:, None, :2].expand(-1, 2, -1)
    labels = {"target": target, "weight": torch.ones_like(target)}
    optimizer = torch.optim.Adam([*net.parameters(), *loss.parameters()], lr=1e-2)
    before = (net(x)[0].transpose(0, 1) - target).abs().mean().item()
    for _ in range(100):
        optimizer.zero_grad()
        loss(net(x), labels).backward()
        optimizer.step()
    assert (net(x)[0].transpose(0, 1) - target).abs().mean().item() < 0.3 * before
    assert (loss.log_variance.abs().sum().item() > 0) == (task_weighting == "uncertainty")


def test_order_of_the_experts_does_not_matter():
    net, x = network(), rows()
    expected, order = net(x)[0], [2, 0, 1]
    for value in net.experts.parameters():
        value.data = value.data[order]
    for value in (net.gate_logits.weight, net.gate_logits.bias):
        value.data[..., :3] = value.data[..., order]
    torch.testing.assert_close(net(x)[0], expected)


def test_permuting_the_tasks_permutes_the_predictions():
    net, x = network(), rows()
    expected = net(x)[0]
    for part in (net.gate_hidden, net.gate_logits, net.towers, net.heads):
        for value in part.parameters():
            value.data = value.data[[1, 0]]
    torch.testing.assert_close(net(x)[0], expected[:, :, [1, 0]])


def test_members_do_not_influence_one_another():
    net, x = network(n_members=2), rows()
    one = network(n_members=1)
    weights = net.state_dict()
    one.load_state_dict({key: weights[key][: len(value)] for key, value in one.state_dict().items()})
    torch.testing.assert_close(net(x)[0][:1], one(x)[0])


def test_a_row_does_not_depend_on_its_batch():
    net, x = network(dtype=torch.float32, n_members=2), rows(64, dtype=torch.float32)
    alone = torch.cat([net(x[[i]])[0] for i in range(64)], dim=1)
    torch.testing.assert_close(net(x)[0], alone, rtol=0, atol=1e-6)


def test_an_expert_that_is_not_allowed_has_no_weight():
    allowed = torch.ones(1, 2, 3)
    allowed[0, 1, 2] = 0
    gates = network(allowed=allowed).gates(rows())
    assert (gates[0, 1, :, 2] == 0).all()
    assert (gates[0, 0, :, 2] > 0).all()


def test_tier_two_without_new_experts_and_with_a_single_expert_is_the_source():
    """Gates of one expert are one; with the towers copied, tier II is tier I."""
    source, x = network(allowed=[[[True, False, False], [False, False, True]]]), rows()
    tier = network(n_experts=0, allowed=source.allowed, n_members=1)
    tier.load_state_dict(
        {key: source.state_dict().get(key, value) for key, value in tier.state_dict().items()}
    )
    frozen = source.run_experts(x).permute(2, 0, 1, 3)
    torch.testing.assert_close(tier(x, frozen)[0], source(x)[0])
    assert not any(name.startswith(("experts", "pair", "context_e")) for name, _ in tier.named_parameters())


@pytest.mark.parametrize("given", [{"pairs": []}, {"context": []}, {"pairs": [], "context": []}])
def test_a_table_may_have_no_lines_and_no_context(given):
    assert network(**given)(rows())[0].shape == (1, 5, 2)


def test_a_task_without_labels_keeps_its_weight():
    """Nothing would hold the weight of a task that has no loss: it would grow until it overflows."""
    net, loss = network(), HMNNLoss(1, 2).double()
    target = torch.randn(5, 1, 2, dtype=torch.float64)
    weight = torch.ones_like(target)
    weight[..., 1] = 0
    loss(net(rows()), {"target": target, "weight": weight}).backward()
    assert loss.log_variance.grad[0, 0] != 0
    assert loss.log_variance.grad[0, 1] == 0
