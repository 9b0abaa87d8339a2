"""The papers' models as estimators. They need the extra ``networks``."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "hmnn": ["HMNNRegressor", "ablation_study"],
        "lgdcnn": ["LGDCNNRegressor"],
        "qdd": ["QDDTransformer"],
        "schnet_iia": ["SchNetIIARegressor"],
    },
)
