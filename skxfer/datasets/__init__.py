"""Embedded data, generators with a known answer, and the papers' public data."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "_adsorption": ["fetch_adsorption"],
        "_boron_clusters": ["fetch_boron_clusters"],
        "_formulas": ["fetch_composition_benchmark", "fetch_element_embedding"],
        "_enthalpy": ["fetch_formation_enthalpy"],
        "_fetch": ["fetch_co_ag"],
        "_g2": ["load_g2"],
        "_hydration": ["fetch_freesolv"],
        "_load": ["load_co_ag_emt", "load_miedema"],
        "_make": ["make_domains"],
        "_make_clusters": ["make_doped_clusters"],
        "_matbench": ["fetch_matbench"],
        "_molecules": ["fetch_qm7", "fetch_qm9_subset"],
        "_reactions": ["fetch_buchwald_hartwig"],
        "_solubility": ["fetch_solubility"],
        "_structure_file": ["read_structure_file"],
        "_structure_table": ["read_structure_table"],
    },
)
