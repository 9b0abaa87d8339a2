"""Quantum deep field: against the published equations, electrons, symmetries; its loss and its optimizer."""

import copy
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
from skxfer.nn import qdf  # noqa: E402
from skxfer.nn.graph import Graph, Graphs  # noqa: E402
from skxfer.nn.losses import FieldLoss  # noqa: E402
from skxfer.nn.optimizers import MuonAdamW  # noqa: E402
from skxfer.nn.qdf import QDF, Orbitals  # noqa: E402

# Principal quantum number and functions of each shell, for elements up to the last of a period.
TABLE = {2: [(1, 4)], 10: [(1, 6), (2, 4), (2, 4)], 18: [(1, 6), (2, 6), (2, 6), (3, 4), (3, 4)]}
EXTENSIVE = [True, False]
WATER = [8, 1, 1], [[0.0, 0.0, 0.12], [0.0, 0.76, -0.48], [0.0, -0.76, -0.48]]


def basis_of(number):
    """Quantum numbers of the functions of an element."""
    return [q for q, n in TABLE[min(last for last in TABLE if number <= last)] for _ in range(n)]


def published(net, numbers, positions, radial="gaussian", potential="gaussian", cutoff=math.inf):
    """What the papers say of one molecule, in loops, and the parameters in their form.

    Constant factors of the network are part of the weights here.
    """
    own = {name: parameter.detach().clone().double() for name, parameter in net.named_parameters()}
    own["functional.0.weight"] *= net.orbital_gain
    own["map.0.weight"] *= net.density_gain
    for parameter in own.values():
        parameter.requires_grad_()
    starts = np.cumsum([0] + [len(basis_of(number)) for number in range(1, 19)])
    axis = [-0.75 + 0.3 * k for k in range(6)]
    grid = [
        torch.tensor([R[x] + step[x] for x in range(3)], dtype=torch.float64)
        for R in positions
        for step in itertools.product(axis, axis, axis)
        if sum(s * s for s in step) <= 0.75**2
    ]
    columns, rows = [], []
    for number, R in zip(numbers, positions, strict=True):
        d = torch.stack([torch.dist(r, torch.as_tensor(R, dtype=torch.float64)) for r in grid])
        for k, q in enumerate(basis_of(number)):
            zeta = own["orbitals.zeta"][starts[number - 1] + k]
            phi = d ** (q - 1) * torch.exp(-zeta * (d**2 if radial == "gaussian" else d)) * (d < cutoff)
            columns.append(phi / phi.square().sum().sqrt())
            rows.append(own["orbitals.coefficient"][starts[number - 1] + k])
    C = torch.stack(rows)
    psi = torch.stack(columns, dim=1) @ (C / C.square().sum(0).sqrt())
    psi = psi / psi.square().sum(0).sqrt() * (sum(numbers) / psi.shape[1]) ** 0.5

    def layers(x, name):
        for k in range(0, 2 * net_layers(net), 2):
            x = (x @ own[f"{name}.{k}.weight"].T + own[f"{name}.{k}.bias"]).clamp_min(0)
        return x

    def linear(x, name):
        return x @ own[f"{name}.weight"].T + own[f"{name}.bias"]

    functional = layers(psi, "functional")
    total, mean = functional.sum(0), functional.mean(0)
    properties = torch.where(
        torch.tensor(EXTENSIVE),
        net.sum_gain * total @ own["head.weight"].T + own["head.bias"],
        linear(mean, "head"),
    )
    rho = psi.square().sum(1, keepdim=True)
    predicted = linear(layers(linear(rho, "map.0"), "map.1"), "map.2")[:, 0]
    external = torch.zeros(len(grid), dtype=torch.float64)
    for number, R in zip(numbers, positions, strict=True):
        d = torch.stack([torch.dist(r, torch.as_tensor(R, dtype=torch.float64)) for r in grid])
        external -= number * (torch.exp(-(d**2)) if potential == "gaussian" else 1 / d)
    return own, {
        "psi": psi,
        "descriptor": total,
        "properties": properties,
        "potential": predicted,
        "external": external,
    }


def net_layers(net):
    return sum(isinstance(layer, torch.nn.Linear) for layer in net.functional)


def graph_of(*molecules, dtype=torch.float64):
    return Graph.without_pairs(
        torch.cat([torch.as_tensor(numbers) for numbers, _ in molecules]),
        torch.cat([torch.as_tensor(np.asarray(positions), dtype=dtype) for _, positions in molecules]),
        torch.tensor([len(numbers) for numbers, _ in molecules]),
    )


def module(seed=0, size=6, n_layers=2, extensive=EXTENSIVE, **params):
    torch.manual_seed(seed)
    net = QDF(extensive, size, n_layers, **params).double()
    with torch.no_grad():  # as after training, orbitals differ in width
        net.orbitals.zeta.copy_(torch.rand(len(net.orbitals.zeta)) * 2 + 0.3)
    return net


def molecule(seed, n=5, elements=(1, 6, 7, 8, 9, 16)):
    rng = np.random.default_rng(seed)
    while True:
        positions = rng.uniform(0, 1.2 * n ** (1 / 3) + 0.8, size=(n, 3))
        apart = np.linalg.norm(positions[:, None] - positions, axis=-1)
        if n == 1 or apart[np.triu_indices(n, 1)].min() > 0.8:
            return rng.choice(elements, n), positions


def assert_close(got, expected, rtol=1e-5):
    """To so many times the largest of the numbers expected."""
    assert got.shape == expected.shape
    assert (got - expected).abs().max() <= rtol * expected.abs().max()


# against the equations --------------------------------------------------------------------------------


def test_grid_of_an_atom_is_the_published_one():
    axis = [-0.75, -0.45, -0.15, 0.15, 0.45, 0.75]
    inside = {p for p in itertools.product(axis, axis, axis) if math.dist(p, (0, 0, 0)) <= 0.75}
    assert {tuple(np.round(p, 6)) for p in qdf.ball(0.75, 0.3).tolist()} == inside
    assert len(inside) == len(qdf.ball(0.75, 0.3)) == 56


def test_points_on_the_surface_belong_to_the_grid():
    points = qdf.ball(0.5, 0.25)
    assert len(points) == sum(
        x * x + y * y + z * z <= 4 for x, y, z in itertools.product(range(-2, 3), repeat=3)
    )


def test_basis_counts_functions_as_6_31g():
    expected = [number for number in range(1, 19) for _ in basis_of(number)]
    assert Orbitals(3).element.tolist() == expected
    with pytest.raises(IndexError):
        qdf.shells(19)


@pytest.mark.parametrize(
    "variant",
    [
        {},
        {"n_layers": 3},
        {"radial": "slater"},
        {"potential": "coulomb"},
        {"cutoff": 1.3},
        {"radial": "slater", "potential": "coulomb", "cutoff": 2.0},
    ],
    ids=str,
)
def test_network_and_its_gradients_are_those_of_the_papers(variant):
    net = module(**variant)
    molecules = [
        WATER,
        molecule(3, n=4),
        molecule(4, n=3, elements=(11, 18, 10)),
        molecule(5, n=2, elements=(2, 3)),
    ]
    graph = graph_of(*molecules)
    target = torch.tensor([[1.0, -0.2], [0.3, 0.0], [-2.0, 0.1], [0.5, 0.6]], dtype=torch.float64)
    weight = torch.tensor([[1.0, 0.5], [2.0, 0.0], [0.7, 1.0], [1.2, 0.9]], dtype=torch.float64)

    outputs = net(graph)
    loss = FieldLoss(0.7)(outputs, {"target": target, "weight": weight})
    loss.backward()
    gains = {"functional.0.weight": net.orbital_gain, "map.0.weight": net.density_gain}
    gradients = {name: parameter.grad / gains.get(name, 1) for name, parameter in net.named_parameters()}

    options = {name: value for name, value in variant.items() if name != "n_layers"}
    parts = [published(net, *map(np.asarray, one), **options) for one in molecules]
    predicted = {name: torch.cat([out[name] for _, out in parts]) for name in ("potential", "external")}
    assert_close(net.descriptors(graph), torch.stack([out["descriptor"] for _, out in parts]))
    for psi, (_, out) in zip(net.psi(graph), parts, strict=True):
        assert_close(psi, out["psi"])
    predicted["properties"] = torch.stack([out["properties"] for _, out in parts])
    for name, expected in predicted.items():
        assert_close(outputs[name], expected)
    error = (predicted["properties"] - target).abs()
    error = torch.where(error < 0.2, error**2 / 0.4, error - 0.1)
    miss = ((predicted["potential"] - predicted["external"]) ** 2).sum() / (predicted["external"] ** 2).sum()
    reference = (error * weight).sum() / 8 + 0.7 * miss
    assert_close(loss, reference)
    reference.backward()
    for name, gradient in gradients.items():
        expected = sum(own[name].grad for own, _ in parts if own[name].grad is not None)
        assert expected.abs().max() > 0, name
        assert_close(gradient, expected)


def test_orbitals_at_points_of_the_grid_are_those_on_the_grid():
    net, (numbers, positions) = module(), molecule(1)
    numbers, positions = torch.as_tensor(numbers), torch.as_tensor(positions)
    grid = net.grid(positions)
    psi = net.orbitals(numbers, positions, grid)
    assert_close(net.orbitals(numbers, positions, grid, grid[::7]), psi[::7], 1e-12)


def test_orbitals_are_finite_at_the_nucleus_and_far_away():
    for radial in ("gaussian", "slater"):
        net, (numbers, positions) = module(radial=radial), molecule(1)
        numbers, positions = torch.as_tensor(numbers), torch.as_tensor(positions)
        points = torch.cat([positions, positions + 1e4])
        psi = net.orbitals(numbers, positions, net.grid(positions), points)
        assert psi.isfinite().all()
        assert (psi[len(positions) :] == 0).all()


# electrons --------------------------------------------------------------------------------------------


@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 8),
    radial=st.sampled_from(["gaussian", "slater"]),
    cutoff=st.sampled_from([1.0, 2.5, math.inf]),
)
@settings(max_examples=40)
def test_electrons_on_the_grid_are_as_many_as_the_molecule_has(seed, n, radial, cutoff):
    numbers, positions = molecule(seed, n, elements=range(1, 19))
    graph = graph_of((numbers, positions))
    (psi,) = module(seed, size=5, n_layers=1, radial=radial, cutoff=cutoff).psi(graph)
    assert psi.shape == (56 * n, 5)
    assert psi.square().sum().item() == pytest.approx(numbers.sum(), rel=1e-6)
    # As many in each orbital.
    np.testing.assert_allclose(psi.detach().square().sum(0).numpy(), numbers.sum() / 5, rtol=1e-6)


# symmetries -------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 1000), shift=st.tuples(*[st.floats(-50, 50)] * 3))
@settings(max_examples=15)
def test_place_and_order_of_atoms_do_not_matter(seed, shift):
    numbers, positions = molecule(seed)
    order = np.random.default_rng(seed).permutation(len(numbers))
    net = module()
    moved = net.descriptors(graph_of((numbers[order], (positions + shift)[order])))
    assert_close(moved, net.descriptors(graph_of((numbers, positions))), 1e-9)


def turns():
    """The 48 rotations and mirror images of a cube."""
    for axes in itertools.permutations(range(3)):
        for signs in itertools.product([1, -1], repeat=3):
            yield np.eye(3)[list(axes)] * signs


def test_turns_and_mirror_images_of_the_cubic_grid_change_nothing():
    numbers, positions = molecule(5, n=4)
    net = module()
    expected = net.descriptors(graph_of((numbers, positions)))
    turned = net.descriptors(graph_of(*[(numbers, positions @ turn) for turn in turns()]))
    assert_close(turned, expected.expand(48, -1), 1e-6)


def rotation(seed):
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return q * np.sign(np.diag(r))


def test_other_turns_change_little():
    net = module()
    molecules = [molecule(seed, n=6, elements=(1, 6, 7, 8)) for seed in range(6)]
    upright = net.descriptors(graph_of(*molecules)).detach()
    deviation = (upright - upright.mean(0)).square().mean().sqrt()
    for seed in range(3):
        turned = [(numbers, positions @ rotation(seed)) for numbers, positions in molecules]
        change = (net.descriptors(graph_of(*turned)).detach() - upright).square().mean().sqrt()
        assert 0 < change < 0.05 * deviation


def test_each_molecule_of_a_batch_is_as_alone():
    molecules = [molecule(seed, n=n) for seed, n in enumerate((3, 1, 6))]
    net = module()
    alone = torch.cat([net.descriptors(graph_of(one)) for one in molecules])
    together = graph_of(*molecules)
    assert torch.equal(net.descriptors(together), alone)
    batch, _ = Graphs(together).batch(torch.tensor([2, 0]))
    assert torch.equal(net.descriptors(batch), alone[[2, 0]])
    outputs = net(together)
    one_by_one = [net(graph_of(one)) for one in molecules]
    for name in ("properties", "potential", "external"):
        assert_close(outputs[name], torch.cat([one[name] for one in one_by_one]), 1e-12)


def test_a_cutoff_beyond_the_molecule_changes_nothing():
    for radial in ("gaussian", "slater"):
        far, never = (module(radial=radial, cutoff=cutoff) for cutoff in (50.0, math.inf))
        graph = graph_of(molecule(2, n=7))
        assert torch.equal(far.descriptors(graph), never.descriptors(graph))


@pytest.mark.parametrize("chunk", [13, 256])
def test_what_is_computed_in_chunks_is_what_is_learned_from(monkeypatch, chunk):
    monkeypatch.setattr(qdf, "CHUNK", chunk)
    net, graph = module(), graph_of(molecule(0, n=19, elements=(6, 16)))
    assert len(graph.numbers) * 14 > 256
    learned, points = net.descriptors(graph), graph.positions + 0.1
    arguments = graph.numbers, graph.positions, net.grid(graph.positions), points
    orbitals = net.orbitals(*arguments)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            assert_close(net.descriptors(graph), learned, 1e-12)
            assert_close(net.orbitals(*arguments), orbitals, 1e-12)


# training ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fraction", "n"), [(1.0, 280), (0.25, 70), (0.001, 2)])
def test_the_potential_is_asked_for_at_a_share_of_the_points(fraction, n):
    graph = graph_of(molecule(0, n=3), molecule(1, n=2))
    torch.manual_seed(3)
    drawn = module(potential_fraction=fraction)(graph)
    whole = module()(graph)
    assert len(drawn["potential"]) == len(drawn["external"]) == n
    assert_close(drawn["properties"], whole["properties"], 1e-12)
    # Each point once, with the potential and what is predicted of it together.
    pairs = torch.stack([whole["external"], whole["potential"]], dim=1)
    found = torch.stack([drawn["external"], drawn["potential"]], dim=1)
    place = torch.cdist(found, pairs).argmin(1)
    assert len(place.unique()) == n
    assert_close(found, pairs[place], 1e-9)


def test_points_are_drawn_anew_at_each_step():
    graph, net = graph_of(molecule(0)), module(potential_fraction=0.25)
    assert not torch.equal(net(graph)["external"], net(graph)["external"])


def test_half_precision_is_close_and_orbitals_stay_in_single_precision():
    graph = graph_of(molecule(0), molecule(1), dtype=torch.float32)
    exact, fast = (module(size=32, precision=p).float()(graph) for p in ("float32", "bfloat16"))
    assert torch.equal(fast["external"], exact["external"])
    for name in ("properties", "potential"):
        assert fast[name].dtype == torch.float32
        assert not torch.equal(fast[name], exact[name])
        assert_close(fast[name], exact[name], 0.03)


def test_prediction_is_in_single_precision_always():
    graph = graph_of(molecule(0), dtype=torch.float32)
    exact, fast = (module(precision=p).float().descriptors(graph) for p in ("float32", "bfloat16"))
    assert torch.equal(exact, fast)


def test_loss_leaves_out_missing_labels():
    rng = np.random.default_rng(0)
    prediction, target = rng.normal(size=(2, 7, 3))
    weight = rng.uniform(0.5, 1.5, size=(7, 3)) * (rng.random((7, 3)) < 0.7)
    target[weight == 0] = 1e6
    target[0, 0] = prediction[0, 0] + 0.05  # within the quadratic part
    potential, external = rng.normal(size=(2, 20))
    size = np.abs(prediction - target)
    error = np.where(size < 0.2, 0.5 * size**2 / 0.2, size - 0.1)
    expected = np.sum((error * weight)[weight > 0]) / 21
    expected += 2.5 * np.sum((potential - external) ** 2) / np.sum(external**2)
    as_tensors = {
        "properties": torch.as_tensor(prediction),
        "potential": torch.as_tensor(potential),
        "external": torch.as_tensor(external),
    }
    labels = {"target": torch.as_tensor(target), "weight": torch.as_tensor(weight)}
    assert FieldLoss(2.5)(as_tensors, labels).item() == pytest.approx(expected, rel=1e-12)


# the optimizer ----------------------------------------------------------------------------------------


def parameters(seed=0):
    generator = torch.Generator().manual_seed(seed)
    shapes = {"matrix": (6, 4), "row": (1, 4), "column": (6, 1), "vector": (6,), "wide": (3, 8)}
    return {
        name: torch.nn.Parameter(torch.randn(shape, generator=generator)) for name, shape in shapes.items()
    }


def set_gradients(given, seed):
    for name, like in parameters(seed).items():
        given[name].grad = like.detach().clone()


def test_matrices_go_by_muon_and_all_else_by_adamw():
    given, expected = parameters(), parameters()
    both = MuonAdamW(given.values(), lr=0.03, weight_decay=0.1)
    muon = torch.optim.Muon(
        [expected["matrix"], expected["wide"]], lr=0.03, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"
    )
    adamw = torch.optim.AdamW(
        [expected[name] for name in ("row", "column", "vector")], lr=0.03, weight_decay=0.1
    )
    for step in range(3):
        set_gradients(given, step + 1)
        set_gradients(expected, step + 1)
        both.step()
        muon.step()
        adamw.step()
        for name, parameter in given.items():
            torch.testing.assert_close(parameter, expected[name], msg=name)
    assert not torch.equal(given["matrix"], parameters()["matrix"])


def test_steps_of_muon_are_orthogonal_and_of_the_size_of_adamw():
    given = parameters()
    before = given["wide"].detach().clone()
    set_gradients(given, 1)
    MuonAdamW(given.values(), lr=0.01, weight_decay=0.0).step()
    step = before - given["wide"].detach()
    singular = torch.linalg.svdvals(step)
    assert singular.max() < 1.7 * singular.min()  # five iterations of Newton and Schulz leave 0.7 to 1.2
    assert step.square().mean().sqrt().item() == pytest.approx(0.2 * 0.01, rel=0.3)


def quadratic(given):
    return sum((parameter - 1).square().sum() for parameter in given.values())


def test_optimizer_lowers_a_quadratic_loss_and_returns_it():
    given = parameters()
    optimizer = MuonAdamW(given.values(), lr=0.1, weight_decay=0.0)

    def closure():
        optimizer.zero_grad()
        loss = quadratic(given)
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(300)]
    assert losses[0] == pytest.approx(quadratic(parameters()).item())
    assert losses[-1] < 0.02 * losses[0]


def test_schedulers_set_the_learning_rate_of_both():
    given = parameters()
    optimizer = MuonAdamW(given.values(), lr=0.1, weight_decay=0.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: float(step == 0))
    set_gradients(given, 1)
    optimizer.step()
    scheduler.step()
    before = {name: parameter.detach().clone() for name, parameter in given.items()}
    set_gradients(given, 2)
    optimizer.step()
    for name, parameter in given.items():
        assert torch.equal(parameter, before[name]), name


def test_parameters_without_gradient_stay():
    given = parameters()
    optimizer = MuonAdamW(given.values())
    given["matrix"].requires_grad_(False)
    given["vector"].requires_grad_(False)
    loss = quadratic(given)
    loss.backward()
    optimizer.step()
    for name, parameter in given.items():
        assert torch.equal(parameter, parameters()[name]) == (name in ("matrix", "vector")), name


def test_optimizer_of_vectors_or_of_matrices_alone():
    for name in ("vector", "matrix"):
        given = {name: parameters()[name]}
        optimizer = MuonAdamW(given.values(), lr=0.1)
        quadratic(given).backward()
        optimizer.step()
        assert not torch.equal(given[name], parameters()[name])


def test_stored_state_goes_on_as_if_never_stopped():
    given = parameters()
    optimizer = MuonAdamW(given.values(), lr=0.03)
    set_gradients(given, 1)
    optimizer.step()
    twin = {name: torch.nn.Parameter(value.detach().clone()) for name, value in given.items()}
    restored = MuonAdamW(twin.values(), lr=0.5)
    restored.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for one, params in ((optimizer, given), (restored, twin)):
        set_gradients(params, 2)
        one.step()
    for name, parameter in given.items():
        torch.testing.assert_close(twin[name], parameter, msg=name)


def test_no_orbital_grows_with_the_distance():
    net = module()
    with torch.no_grad():
        net.orbitals.zeta.fill_(-0.4)
    chain = graph_of((np.full(40, 6), np.c_[1.4 * np.arange(40.0), np.zeros((40, 2))]))
    assert torch.isfinite(net.descriptors(chain)).all()
    arguments = chain.numbers, chain.positions, net.grid(chain.positions)
    far = net.orbitals(*arguments, torch.full((1, 3), 1e3, dtype=torch.float64))
    assert (far == 0).all()


def test_groups_of_parameters_keep_their_options():
    given = parameters()
    optimizer = MuonAdamW([{"params": [given["matrix"]], "lr": 0.5}, {"params": [given["vector"]]}], lr=0.1)
    assert [(group["kind"], group["lr"]) for group in optimizer.param_groups] == [
        ("muon", 0.5),
        ("adamw", 0.1),
    ]
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(3))]})
    quadratic(given).backward()
    copy.deepcopy(optimizer).step()
    optimizer.step()
    assert not torch.equal(given["matrix"], parameters()["matrix"])
