"""The classes and functions of other packages that a file may name, each by its name, and what each is for.

Nothing is allowed for its base class or its module: a class that other packages add, or that a later version
brings, is refused until it stands here or the user trusts it.
"""

import functools

# Objects that are their attributes: estimators, and what they hold.
_SKLEARN = {
    "calibration": "CalibratedClassifierCV _CalibratedClassifier _SigmoidCalibration _TemperatureScaling",
    "cluster": """
        AffinityPropagation AgglomerativeClustering BisectingKMeans DBSCAN FeatureAgglomeration HDBSCAN
        KMeans MeanShift MiniBatchKMeans OPTICS SpectralBiclustering SpectralClustering
        SpectralCoclustering""",
    "cluster._bisect_k_means": "_BisectingTree",
    "compose": "ColumnTransformer TransformedTargetRegressor make_column_selector",
    "covariance": """EllipticEnvelope EmpiricalCovariance GraphicalLasso GraphicalLassoCV LedoitWolf MinCovDet
        OAS ShrunkCovariance""",
    "cross_decomposition": "CCA PLSCanonical PLSRegression PLSSVD",
    "decomposition": """DictionaryLearning FactorAnalysis FastICA IncrementalPCA KernelPCA
        LatentDirichletAllocation MiniBatchDictionaryLearning MiniBatchNMF MiniBatchSparsePCA NMF PCA
        SparseCoder SparsePCA TruncatedSVD""",
    "discriminant_analysis": "LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis",
    "dummy": "DummyClassifier DummyRegressor",
    "ensemble": """
        AdaBoostClassifier AdaBoostRegressor BaggingClassifier BaggingRegressor ExtraTreesClassifier
        ExtraTreesRegressor GradientBoostingClassifier GradientBoostingRegressor
        HistGradientBoostingClassifier HistGradientBoostingRegressor IsolationForest RandomForestClassifier
        RandomForestRegressor RandomTreesEmbedding StackingClassifier StackingRegressor VotingClassifier
        VotingRegressor""",
    "ensemble._hist_gradient_boosting.binning": "_BinMapper",
    "ensemble._hist_gradient_boosting.predictor": "TreePredictor",
    "feature_extraction": "DictVectorizer FeatureHasher",
    "feature_extraction.image": "PatchExtractor",
    "feature_extraction.text": "CountVectorizer HashingVectorizer TfidfTransformer TfidfVectorizer",
    "feature_selection": """GenericUnivariateSelect RFE RFECV SelectFdr SelectFpr SelectFromModel SelectFwe
        SelectKBest SelectPercentile SequentialFeatureSelector VarianceThreshold""",
    "frozen": "FrozenEstimator",
    "gaussian_process": "GaussianProcessClassifier GaussianProcessRegressor",
    "gaussian_process._gpc": "_BinaryGaussianProcessClassifierLaplace",
    "gaussian_process.kernels": """CompoundKernel ConstantKernel DotProduct ExpSineSquared Exponentiation
        Matern PairwiseKernel Product RBF RationalQuadratic Sum WhiteKernel""",
    "impute": "IterativeImputer KNNImputer MissingIndicator SimpleImputer",
    "isotonic": "IsotonicRegression",
    "kernel_approximation": "AdditiveChi2Sampler Nystroem PolynomialCountSketch RBFSampler SkewedChi2Sampler",
    "kernel_ridge": "KernelRidge",
    "linear_model": """ARDRegression BayesianRidge ElasticNet ElasticNetCV GammaRegressor HuberRegressor Lars
        LarsCV Lasso LassoCV LassoLars LassoLarsCV LassoLarsIC LinearRegression LogisticRegression
        LogisticRegressionCV MultiTaskElasticNet MultiTaskElasticNetCV MultiTaskLasso MultiTaskLassoCV
        OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV PassiveAggressiveClassifier
        PassiveAggressiveRegressor Perceptron PoissonRegressor QuantileRegressor RANSACRegressor Ridge RidgeCV
        RidgeClassifier RidgeClassifierCV SGDClassifier SGDOneClassSVM SGDRegressor TheilSenRegressor
        TweedieRegressor""",
    "manifold": "ClassicalMDS Isomap LocallyLinearEmbedding MDS SpectralEmbedding TSNE",
    "metrics._scorer": "_CurveScorer _MultimetricScorer _PassthroughScorer _Scorer",
    "mixture": "BayesianGaussianMixture GaussianMixture",
    "model_selection": """FixedThresholdClassifier GridSearchCV GroupKFold GroupShuffleSplit
        HalvingGridSearchCV HalvingRandomSearchCV KFold LeaveOneGroupOut LeaveOneOut LeavePGroupsOut LeavePOut
        PredefinedSplit RandomizedSearchCV RepeatedKFold RepeatedStratifiedKFold ShuffleSplit
        StratifiedGroupKFold StratifiedKFold StratifiedShuffleSplit TimeSeriesSplit
        TunedThresholdClassifierCV""",
    "model_selection._split": "_CVIterableWrapper",
    "multiclass": "OneVsOneClassifier OneVsRestClassifier OutputCodeClassifier _ConstantPredictor",
    "multioutput": "ClassifierChain MultiOutputClassifier MultiOutputRegressor RegressorChain",
    "naive_bayes": "BernoulliNB CategoricalNB ComplementNB GaussianNB MultinomialNB",
    "neighbors": """KNeighborsClassifier KNeighborsRegressor KNeighborsTransformer KernelDensity
        LocalOutlierFactor NearestCentroid NearestNeighbors NeighborhoodComponentsAnalysis
        RadiusNeighborsClassifier RadiusNeighborsRegressor RadiusNeighborsTransformer""",
    "neural_network": "BernoulliRBM MLPClassifier MLPRegressor",
    "neural_network._stochastic_optimizers": "AdamOptimizer SGDOptimizer",
    "pipeline": "FeatureUnion Pipeline",
    "preprocessing": """Binarizer FunctionTransformer KBinsDiscretizer KernelCenterer LabelBinarizer
        LabelEncoder MaxAbsScaler MinMaxScaler MultiLabelBinarizer Normalizer OneHotEncoder OrdinalEncoder
        PolynomialFeatures PowerTransformer QuantileTransformer RobustScaler SplineTransformer StandardScaler
        TargetEncoder""",
    "random_projection": "GaussianRandomProjection SparseRandomProjection",
    "semi_supervised": "LabelPropagation LabelSpreading SelfTrainingClassifier",
    "svm": "LinearSVC LinearSVR NuSVC NuSVR OneClassSVM SVC SVR",
    "tree": "DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier ExtraTreeRegressor",
    "_loss.link": "HalfLogitLink IdentityLink Interval LogLink LogitLink MultinomialLogit",
    "_loss.loss": """AbsoluteError ExponentialLoss HalfBinomialLoss HalfGammaLoss HalfMultinomialLoss
        HalfPoissonLoss HalfSquaredError HalfTweedieLoss HalfTweedieLossIdentity HuberLoss PinballLoss""",
}
_OBJECTS = {
    **{f"sklearn.{module}": names for module, names in _SKLEARN.items()},
    "skorch.dataset": "ValidSplit",
    "xgboost.callback": "EarlyStopping",
    "xgboost.sklearn": "XGBClassifier XGBModel XGBRFClassifier XGBRFRegressor XGBRanker XGBRegressor",
}
# Functions that are called with data alone, and whose other arguments are numbers and options. None of them
# opens a file, imports, or calls a function that it is given by name.
_FUNCTIONS = {
    "numpy": "max mean median min nanmax nanmean nanmedian nanmin nansum sum",
    "sklearn.cluster._kmeans": "_kmeans_single_elkan _kmeans_single_lloyd",
    "sklearn.feature_selection": """chi2 f_classif f_oneway f_regression mutual_info_classif
        mutual_info_regression r_regression""",
    "sklearn.metrics": """accuracy_score average_precision_score balanced_accuracy_score brier_score_loss
        d2_absolute_error_score d2_brier_score d2_log_loss_score d2_pinball_score d2_tweedie_score
        explained_variance_score f1_score fbeta_score hamming_loss hinge_loss jaccard_score log_loss
        matthews_corrcoef max_error mean_absolute_error mean_absolute_percentage_error mean_gamma_deviance
        mean_pinball_loss mean_poisson_deviance mean_squared_error mean_squared_log_error
        mean_tweedie_deviance median_absolute_error ndcg_score precision_score r2_score recall_score
        roc_auc_score root_mean_squared_error root_mean_squared_log_error top_k_accuracy_score
        zero_one_loss""",
    "sklearn.metrics.cluster": """adjusted_mutual_info_score adjusted_rand_score completeness_score
        fowlkes_mallows_score homogeneity_score mutual_info_score normalized_mutual_info_score rand_score
        v_measure_score""",
    "sklearn.metrics.pairwise": """additive_chi2_kernel chi2_kernel cosine_distances cosine_similarity
        euclidean_distances haversine_distances laplacian_kernel linear_kernel manhattan_distances
        nan_euclidean_distances polynomial_kernel rbf_kernel sigmoid_kernel""",
    "skorch.utils": "freeze_parameter noop to_numpy unfreeze_parameter",
    "torch.nn.functional": """celu elu gelu hardsigmoid hardswish hardtanh leaky_relu log_softmax logsigmoid
        mish relu relu6 selu sigmoid silu softmax softplus softsign tanh tanhshrink""",
}
# Callbacks that act on files or services as soon as a net is initialised are left out on purpose.
_CALLBACKS = {
    "skorch.callbacks.logging": "EpochTimer PrintLog",
    "skorch.callbacks.lr_scheduler": "LRScheduler WarmRestartLR",
    "skorch.callbacks.regularization": "GradientNormClipping",
    "skorch.callbacks.scoring": "BatchScoring EpochScoring PassthroughScoring",
    "skorch.callbacks.training": "EarlyStopping Freezer ParamMapper Unfreezer",
}
_NETS = {
    "skorch.classifier": "NeuralNetBinaryClassifier NeuralNetClassifier",
    "skorch.net": "NeuralNet",
    "skorch.regressor": "NeuralNetRegressor",
}
# What a net makes of its data. Subclasses of torch's Dataset are not here: some unpickle what they are given.
_DATA = {"skorch.dataset": "Dataset", "torch.utils.data": "DataLoader"}
_MODULES = {
    "torch.nn": """
        AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveMaxPool1d AdaptiveMaxPool2d AlphaDropout AvgPool1d
        AvgPool2d BCELoss BCEWithLogitsLoss BatchNorm1d BatchNorm2d Bilinear CELU Conv1d Conv2d
        ConvTranspose1d ConvTranspose2d CosineSimilarity CrossEntropyLoss Dropout Dropout1d Dropout2d ELU
        Embedding Flatten GELU GLU GRU GRUCell GaussianNLLLoss GroupNorm Hardshrink Hardsigmoid Hardswish
        Hardtanh HuberLoss Identity InstanceNorm1d InstanceNorm2d KLDivLoss L1Loss LSTM LSTMCell LayerNorm
        LeakyReLU Linear LogSigmoid LogSoftmax MSELoss MaxPool1d MaxPool2d Mish ModuleDict ModuleList
        MultiheadAttention NLLLoss NonDynamicallyQuantizableLinear
        PReLU ParameterDict ParameterList PoissonNLLLoss RMSNorm RNN RNNCell RReLU
        ReLU ReLU6 SELU Sequential SiLU Sigmoid SmoothL1Loss Softmax Softmin Softplus Softshrink Softsign
        Tanh Tanhshrink Threshold TransformerEncoder TransformerEncoderLayer Unflatten Upsample""",
}
_OPTIMIZERS = {
    "torch.optim": "ASGD Adadelta Adagrad Adam AdamW Adamax LBFGS NAdam RAdam RMSprop Rprop SGD",
}
_SCHEDULERS = {
    "torch.optim.lr_scheduler": """ConstantLR CosineAnnealingLR CosineAnnealingWarmRestarts CyclicLR
        ExponentialLR LinearLR MultiStepLR OneCycleLR PolynomialLR ReduceLROnPlateau StepLR""",
}
# Types, as in dtype=np.float32; and print, to which skorch's PrintLog reports.
_TYPES = {
    "builtins": "bool bytes complex dict float int list object print set str tuple",
    "numpy": """
        bool bool_ bytes_ clongdouble complex128 complex64 datetime64 float16 float32 float64 int16 int32
        int64 int8 intc intp longdouble longlong object_ str_ timedelta64 uint16 uint32 uint64 uint8 uintc
        uintp ulonglong void""",
    "torch": "bfloat16 bool complex128 complex64 float16 float32 float64 int16 int32 int64 int8 uint8",
}
_ROLES = {
    "object": _OBJECTS,
    "function": _FUNCTIONS,
    "callback": _CALLBACKS,
    "net": _NETS,
    "data": _DATA,
    "module": _MODULES,
    "optimizer": _OPTIMIZERS,
    "scheduler": _SCHEDULERS,
    "type": _TYPES,
}
# Where a package keeps something that its public module shows only at request, or under another module.
HOMES = {
    ("torch.nn", "NonDynamicallyQuantizableLinear"): "torch.nn.modules.linear",
    ("sklearn.impute", "IterativeImputer"): "sklearn.impute._iterative",
    ("sklearn.model_selection", "HalvingGridSearchCV"): "sklearn.model_selection._search_successive_halving",
    (
        "sklearn.model_selection",
        "HalvingRandomSearchCV",
    ): "sklearn.model_selection._search_successive_halving",
}
# Whose names stand in the table under the package's public module, whatever module they are defined in.
_PUBLIC = ("torch.nn.functional", "torch.nn", "torch.optim.lr_scheduler", "torch.optim", "torch.utils.data")


@functools.cache
def table():
    """The roles of all that is allowed.

    Returns
    -------
    dict of (module, name) to str
        The role is "object", "function", "callback", "net", "data", "module", "optimizer", "scheduler" or
        "type".
    """
    return {
        (module, name): role
        for role, modules in _ROLES.items()
        for module, names in modules.items()
        for name in names.split()
    }


def entry(module, name):
    """The key of ``table()`` for a module and name as they stand in a file, None if it is not allowed.

    Parameters
    ----------
    module, name : str

    Returns
    -------
    (module, name) or None
    """
    for public in _PUBLIC:
        if module == public or module.startswith(f"{public}.modules.") or module.rpartition(".")[0] == public:
            module = public
            break
    return (module, name) if (module, name) in table() else None
