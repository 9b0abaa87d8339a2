"""Transformers from raw chemistry to numbers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"_spectra": ["SpectrumFeaturizer"], "_scale": ["ClippedScaler"]},
)
