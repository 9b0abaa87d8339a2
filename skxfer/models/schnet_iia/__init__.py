"""SchNet with interatomic interactions attention of Jiang et al. (2025)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"_schnet_iia": ["SchNetIIARegressor"]}
)
