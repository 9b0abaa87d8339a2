"""Transfer learning for molecules and materials, the scikit-learn way."""

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
        "transfer",
    ],
    submod_attrs={
        "calculators": ["SkxferCalculator"],
        "featurizers": [
            "ClusterFeaturizer",
            "CompositionFeaturizer",
            "CoulombMatrixFeaturizer",
            "MBTRFeaturizer",
            "MatminerFeaturizer",
            "SOAPFeaturizer",
            "SpectrumFeaturizer",
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
        "models": [
            "HMNNRegressor",
            "LGDCNNRegressor",
            "QDDTransformer",
            "SchNetIIARegressor",
            "ablation_study",
        ],
        "model_selection": [
            "learning_curve_transfer",
            "portability_study",
            "transfer_analysis",
            "y_scrambling",
        ],
        "screening": ["screen_unbound"],
        "transfer": ["FeatureTransfer", "HierarchicalTransfer", "SequentialTransfer", "TransferCV"],
    },
)
__all__ = [*_names, "__version__"]
