"""How XGBoost's boosters, torch's tensors and modules, and skorch's nets become JSON and come back."""

import json
import warnings

from .._optional import require
from .names import SKORCH_NAMES, RefusedError


def encode_booster(writer, booster, where):
    """Store a booster of XGBoost in its own format."""
    threads = json.loads(booster.save_config())["learner"]["generic_param"]["nthread"]
    writer.boosters.append(bytes(booster.save_raw("ubj")))
    return [len(writer.boosters) - 1, int(threads)]


def decode_booster(reader, spec):
    """Read a booster of XGBoost."""
    booster = require("xgboost").Booster({"nthread": spec[1]})
    booster.load_model(bytearray(reader.members[f"boosters/{spec[0]}.ubj"]))
    return booster


def encode_tensor(writer, tensor, where):
    """Store a tensor; only its key and its role stand in the JSON."""
    key = f"{len(writer.tensors)}"
    writer.tensors[key] = tensor.detach().cpu().contiguous().clone()
    return [key, type(tensor).__name__ == "Parameter", tensor.requires_grad]


def decode_tensor(reader, spec):
    """Read a tensor or parameter."""
    key, is_parameter, requires_grad = spec
    tensor = reader.tensors[key].requires_grad_(requires_grad)
    return require("torch").nn.Parameter(tensor, requires_grad) if is_parameter else tensor


# Of the attributes that every torch module has, those that are not hooks.
_MODULE_STATE = {"training", "_parameters", "_buffers", "_modules", "_non_persistent_buffers_set"}


def encode_module(writer, module, where):
    """Store a module of torch by its attributes, without hooks."""
    hooks = vars(require("torch").nn.Module()).keys() - _MODULE_STATE
    state = {key: value for key, value in module.__getstate__().items() if key not in hooks}
    return [writer.name(type(module), where), writer.mapping(state, where)]


def decode_module(reader, spec):
    """Rebuild a module of torch."""
    cls, base = reader.names[spec[0]], require("torch").nn.Module
    if not issubclass(cls, base):
        raise RefusedError(f"{cls.__name__} is no torch module.")
    module = cls.__new__(cls)
    base.__init__(module)
    module.__setstate__(reader.mapping(spec[1]))
    return module


# What initialising a net makes anew, beside its modules, criteria and optimizers.
_NET_MACHINERY = {
    *("callbacks_", "cuda_dependent_attributes_", "history_", "init_context_", "initialized_"),
    *("prefixes_", "virtual_params_"),
}


def encode_net(writer, net, where):
    """Store a net of skorch: parameters, weights, history, fitted attributes."""
    params = {key: value for key, value in net.get_params(deep=False).items() if not key.startswith("_")}
    if isinstance(params["callbacks"], list):
        params["callbacks"] = [callback for callback in params["callbacks"] if _keeps_callback(callback)]
    spec = {"class": writer.name(type(net), where), "params": writer.mapping(params, where)}
    if not net.initialized_:
        return spec
    modules = [f"{name}_" for name in (*net._modules, *net._criteria)]
    anew = {*modules, *(f"{name}_" for name in net._optimizers), *_NET_MACHINERY}
    weights = {name: dict(getattr(net, name).state_dict(keep_vars=True)) for name in modules}
    fitted = {key: value for key, value in vars(net).items() if key.endswith("_") and key not in anew}
    spec["weights"] = {name: writer.mapping(state, f"{where}.{name}") for name, state in weights.items()}
    spec["history"] = writer(list(net.history_), f"{where}.history_")
    spec["fitted"] = writer.mapping(fitted, where)
    return spec


def decode_net(reader, spec):
    """Rebuild a net of skorch: initialise it, then put its weights in."""
    torch, skorch = require("torch"), require("skorch")
    cls, params = reader.names[spec["class"]], reader.mapping(spec["params"])
    if not issubclass(cls, skorch.NeuralNet):
        raise RefusedError(f"{cls.__name__} is no net.")
    module, optimizer = torch.nn.Module, torch.optim.Optimizer
    for role, base in {"module": module, "criterion": module, "optimizer": optimizer}.items():
        given = params[role]
        made = given if isinstance(given, type) else type(given)
        if not issubclass(made, base) and not any(given is t for t in reader.trusted):
            raise RefusedError(f"{given!r} cannot be the {role} of a net.")
    if str(params["device"]).startswith("cuda") and not torch.cuda.is_available():
        warnings.warn("The net was on a GPU and there is none here: it is put on the CPU.", stacklevel=2)
        params["device"] = "cpu"
    net = cls(**params)
    if "weights" not in spec:
        return net
    with torch.random.fork_rng(devices=[]):
        net.initialize()
    for name, specs in spec["weights"].items():
        module, weights = getattr(net, name), reader.mapping(specs)
        trained = {key: weight.requires_grad for key, weight in weights.items()}
        # As they were saved, in double precision too.
        module.load_state_dict(weights, assign=True)
        for key, parameter in module.named_parameters():
            parameter.requires_grad_(trained[key])
    net.history_ = skorch.history.History(reader(spec["history"]))
    vars(net).update(reader.mapping(spec["fitted"]))
    return net


def _keeps_callback(callback):
    callback = callback[1] if isinstance(callback, tuple) else callback
    cls = callback if isinstance(callback, type) else type(callback)
    keeps = not cls.__module__.startswith("skorch.") or cls.__name__ in SKORCH_NAMES
    if not keeps:
        warnings.warn(f"{cls.__name__} is not saved: this callback acts on files or services.", stacklevel=2)
    return keeps
