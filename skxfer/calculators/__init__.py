"""Calculators of ASE: relaxations, molecular dynamics and searches with fitted models."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"_ase": ["ExtrapolationWarning", "SkxferCalculator"]}
)
