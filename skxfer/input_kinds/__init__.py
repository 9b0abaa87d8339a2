"""What a column of a table holds: numbers, categories, formulas, SMILES, structures or spectra.

``KINDS`` is the registry. A kind of input says how it is recognised, when two of its values are the same, and
which transformer makes numbers of it by default.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "_kinds": ["KINDS", "OBJECTS", "InputKind", "category_keys", "keys_of", "unreadable"],
        "_recognise": ["Column", "counts_of", "in_words", "recognise_columns"],
    },
)
