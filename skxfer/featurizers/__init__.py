"""Transformers from raw chemistry to numbers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "_clusters": ["ClusterFeaturizer"],
        "_composition": ["CompositionFeaturizer", "load_elements"],
        "_dscribe": ["CoulombMatrixFeaturizer", "SOAPFeaturizer"],
        "_fingerprints": ["FingerprintFeaturizer"],
        "_matminer": ["MatminerFeaturizer"],
        "_mbtr": ["MBTRFeaturizer"],
        "_scale": ["ClippedScaler"],
        "_smiles": ["SmilesToAtoms"],
        "_spectra": ["SpectrumFeaturizer"],
        "_table": ["TableFeaturizer"],
    },
)
