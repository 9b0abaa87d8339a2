"""Folds that keep the sources in training, and studies that show what transfer gained."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "_active_curve": ["active_curve"],
        "_active_summary": ["active_curve_summary"],
        "_analysis": ["learning_curve_transfer", "portability_summary"],
        "clustering_vectors": ["cecv", "with_random_weights"],
        "_cecv_study": ["cecv_distance", "cecv_region", "cecv_study"],
        "_fits": ["OtherStudyError"],
        "_portability": ["portability_study"],
        "_scrambling": ["y_scrambling", "y_scrambling_summary"],
        "_split": [
            "LeaveOneTargetDomainOut",
            "LeaveTargetClusterOut",
            "RepeatedLeaveTargetClusterOut",
            "RepeatedTargetKFold",
            "TargetKFold",
        ],
        "_transfer_analysis": ["transfer_analysis"],
        "_transfer_summary": ["transfer_analysis_summary"],
    },
)
