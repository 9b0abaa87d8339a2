"""Meta-estimators that carry knowledge from source domains to a target."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "_active": ["ActiveTransfer"],
        "_suggest": ["NothingLeftError", "suggest_rows"],
        "_transfer_cv": ["TransferCV"],
        "_feature": ["FeatureTransfer"],
        "_hierarchical": ["HierarchicalTransfer"],
        "_sequential": ["SequentialTransfer"],
        "table": [
            "TableTransfer",
            "add_provenance",
            "card_in_words",
            "choices_in_words",
            "predict_file",
            "predict_table",
            "prediction_columns",
            "suggest_table",
        ],
    },
)
