"""Tables as people have them: any separator, decimal mark and encoding, Excel, parquet, compressed."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "_cells": ["CellError"],
        "_names": ["Reading"],
        "_parts": ["TableParts"],
        "_read": ["read_table"],
        "_write": ["TableWriter", "spreadsheet_safe"],
    },
)
