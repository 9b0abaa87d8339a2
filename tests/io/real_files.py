"""One real file of each sort of model, for forgers to start from."""

import warnings

import numpy as np


def make_real_files(folder):
    """Save one model of each sort; what needs a package that is missing is left out."""
    from sklearn.base import clone
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor, StackingRegressor
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GridSearchCV, KFold
    from sklearn.neighbors import KNeighborsRegressor
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, SplineTransformer, StandardScaler
    from sklearn.random_projection import SparseRandomProjection
    from sklearn.svm import SVR

    import skxfer

    rng = np.random.default_rng(0)
    X = rng.normal(size=(24, 3))
    y = X[:, 0] + np.sin(X[:, 1])
    domain = np.repeat(["gas", "target"], 12)
    small = RandomForestRegressor(2, max_depth=2, random_state=0)
    models = {
        "forest": small,
        "kernel": make_pipeline(StandardScaler(), SVR()),
        "function": make_pipeline(FunctionTransformer(np.exp, kw_args={}), Ridge()),
        "boosting": HistGradientBoostingRegressor(max_iter=2, min_samples_leaf=5),
        "neighbors": KNeighborsRegressor(3, algorithm="kd_tree"),
        "process": GaussianProcessRegressor(random_state=np.random.RandomState(0)),
        "network": MLPRegressor(hidden_layer_sizes=(3,), max_iter=3, random_state=0),
        "spline": make_pipeline(SplineTransformer(), Ridge()),
        "search": GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=KFold(2), scoring="r2"),
        "stack": StackingRegressor(
            [("a", clone(small)), ("b", Ridge())], TransformedTargetRegressor(Ridge())
        ),
        "sparse": make_pipeline(SparseRandomProjection(2, random_state=0), Ridge()),
        "transfer": skxfer.HierarchicalTransfer(small, source_domains=["gas"], cv=2, random_state=0),
        "features": skxfer.FeatureTransfer(estimator=Ridge()),
    }
    models |= _with_packages()
    names = []
    for name, model in models.items():
        options = {"sample_domain": domain} if name == "transfer" else {}
        labels = y[:, None].astype(np.float32) if name.startswith("net") else y
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X.astype(np.float32), labels, **options)
            skxfer.save(model, folder / f"{name}.skxfer")
        names.append(name)
    return [folder / f"{name}.skxfer" for name in names]


def _with_packages():
    models = {}
    try:
        from xgboost import XGBRegressor

        models["trees"] = XGBRegressor(n_estimators=2, max_depth=2, n_jobs=1)
    except ImportError:
        pass
    try:
        import torch
        from skorch import NeuralNetRegressor

        layers = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2), torch.nn.Linear(2, 1))
        models["net of layers"] = NeuralNetRegressor(layers, max_epochs=1, verbose=0)
        models["net of one layer"] = NeuralNetRegressor(
            torch.nn.Linear,
            module__in_features=3,
            module__out_features=1,
            max_epochs=1,
            verbose=0,
            optimizer=torch.optim.Adam,
        )
    except ImportError:
        pass
    return models
