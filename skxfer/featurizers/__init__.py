"""Transformers from raw chemistry to numbers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "_composition": ["CompositionFeaturizer"],
        "_matminer": ["MatminerFeaturizer"],
        "_scale": ["ClippedScaler"],
        "_spectra": ["SpectrumFeaturizer"],
    },
)
