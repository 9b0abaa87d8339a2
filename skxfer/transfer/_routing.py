"""Metadata routing: arguments of ``fit`` that a meta-estimator passes to the learner inside it."""

from sklearn import get_config
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from ..inputs import check_groups


class RoutesMetadata:
    """Mixin for meta-estimators with a learner in the parameter `estimator`.

    With metadata routing enabled, ``fit`` takes more keyword arguments, one value per row, and hands each to
    the learner, for the rows it is fitted on, if the learner requests it.
    """

    def get_metadata_routing(self):
        """Return what this estimator and its learner request.

        Returns
        -------
        MetadataRouter
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        learner = self._learner()
        if learner is None:
            return router
        return router.add(estimator=learner, method_mapping=MethodMapping().add(caller="fit", callee="fit"))

    def _route(self, n_samples, given, **consumed):
        """Return the metadata for ``fit`` of the learner.

        Parameters
        ----------
        n_samples : int
        given : dict of str to array-like of shape (n_samples,)
            Arguments of ``fit`` that this estimator does not know.
        **consumed : array-like of shape (n_samples,) or None
            Arguments that it knows, and the learner may request too.

        Returns
        -------
        dict of str to ndarray of shape (n_samples,)

        Raises
        ------
        TypeError
            Unknown arguments while metadata routing is disabled.
        """
        if not get_config()["enable_metadata_routing"]:
            if given:
                raise TypeError(
                    f"fit got the unknown argument {next(iter(given))!r}. To hand it to the learner, enable "
                    "metadata routing: sklearn.set_config(enable_metadata_routing=True)."
                )
            return {}
        known = {name: value for name, value in consumed.items() if value is not None}
        routed = process_routing(self, "fit", **given, **known)
        wanted = routed.get("estimator", {}).get("fit", {})
        return {name: check_groups(value, n_samples, name) for name, value in wanted.items()}
