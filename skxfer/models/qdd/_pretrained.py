"""Pretrained networks: the one that the authors published, brought into the form of ours, and saved ones."""

import io
import os
from pathlib import Path

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..._optional import require
from ...datasets.files import find_home, read_content, registry
from ...structures import NUMBERS
from ..base.torch_state import plain_torch, torch_seed

# Name of each network, and its file among the public data.
PRETRAINED = {"qdf-qm9under14-atomization": "qm9/qdf-QM9under14atoms_atomizationenergy_eV.pt"}
PUBLISHED_ELEMENTS = ("H", "C", "N", "O", "F")
# Their elements in the order of their basis, and their names of layers with ours.
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
        With a :class:`skxfer.nn.qdf.QDF`, as published: its outputs are energies in eV.

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


class ComesPretrained:
    """Mixin of the estimator that may take over a pretrained network."""

    @classmethod
    def from_pretrained(cls, source, **params):
        """Return a fitted transformer with the weights of a pretrained network.

        Nothing in the file is run.

        Parameters
        ----------
        source : str or path-like
            As `pretrained`.
        **params
            Other parameters, such as ``on_error="nan"``. Those of architecture and training have no effect.

        Returns
        -------
        QDDTransformer
            Ready to transform and predict. As part of a Pipeline, and cloned, it stays pretrained.

        Examples
        --------
        >>> from skxfer import QDDTransformer
        >>> qdd = QDDTransformer.from_pretrained("qdf-qm9under14-atomization")  # doctest: +SKIP
        >>> water = ([8, 1, 1], [[0, 0, 0.12], [0, 0.76, -0.48], [0, -0.76, -0.48]])
        >>> qdd.predict([water]).round(1)  # doctest: +SKIP
        array([-9.3])
        """
        if source is None:
            raise ValueError(f"Name a pretrained network, {', '.join(map(repr, PRETRAINED))}, or a file.")
        model = cls(pretrained=source, **params)
        model._validate_params()
        model.pretrained = os.fspath(source)
        load_pretrained(model)
        return model


@plain_torch()
def load_pretrained(model):
    """Take over the state of a pretrained network.

    Parameters
    ----------
    model : QDDTransformer
        Its ``pretrained`` names the network or a file.

    Raises
    ------
    FileNotFoundError, CorruptedDataError
        The network is absent, or not the published one.
    TypeError, NotFittedError
        The file holds something else, or a transformer that is not fitted.
    ValueError
        There is an ``init`` too.
    """
    if model.init is not None:
        raise ValueError(
            "pretrained is not trained any further, init is: to start from a pretrained network give "
            "init=QDDTransformer.from_pretrained(...) alone."
        )
    model.n_features_in_ = 1
    if model.pretrained in PRETRAINED:
        _take_published(model)
    else:
        _take_saved(model)


def _take_published(model):
    model.net_ = load_published(model.pretrained, model.device)
    model.elements_ = list(PUBLISHED_ELEMENTS)
    model.pooling_, model.n_targets_, model._single_target = ["sum"], 1, True
    model.target_names_ = None
    model.references_ = np.zeros((len(model.elements_), 1))
    model.center_, model.scale_, model.improved_ = np.zeros(1), np.ones(1), None
    model.align_ = model._aligns(False)


def _take_saved(model):
    path = Path(model.pretrained)
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file {os.fspath(model.pretrained)!r}, and no pretrained network of that name: "
            f"they are {', '.join(PRETRAINED)}."
        )
    from ...io import load

    saved = load(path)
    if not isinstance(saved, type(model)):
        raise TypeError(f"{path} holds a {type(saved).__name__}, and a QDDTransformer is needed.")
    check_is_fitted(saved, "net_")
    # Its parameters and the kind of its output belong to the saved model, not to what it learned.
    other = {*saved.get_params(), "_sklearn_output_config"}
    vars(model).update({name: value for name, value in vars(saved).items() if name not in other})
    model.align_ = model._aligns(saved.align_)
    model.net_.module_.to(model.device)
