"""Networks that start from a fitted one: which parts they take over, and which of them stay frozen."""

from numbers import Integral

from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator

from ...formulas import ELEMENTS
from ...learners import KeepsFitted, is_fitted


class StartsFromFitted(KeepsFitted):
    """Mixin of estimators with the parameters `init`, `carry` and `freeze`.

    ``_parts`` names the parts of the network, first to last, and for each the
    patterns of its weights. The last one depends on the targets.
    ``_architecture`` returns the parameters of the module, and ``_nets`` the trained networks.
    """

    _kept = "init"
    _parts: dict
    # Names of the module's parameters that make its architecture.
    _module_params: tuple

    def _check_init(self):
        """Return the model to start from, or None."""
        source = self.init.estimator if isinstance(self.init, FrozenEstimator) else self.init
        self._check_parts("carry")
        if source is None:
            if self.freeze is not None:
                raise ValueError("freeze keeps weights of a fitted model: give it as init, or drop freeze.")
            return None
        if not isinstance(source, type(self)):
            name = type(self).__name__
            raise TypeError(f"init must be a fitted {name}, it is {type(source).__name__}.")
        if not is_fitted(source):
            raise NotFittedError(
                "init is not fitted. Fit it first; if it was, `clone` reset it: wrap it in "
                "sklearn.frozen.FrozenEstimator."
            )
        return source

    def _module_of(self, source):
        """Return the architecture, as parameters of a net: that of `init`, or else the estimator's own.

        Parameters
        ----------
        source : fitted estimator of this class, or None

        Returns
        -------
        dict of str to value
        """
        if source is None:
            return {f"module__{name}": value for name, value in self._architecture().items()}
        return source._fitted_module()

    def _fitted_module(self):
        """Return the architecture that was fitted, as parameters of a net."""
        given = self._nets()[0].get_params(deep=False)
        return {f"module__{name}": given[f"module__{name}"] for name in self._module_params}

    def _nets(self):
        """Return the trained networks."""
        return self.nets_

    def _start(self, source, member=0, without=()):
        """Return what :func:`train_net` needs to start a member from `init`, all parts but some."""
        if source is None:
            return {}
        nets = source._nets()
        carried = [part for part in self._carried() if part not in without]
        return {"start": nets[member % len(nets)], "carry": self._patterns(carried)}

    def _check_parts(self, param):
        """Return the parts that a parameter names."""
        given = getattr(self, param)
        parts = [given] if isinstance(given, str) else list(given or [])
        unknown = [part for part in parts if part not in self._parts]
        if unknown:
            raise ValueError(f"{param} has no part {unknown[0]!r}: choose from {list(self._parts)}.")
        return parts

    def _check_new_elements(self, source, present, part, what):
        """Raise a ValueError for elements new to the source, if the part is frozen that knows each of them.

        Parameters
        ----------
        source : fitted estimator with ``elements_``, or None
        present : set of str
            Symbols.
        part : str
        what : str
            What this part stores for each element, for the message.
        """
        if source is None or part not in self._check_parts("freeze"):
            return
        new = [symbol for symbol in ELEMENTS if symbol in present and symbol not in source.elements_]
        if new:
            raise ValueError(
                f"init has never seen {', '.join(new)}, whose {what} would stay random: leave {part!r} "
                "out of freeze."
            )

    def _carried(self):
        """Return the parts that are taken over from `init`."""
        return list(self._parts) if self.carry is None else self._check_parts("carry")

    def _patterns(self, parts):
        """Return the patterns of the parameters of some parts."""
        return [pattern for part in parts for pattern in self._parts[part]]

    def _check_freeze(self, max_epochs, head_is_new=False):
        """Return a function that makes the callbacks which freeze parts, and train them from an epoch on.

        Parameters
        ----------
        max_epochs : int
            Epochs of the training.
        head_is_new : bool, default=False
            Whether the last part cannot be taken over.
        """
        from skorch.callbacks import Freezer, Unfreezer

        frozen = self._check_parts("freeze")
        thawed = self.freeze if isinstance(self.freeze, dict) else {}
        for part, epoch in thawed.items():
            if not isinstance(epoch, Integral) or not 1 < epoch <= max_epochs:
                raise ValueError(
                    f"freeze trains the part {part!r} from epoch {epoch!r} on, which must be an int within 2 "
                    f"and {max_epochs}, the epochs of this fit. Name it in a list to freeze it throughout."
                )
        if set(frozen) == set(self._parts):
            raise ValueError("freeze leaves nothing to train in the first epoch: leave a part out.")
        lost = [part for part in frozen if part not in self._carried()]
        if lost:
            raise ValueError(f"The part {lost[0]!r} cannot be frozen: carry does not take it over from init.")
        if head_is_new and list(self._parts)[-1] in frozen:
            raise ValueError("The head cannot be frozen: it is new, since the targets are not those of init.")

        def freezers():
            callbacks = [(f"freeze_{part}", Freezer(self._parts[part])) for part in frozen]
            return callbacks + [
                (f"thaw_{part}", Unfreezer(self._parts[part], at=at)) for part, at in thawed.items()
            ]

        return freezers
