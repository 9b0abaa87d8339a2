"""Checks of data before anything is trained."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "_energies": ["screen_unbound"],
        "_table": ["CheckedTable", "Finding", "TableReport", "check", "check_table"],
        "_table_domains": ["plain_name"],
    },
)
