"""Transfer learning for molecules and materials, the scikit-learn way."""

import importlib.util

import lazy_loader

from ._version import __version__

__getattr__, __dir__, _names = lazy_loader.attach(
    __name__,
    submodules=[
        "calculators",
        "datasets",
        "learners",
        "featurizers",
        "formulas",
        "inspection",
        "io",
        "metrics",
        "model_selection",
        "models",
        "structures",
        "screening",
        "tables",
        "transfer",
    ],
    submod_attrs={
        "calculators": ["SkxferCalculator"],
        "datasets": [
            "fetch_adsorption",
            "fetch_boron_clusters",
            "fetch_buchwald_hartwig",
            "fetch_co_ag",
            "fetch_composition_benchmark",
            "fetch_element_embedding",
            "fetch_formation_enthalpy",
            "fetch_freesolv",
            "fetch_matbench",
            "fetch_qm7",
            "fetch_qm9_subset",
            "fetch_solubility",
            "load_co_ag_emt",
            "load_g2",
            "load_miedema",
            "make_domains",
            "make_doped_clusters",
            "read_structure_file",
            "read_structure_table",
        ],
        "featurizers": [
            "ClippedScaler",
            "ClusterFeaturizer",
            "CompositionFeaturizer",
            "CoulombMatrixFeaturizer",
            "FingerprintFeaturizer",
            "MBTRFeaturizer",
            "MatminerFeaturizer",
            "SOAPFeaturizer",
            "SmilesToAtoms",
            "SpectrumFeaturizer",
            "TableFeaturizer",
        ],
        "inspection": [
            "CECVDisplay",
            "CompositionCurveDisplay",
            "ElementPairDisplay",
            "ErrorDisplay",
            "ExpertMapDisplay",
            "FeatureMapDisplay",
            "GateDisplay",
            "LearningCurveDisplay",
            "ParityDisplay",
            "PeriodicTableDisplay",
            "PortabilityDisplay",
            "SaliencyDisplay",
            "TransferAnalysisDisplay",
            "YScramblingDisplay",
        ],
        "io": ["load", "save"],
        "metrics": ["masked_scorer", "transfer_gain"],
        "models": [
            "HMNNRegressor",
            "LGDCNNRegressor",
            "QDDTransformer",
            "SchNetIIARegressor",
            "ablation_study",
        ],
        "model_selection": [
            "LeaveOneTargetDomainOut",
            "LeaveTargetClusterOut",
            "TargetKFold",
            "learning_curve_transfer",
            "portability_study",
            "transfer_analysis",
            "y_scrambling",
        ],
        "screening": ["screen_unbound"],
        "tables": ["read_table"],
        "transfer": ["FeatureTransfer", "HierarchicalTransfer", "SequentialTransfer", "TransferCV"],
    },
)
# A calculator of ASE is a subclass of ASE's: without it, `from skxfer import *` leaves this name out.
_missing = {"SkxferCalculator"} if importlib.util.find_spec("ase") is None else set()
__all__ = [*sorted({*_names} - _missing), "__version__"]
