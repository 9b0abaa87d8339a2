"""All that is known about kinds of learners: fit, seed, predict, continue, keep what is fitted, defaults."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "_continue": ["can_continue", "continue_learner", "goes_on", "starts_from_fitted"],
        "_defaults": ["LEARNERS", "check_learners", "default_learner", "default_learners"],
        "_fit": ["PerTarget", "fit_learner", "predict_learner", "torch_kept"],
        "_kept": ["KeepsFitted", "holds_fit", "is_fitted", "uses_source", "without_start"],
        "_kinds": [
            "cast_inputs",
            "check_regressor",
            "inner_learner",
            "inner_pipeline",
            "innermost",
            "input_tags",
            "is_a",
            "package_of",
            "supports_multi_output",
            "takes_missing_labels",
            "weight_name",
        ],
        "_std": ["NoStdError", "predict_with_std"],
    },
)
