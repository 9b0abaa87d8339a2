"""The quantum deep field that its authors trained, brought into the form of ours."""

import io

from ..._optional import require
from ...datasets.files import find_home, read_content, registry
from ...structures import NUMBERS
from ..base.training import torch_seed

# Name of each network, and its file among the public data.
PRETRAINED = {"qdf-qm9under14-atomization": "qm9/qdf-QM9under14atoms_atomizationenergy_eV.pt"}
PUBLISHED_ELEMENTS = ("H", "C", "N", "O", "F")
# Their elements in the order of their basis, and their layers beside ours.
_BASIS = ("C", "H", "O", "N", "F")
_LAYERS = {
    "W_functional.{}": "functional.{}",
    "W_HK.{}": "map.1.{}",
    "W_density": "map.0",
    "W_potential": "map.2",
    "W_property": "head",
}


def load_published(name, device):
    """Read a network: weights alone, nothing is unpickled.

    Parameters
    ----------
    name : str
        One of `PRETRAINED`.
    device : str

    Returns
    -------
    skorch.NeuralNet
        Of :class:`skxfer.nn.qdf.QDF`, as published: its outputs are energies in eV.

    Raises
    ------
    FileNotFoundError, CorruptedDataError
        The file is absent and cannot be downloaded, or is not the published one.
    """
    torch = require("torch")
    NeuralNet = require("skorch").NeuralNet
    from ...nn.losses import FieldLoss
    from ...nn.qdf import QDF

    file = PRETRAINED[name]
    content = read_content(registry(file)[file], find_home(None), True)
    theirs = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
    n_layers = sum(key.startswith("W_functional") for key in theirs) // 2
    net = NeuralNet(
        QDF,
        criterion=FieldLoss,
        train_split=None,
        callbacks=[],
        device=device,
        verbose=0,
        module__extensive=[True],
        module__size=theirs["coefficient.weight"].shape[1],
        module__n_layers=n_layers,
        module__radius=0.75,
        module__spacing=0.3,
        module__radial="gaussian",
        module__cutoff=float("inf"),
        module__potential="gaussian",
    )
    with torch_seed(0, device):
        net.initialize()
    module = net.module_
    state = module.state_dict()
    rows = [(module.orbitals.element == NUMBERS[symbol]).nonzero().squeeze(1) for symbol in _BASIS]
    state["orbitals.zeta"][torch.cat(rows)] = theirs["zeta.weight"].squeeze(1)
    state["orbitals.coefficient"][torch.cat(rows)] = theirs["coefficient.weight"]
    for key, own in _LAYERS.items():
        for layer in range(n_layers if "{}" in key else 1):
            for kind in ("weight", "bias"):
                state[f"{own.format(2 * layer)}.{kind}"] = theirs[f"{key.format(layer)}.{kind}"]
    # Theirs has no constant factors.
    state["functional.0.weight"] = state["functional.0.weight"] / module.orbital_gain
    state["map.0.weight"] = state["map.0.weight"] / module.density_gain
    state["head.weight"] = state["head.weight"] / module.sum_gain
    module.load_state_dict(state)
    module.eval().requires_grad_(False)
    return net
