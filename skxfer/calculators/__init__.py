"""Calculators of ASE: relaxations, molecular dynamics and searches with fitted models."""

import importlib.util

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"_ase": ["ExtrapolationWarning", "SkxferCalculator"]}
)
if importlib.util.find_spec("ase") is None:  # the names say what to install, `import *` leaves them out
    __all__ = []
