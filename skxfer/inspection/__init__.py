"""Pictures of what transfer gained, and of what models look at."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "_errors": ["ErrorDisplay", "errors_by_structure"],
        "_expert_map": ["ExpertMapDisplay"],
        "_gates": ["GateDisplay", "gate_importance"],
        "_plots": ["LearningCurveDisplay", "PortabilityDisplay"],
        "_saliency": ["SaliencyDisplay", "gradient_importance"],
        "_scrambling": ["YScramblingDisplay"],
    },
)
