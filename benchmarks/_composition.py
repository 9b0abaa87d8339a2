"""What the benchmarks of composition models share."""

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from xgboost import XGBRegressor

from skxfer import CompositionFeaturizer


def rows_of(parts):
    """Formulas and labels of several parts of a set, in one."""
    return np.concatenate([part.data for part in parts]), np.concatenate([part.target for part in parts])


def competitors(seed):
    """Learners on Magpie descriptors, by name."""
    svr = make_pipeline(StandardScaler(), SVR(C=10, epsilon=0.05, cache_size=1000))
    learners = {
        "RF": RandomForestRegressor(300, max_features=1 / 3, random_state=seed),
        "ExtraTrees": ExtraTreesRegressor(300, max_features=1 / 3, random_state=seed),
        "XGBoost": XGBRegressor(
            n_estimators=600,
            learning_rate=0.05,
            max_depth=6,
            subsample=0.8,
            colsample_bytree=0.3,
            n_jobs=1,
            random_state=seed,
        ),
        "SVR": TransformedTargetRegressor(svr, transformer=StandardScaler()),
    }
    return {
        name: make_pipeline(CompositionFeaturizer("magpie"), learner) for name, learner in learners.items()
    }
