"""The short, stable names of skxfer's own classes and functions in files, and where each of them lives today.

A file never says in which module a class lives: a class that moves or is renamed costs one line here, and
older files go on loading.
"""

import functools
import importlib

from .._optional import require

# A new class that may be part of a saved estimator gets a line; a line is never removed or given to another
# class, since files may hold its name.
OWN = {
    # transfer
    "ActiveTransfer": "skxfer.transfer:ActiveTransfer",
    "FeatureTransfer": "skxfer.transfer:FeatureTransfer",
    "BinaryScaler": "skxfer.learners._defaults:BinaryScaler",
    "BestExpert": "skxfer.transfer.strategies:BestExpert",
    "CheapValues": "skxfer.transfer._cheap_values:CheapValues",
    "FromLowFidelity": "skxfer.transfer.strategies:FromLowFidelity",
    "Committee": "skxfer.transfer._committee:Committee",
    "FrozenStack": "skxfer.transfer.strategies:FrozenStack",
    "FoldSets": "skxfer.folds:FoldSets",
    "GlobalScaler": "skxfer.transfer._head:GlobalScaler",
    "HierarchicalTransfer": "skxfer.transfer:HierarchicalTransfer",
    "Line": "skxfer.transfer.strategies:Line",
    "NumericView": "skxfer.folds:NumericView",
    "OnView": "skxfer.transfer.strategies:OnView",
    "PerTarget": "skxfer.learners:PerTarget",
    "SafeHead": "skxfer.transfer._head:SafeHead",
    "SequentialTransfer": "skxfer.transfer:SequentialTransfer",
    "Surroundings": "skxfer.transfer.table:Surroundings",
    "TableTransfer": "skxfer.transfer:TableTransfer",
    "TableView": "skxfer.transfer.table:TableView",
    "TransferCV": "skxfer.transfer:TransferCV",
    "WeightedMedian": "skxfer.transfer.strategies:WeightedMedian",
    "WithColumns": "skxfer.transfer.strategies:WithColumns",
    "WithIndicator": "skxfer.transfer.strategies:WithIndicator",
    "WithValues": "skxfer.transfer.strategies:WithValues",
    # models
    "Averaging": "skxfer.models.base.averaging:Averaging",
    "HMNNRegressor": "skxfer.models:HMNNRegressor",
    "LGDCNNRegressor": "skxfer.models:LGDCNNRegressor",
    "Network": "skxfer.models.hmnn._network:Network",
    "QDDTransformer": "skxfer.models:QDDTransformer",
    "SchNetIIARegressor": "skxfer.models:SchNetIIARegressor",
    "TensorBatches": "skxfer.models.base.training:TensorBatches",
    # nn: modules, criteria, optimizers, datasets
    "Attention": "skxfer.nn.schnet:Attention",
    "Convolution": "skxfer.nn.lgdcnn:Convolution",
    "ConvolutionBlock": "skxfer.nn.lgdcnn:ConvolutionBlock",
    "EnergyLoss": "skxfer.nn.losses:EnergyLoss",
    "FieldLoss": "skxfer.nn.losses:FieldLoss",
    "FractionCode": "skxfer.nn.lgdcnn:FractionCode",
    "Graphs": "skxfer.nn.graph:Graphs",
    "GroupedDropout": "skxfer.nn.layers:GroupedDropout",
    "GroupedLayerNorm": "skxfer.nn.layers:GroupedLayerNorm",
    "GroupedLinear": "skxfer.nn.layers:GroupedLinear",
    "GroupedMLP": "skxfer.nn.layers:GroupedMLP",
    "HMNN": "skxfer.nn.hmnn:HMNN",
    "HMNNLoss": "skxfer.nn.hmnn:HMNNLoss",
    "Interaction": "skxfer.nn.schnet:Interaction",
    "LGDCNN": "skxfer.nn.lgdcnn:LGDCNN",
    "MuonAdamW": "skxfer.nn.optimizers:MuonAdamW",
    "Orbitals": "skxfer.nn.qdf:Orbitals",
    "QDF": "skxfer.nn.qdf:QDF",
    "RadialBasis": "skxfer.nn.schnet:RadialBasis",
    "Recurrent": "skxfer.nn.lgdcnn:Recurrent",
    "RobustL1": "skxfer.nn.losses:RobustL1",
    "SchNet": "skxfer.nn.schnet:SchNet",
    "ShiftedSoftplus": "skxfer.nn.schnet:ShiftedSoftplus",
    "SmoothMaximumUnit": "skxfer.nn.schnet:SmoothMaximumUnit",
    "TensorRows": "skxfer.nn.batches:TensorRows",
    # featurizers
    "ClippedScaler": "skxfer.featurizers:ClippedScaler",
    "ClusterFeaturizer": "skxfer.featurizers:ClusterFeaturizer",
    "CompositionFeaturizer": "skxfer.featurizers:CompositionFeaturizer",
    "CoulombMatrixFeaturizer": "skxfer.featurizers:CoulombMatrixFeaturizer",
    "Column": "skxfer.input_kinds:Column",
    "FingerprintFeaturizer": "skxfer.featurizers:FingerprintFeaturizer",
    "MBTRFeaturizer": "skxfer.featurizers:MBTRFeaturizer",
    "MatminerFeaturizer": "skxfer.featurizers:MatminerFeaturizer",
    "SOAPFeaturizer": "skxfer.featurizers:SOAPFeaturizer",
    "SmilesToAtoms": "skxfer.featurizers:SmilesToAtoms",
    "SpectrumFeaturizer": "skxfer.featurizers:SpectrumFeaturizer",
    "TableFeaturizer": "skxfer.featurizers:TableFeaturizer",
    # model_selection
    "LeaveOneTargetDomainOut": "skxfer.model_selection:LeaveOneTargetDomainOut",
    "LeaveTargetClusterOut": "skxfer.model_selection:LeaveTargetClusterOut",
    "MissingLearner": "skxfer.learners._defaults:MissingLearner",
    "RepeatedLeaveTargetClusterOut": "skxfer.model_selection:RepeatedLeaveTargetClusterOut",
    "RepeatedTargetKFold": "skxfer.model_selection:RepeatedTargetKFold",
    "TargetKFold": "skxfer.model_selection:TargetKFold",
    # metrics: what a scorer calls
    "masked_mean_absolute_error": "skxfer.metrics:masked_mean_absolute_error",
    "masked_r2_score": "skxfer.metrics:masked_r2_score",
    "masked_root_mean_squared_error": "skxfer.metrics:masked_root_mean_squared_error",
    "score_of_one_target": "skxfer.metrics:_one_target",
    "transfer_gain": "skxfer.metrics:transfer_gain",
}

# Files written before names were stable say "module, name", as these modules were then called.
FORMER = {
    ("skxfer.featurizers", "ClippedScaler"): "ClippedScaler",
    ("skxfer.transfer", "HierarchicalTransfer"): "HierarchicalTransfer",
    ("skxfer.transfer", "SequentialTransfer"): "SequentialTransfer",
    ("skxfer.transfer._experts", "PerTarget"): "PerTarget",
    ("skxfer.transfer._strategies", "FrozenStack"): "FrozenStack",
}


def own(name):
    """The class or function of skxfer that has this name in files.

    Parameters
    ----------
    name : str
        A key of ``OWN``.

    Returns
    -------
    class or function
    """
    module, attribute = OWN[name].split(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        require(error.name)  # names the extra that brings an optional package
        raise


def own_name(obj):
    """The name that a class or function of skxfer has in files, None if it has none.

    Parameters
    ----------
    obj : class or function

    Returns
    -------
    str or None
    """
    names = _names_by_attribute().get(obj.__qualname__, ())
    return next((name for name in names if own(name) is obj), None)


@functools.cache
def _names_by_attribute():
    """Names by the attribute that their place ends with: only these modules need be imported to compare."""
    names = {}
    for name, place in OWN.items():
        names.setdefault(place.split(":")[1], []).append(name)
    return names
