"""The quantum deep descriptor of Tsubaki and Mizoguchi (2021)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={"_qdd": ["QDDTransformer"]})
