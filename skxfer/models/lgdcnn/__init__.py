"""The network over the elements of a formula of Du et al. (2024)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={"_lgdcnn": ["LGDCNNRegressor"]})
