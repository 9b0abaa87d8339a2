"""A whole table in, the best learner and strategy for it out, with a card that says what to expect of it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "_card": ["add_provenance", "card_in_words", "choices_in_words"],
        "_estimator": ["TableTransfer"],
        "_outside": ["Surroundings"],
        "_predict": ["predict_file", "predict_table", "prediction_columns"],
        "_suggest": ["suggest_table"],
        "_view": ["TableView"],
    },
)
