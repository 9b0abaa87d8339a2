"""Pictures of what transfer gained, and of what models look at."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "_active_curve_display": ["ActiveCurveDisplay"],
        "_cecv_display": ["CECVDisplay"],
        "_composition_curve": ["CompositionCurveDisplay"],
        "_element_pairs": ["ElementPairDisplay"],
        "_errors": ["ErrorDisplay", "errors_by_structure"],
        "_expert_map": ["ExpertMapDisplay"],
        "_feature_map": ["FeatureMapDisplay"],
        "_gates": ["GateDisplay", "gate_importance"],
        "_parity": ["ParityDisplay"],
        "_periodic_table": ["PeriodicTableDisplay"],
        "_plots": ["LearningCurveDisplay", "PortabilityDisplay"],
        "_source_ranking": ["SourceRankingDisplay"],
        "_saliency": ["SaliencyDisplay", "gradient_importance"],
        "_scrambling_display": ["YScramblingDisplay"],
        "_transfer_analysis_display": ["TransferAnalysisDisplay"],
    },
)
