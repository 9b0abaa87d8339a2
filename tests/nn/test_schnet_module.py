"""SchNet and its attention: symmetries, forces, what happens at the cutoff, and limits of the activation."""

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("matscipy")
from skxfer.nn.graph import Graph, Graphs  # noqa: E402
from skxfer.nn.schnet import (  # noqa: E402
    ACTIVATIONS,
    Attention,
    SchNet,
    ShiftedSoftplus,
    SmoothMaximumUnit,
    cosine_cutoff,
)
from skxfer.structures import neighbour_pairs, read_structures  # noqa: E402

CUTOFF = 3.0


def graph_of(X, cutoff=CUTOFF):
    structures = read_structures(X)
    pairs = neighbour_pairs(structures, cutoff)
    arrays = (structures.numbers, structures.positions, structures.n_atoms, pairs.i, pairs.j, pairs.shift)
    return Graph(*map(torch.as_tensor, (*arrays, np.diff(pairs.first))))


def module(attention=True, activation="smu", seed=0, **params):
    torch.manual_seed(seed)
    net = SchNet(8, 2, 6, CUTOFF, activation, attention, **params).double()
    # The attention begins as the identity, and the energy as zero: give them something to say.
    for name, parameter in net.named_parameters():
        if ".out.1." in name or "head.2." in name:
            torch.nn.init.normal_(parameter, std=0.3)
    return net


def cluster(seed, n=6, size=2.5):
    rng = np.random.default_rng(seed)
    while True:
        positions = rng.uniform(0, size, size=(n, 3))
        apart = positions[:, None] - positions
        if np.linalg.norm(apart, axis=-1)[np.triu_indices(n, 1)].min() > 0.5:
            return rng.choice([5, 34, 1], n), positions


EVERY_NET = pytest.mark.parametrize("attention", [False, True])


@EVERY_NET
@given(seed=st.integers(0, 1000), angles=st.tuples(*[st.floats(-3, 3)] * 3), mirror=st.booleans())
@settings(max_examples=15)
def test_energy_and_features_do_not_depend_on_place_turn_and_order(attention, seed, angles, mirror):
    numbers, positions = cluster(seed)
    turn = np.eye(3)
    for axis, angle in enumerate(angles):
        plane = [k for k in range(3) if k != axis]
        step = np.eye(3)
        step[np.ix_(plane, plane)] = [
            [math.cos(angle), -math.sin(angle)],
            [math.sin(angle), math.cos(angle)],
        ]
        turn = turn @ step
    turn *= -1 if mirror else 1
    order = np.random.default_rng(seed).permutation(len(numbers))
    moved = numbers[order], (positions @ turn + [10.0, -20.0, 5.0])[order]
    net = module(attention)
    torch.testing.assert_close(
        net.energies(graph_of([moved])), net.energies(graph_of([(numbers, positions)]))
    )
    torch.testing.assert_close(
        net.features(graph_of([moved])), net.features(graph_of([(numbers, positions)]))[order]
    )


@EVERY_NET
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("pbc", [False, True])
def test_forces_are_central_differences(attention, activation, pbc):
    ase = pytest.importorskip("ase")
    numbers, positions = cluster(3)
    net = module(attention, activation)

    def energy(positions):
        atoms = ase.Atoms(numbers, positions, cell=[4.0, 4.5, 5.0], pbc=pbc)
        return net.energies(graph_of([atoms])).item()

    atoms = ase.Atoms(numbers, positions, cell=[4.0, 4.5, 5.0], pbc=pbc)
    forces = net.energies_and_forces(graph_of([atoms]))[1].numpy()
    numerical, h = np.zeros_like(positions), 1e-4
    for place in np.ndindex(positions.shape):
        steps = []
        for factor, weight in ((1, 8), (-1, -8), (2, -1), (-2, 1)):  # of fourth order
            shifted = positions.copy()
            shifted[place] += factor * h
            steps.append(weight * energy(shifted))
        numerical[place] = -sum(steps) / (12 * h)
    assert np.abs(forces - numerical).max() < 1e-6 * np.abs(forces).max()


@EVERY_NET
def test_energy_and_forces_have_no_jump_at_the_cutoff(attention):
    net = module(attention)
    _, positions = cluster(0, n=4, size=1.5)
    for h in (1e-6, 1e-7):
        energies, forces = [], []
        for distance in (CUTOFF - h, CUTOFF + h):
            # Only its distance to the first atom crosses the cutoff.
            away = positions[0] - positions.mean(axis=0)
            away *= distance / np.linalg.norm(away)
            X = [([5, 5, 5, 5, 34], np.r_[positions, [positions[0] + away]])]
            energy, force = net.energies_and_forces(graph_of(X))
            energies.append(energy.item())
            forces.append(force)
        assert abs(energies[0] - energies[1]) < 1e-10 + 10 * h * forces[0].abs().max()
        assert (forces[0] - forces[1]).abs().max() < 100 * h
    net.cutoff = CUTOFF
    pair = [[([5, 34], [[0, 0, 0], [0, 0, CUTOFF - h]])] for h in (1e-6, -1e-6)]
    inside, outside = (net.energies(graph_of(X)).item() for X in pair)
    assert abs(inside - outside) < 1e-10


@EVERY_NET
def test_energies_of_clusters_far_apart_add_up(attention):
    one, other = cluster(1), cluster(2, n=4)
    both = np.r_[one[0], other[0]], np.r_[one[1], other[1] + 50.0]
    net = module(attention)
    energy = net.energies(graph_of([one, other]))
    torch.testing.assert_close(net.energies(graph_of([both]))[0], energy.sum())


@EVERY_NET
def test_a_supercell_has_the_energy_of_its_cells(attention):
    build = pytest.importorskip("ase.build")
    atoms = build.bulk("Cu", "fcc", a=3.6)
    atoms.set_positions(atoms.positions + 0.1)
    net = module(attention)
    energy = net.energies(graph_of([atoms, atoms * (2, 3, 1)]))
    torch.testing.assert_close(energy[1], 6 * energy[0])


@EVERY_NET
def test_each_structure_of_a_batch_is_as_alone(attention):
    X = [cluster(0), ([1], [[0.0, 0.0, 0.0]]), cluster(1, n=3), ([5, 5], [[0, 0, 0], [0, 0, 9.0]])]
    net = module(attention)
    whole = Graphs(graph_of(X), {"energy": torch.arange(4.0)})
    batch, labels = whole.batch(torch.tensor([3, 0, 1]))
    assert labels["energy"].tolist() == [3.0, 0.0, 1.0]
    alone = torch.cat([net.energies(graph_of([X[k]])) for k in (3, 0, 1)])
    torch.testing.assert_close(net.energies(batch), alone)
    parts = graph_of(X).parts(5)
    assert [len(part) for part in parts] == [1, 3]
    torch.testing.assert_close(
        torch.cat([net.energies(part) for part in parts]), net.energies(graph_of(X)), rtol=1e-12, atol=1e-12
    )


def test_labels_of_atoms_follow_their_structures():
    X = [cluster(0, n=2), cluster(1, n=3)]
    forces = torch.arange(15.0).reshape(5, 3)
    whole = Graphs(graph_of(X), {"forces": forces, "energy": torch.arange(2.0)})
    _, labels = whole.batch(torch.tensor([1, 0]))
    torch.testing.assert_close(labels["forces"], forces[[2, 3, 4, 0, 1]])
    assert len(whole.part(np.array([False, True]))) == 1


def test_attention_is_what_the_equations_say():
    torch.manual_seed(0)
    layer = Attention(8, partial(SmoothMaximumUnit), n_heads=2).double()
    torch.nn.init.normal_(layer.out[1].weight)
    x = torch.randn(4, 8, dtype=torch.float64)
    i, j = torch.tensor([0, 0, 1, 2]), torch.tensor([1, 2, 0, 3])
    fade = torch.tensor([1.0, 0.5, 0.2, 0.7], dtype=torch.float64)
    value = x @ layer.value.weight.T
    expected = []
    for atom in range(4):
        heads = []
        for head in range(2):
            part = slice(4 * head, 4 * head + 4)
            p, heard = [], torch.zeros(4, dtype=torch.float64)
            for pair in (i == atom).nonzero().ravel():
                to, by = layer.score[0, head], layer.score[1, head]
                score = layer.bend(value[atom, part] @ to + value[j[pair], part] @ by)
                p.append(torch.exp(5 * torch.tanh(score / 5)) * fade[pair])
                heard = heard + p[-1] * value[j[pair], part]
            heads.append(heard / (sum(p, torch.tensor(0.0)) + layer.EPSILON))
        expected.append(x[atom] + layer.out(torch.cat(heads)))
    torch.testing.assert_close(layer(x, i, j, fade), torch.stack(expected))


def test_untrained_attention_is_the_identity():
    with_attention, without = module(True), module(False)
    for name, parameter in with_attention.named_parameters():
        if ".out.1." in name:
            torch.nn.init.zeros_(parameter)
    without.load_state_dict({k: v for k, v in with_attention.state_dict().items() if "attention" not in k})
    graph = graph_of([cluster(0)])
    torch.testing.assert_close(with_attention.energies(graph), without.energies(graph))


def test_convolution_is_that_of_schnet():
    net = module(attention=False, activation="ssp")
    block, graph = net.interactions[0], graph_of([cluster(0)])
    distance = graph.distances()
    x = net.embedding(graph.numbers)
    got = block(x, graph, net.basis(distance), cosine_cutoff(distance, CUTOFF), None)
    expected = []
    for atom in range(len(x)):
        heard = torch.zeros(8, dtype=torch.float64)
        for other in range(len(x)):
            r = (graph.positions[other] - graph.positions[atom]).norm()
            if other == atom or r >= CUTOFF:
                continue
            basis = torch.exp(-0.5 * ((r - net.basis.center) / (CUTOFF / 5)) ** 2)
            fade = 0.5 * (torch.cos(math.pi * r / CUTOFF) + 1)
            heard = heard + block.before(x[other]) * block.filter(basis) * fade
        expected.append(x[atom] + block.after(heard))
    torch.testing.assert_close(got, torch.stack(expected))


# activations ------------------------------------------------------------------------------------------


@given(alpha=st.floats(0, 0.9), mu=st.floats(1e-3, 50))
@settings(max_examples=50)
def test_smooth_maximum_unit_is_its_definition(alpha, mu):
    x = torch.linspace(-5, 5, 101, dtype=torch.float64)
    unit = SmoothMaximumUnit(alpha, mu).double()
    expected = 0.5 * ((1 + alpha) * x + (1 - alpha) * x * torch.erf(unit.mu * (1 - alpha) * x))
    torch.testing.assert_close(unit(x), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("alpha", [0.01, 0.25])
def test_smooth_maximum_unit_has_its_limits(alpha):
    x = torch.linspace(-5, 5, 101, dtype=torch.float64)
    sharp, flat = (SmoothMaximumUnit(alpha, mu).double()(x) for mu in (1e8, 0.0))
    torch.testing.assert_close(sharp, torch.maximum(x, alpha * x), rtol=0, atol=1e-6)
    torch.testing.assert_close(flat, 0.5 * (1 + alpha) * x, rtol=0, atol=1e-4)


def test_smooth_maximum_unit_learns_mu():
    unit = SmoothMaximumUnit(0.1, 0.7).double()
    x = torch.linspace(-2, 2, 9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(unit, (x,))
    mu = unit.mu.detach().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda m: torch.func.functional_call(unit, {"mu": m}, (x.detach(),)), (mu,)
    )


def test_shifted_softplus_is_zero_at_zero():
    x = torch.tensor([0.0, 1.0], dtype=torch.float64)
    expected = torch.tensor([0.0, math.log(0.5 * math.e + 0.5)], dtype=torch.float64)
    torch.testing.assert_close(ShiftedSoftplus()(x), expected)


@EVERY_NET
def test_large_graphs_have_the_same_forces_for_less_memory(attention, monkeypatch):
    net, graph = module(attention), graph_of([cluster(0), cluster(1)])
    expected = net.energies_and_forces(graph)
    monkeypatch.setattr("skxfer.nn.schnet.LARGE", 3)
    calls = []
    net.interactions[0].before.register_forward_hook(lambda *_: calls.append(0))
    found = net.energies_and_forces(graph)
    assert len(calls) == 2  # computed again
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)
