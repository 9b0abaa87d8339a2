"""How torch's tensors and modules and skorch's nets become JSON and come back."""

import math

from .._optional import require
from .names import RefusedError, role_of
from .objects import device_here, inherits, is_callback

# Torch ----------------------------------------------------------------------------------------------------


def is_tensor(obj):
    """Tensors and parameters, not of a class derived from them."""
    return f"{type(obj).__module__}.{type(obj).__qualname__}" in (
        "torch.Tensor",
        "torch.nn.parameter.Parameter",
    )


def encode_tensor(writer, tensor, where):
    """Store a tensor; only its key and its role stand in the JSON."""
    torch = require("torch")
    unusual = tensor.layout is not torch.strided or tensor.device.type == "meta" or tensor.is_quantized
    if unusual or tensor.dtype in (torch.complex128, torch.complex32):
        raise TypeError(
            f"Cannot save {where}: a tensor that is sparse, quantized, without numbers, or {tensor.dtype}."
        )
    key = f"{len(writer.tensors)}"
    writer.tensors[key] = tensor.detach().cpu().contiguous().clone()
    return [key, type(tensor).__name__ == "Parameter", tensor.requires_grad]


def decode_tensor(reader, spec):
    """Read a tensor or parameter."""
    key, is_parameter, requires_grad = spec
    tensor = reader.tensors[key].requires_grad_(bool(requires_grad))
    return require("torch").nn.Parameter(tensor, bool(requires_grad)) if is_parameter else tensor


# Of the attributes that every torch module has, those that are not hooks.
_MODULE_STATE = {"training", "_parameters", "_buffers", "_modules", "_non_persistent_buffers_set"}
# Recurrent layers call into compiled code by lists of their parameters, which are made again.
_FLAT = ("_flat_weights", "_flat_weight_refs")


def is_module(obj):
    """Modules of torch."""
    return inherits(type(obj), "torch.nn.modules.module.Module")


def encode_module(writer, module, where):
    """Store a module of torch by its attributes, without hooks."""
    hooks = vars(require("torch").nn.Module()).keys() - _MODULE_STATE
    state = {key: value for key, value in vars(module).items() if key not in (*hooks, *_FLAT)}
    if any(vars(module).get(key) for key in hooks):
        writer.left_out.append(f"{where} has hooks, which are not saved: set them again after loading.")
    for key in state.keys() - _MODULE_STATE:
        if callable(getattr(type(module), key, None)):
            raise TypeError(f"Cannot save {where}.{key}: it hides a method of {type(module).__qualname__}.")
    return [writer.name(type(module), where), writer.mapping(state, where)]


def decode_module(reader, spec):
    """Rebuild a module of torch: its attributes are put in place, none of its methods is called."""
    torch = require("torch")
    cls, base = reader.names[spec[0]], torch.nn.Module
    if not isinstance(cls, type) or not issubclass(cls, base) or not _allows(reader, cls, "module"):
        raise RefusedError(f"{getattr(cls, '__name__', cls)} is not a torch module.")
    state = reader.mapping(spec[1])
    _check_module_state(torch, cls, state)
    module = object.__new__(cls)
    base.__init__(module)
    vars(module).update(state)
    if issubclass(cls, torch.nn.RNNBase):
        module._flat_weights = [getattr(module, name, None) for name in module._flat_weights_names]
        module._flat_weight_refs = [None for _ in module._flat_weights]
    return module


def _check_module_state(torch, cls, state):
    kinds = {
        "_parameters": (torch.nn.Parameter, type(None)),
        "_buffers": (torch.Tensor, type(None)),
        "_modules": (torch.nn.Module, type(None)),
    }
    for key, value in state.items():
        if key in kinds:
            if not isinstance(value, dict) or not all(isinstance(v, kinds[key]) for v in value.values()):
                raise RefusedError(f"the {key} of a {cls.__name__} hold something else.")
        elif key not in _MODULE_STATE and (key in _RESERVED or callable(getattr(cls, key, None))):
            raise RefusedError(f"a {cls.__name__} has {key} in a file, which would act when it is called.")
        elif not key.isidentifier():
            raise RefusedError(f"a {cls.__name__} has an attribute {key!r}.")


class _Names:
    """Attributes of every module, which a file may not set; torch is imported when they are asked for."""

    def __contains__(self, key):
        base = require("torch").nn.Module
        return hasattr(base, key) or key in vars(base())


_RESERVED = _Names()


def _allows(reader, obj, *roles):
    """Whether a class or function may play a role: one that is listed, of skxfer, or trusted by the user."""
    return any(obj is t for t in reader.trusted) or role_of(obj) in (*roles, "own")


# skorch ---------------------------------------------------------------------------------------------------

# What initialising a net makes again, in addition to its modules, criteria and optimizers.
_NET_MACHINERY = {
    *("callbacks_", "cuda_dependent_attributes_", "history_", "init_context_", "initialized_"),
    *("prefixes_", "virtual_params_"),
}
# Parameters that act on files or compile code, and what is put in their place.
_NOT_SAVED = {"compile": False, "torch_load_kwargs": None}
# Of these, torch and skorch call functions that they are given.
_WITHIN = ("callbacks__", "dataset__", "iterator_train__", "iterator_valid__")
_NUMBERS = (bool, int, float, str, type(None))


def is_net(obj):
    """Nets of skorch."""
    return inherits(type(obj), "skorch.net.NeuralNet")


def encode_net(writer, net, where):
    """Store a net of skorch: parameters, weights, history, fitted attributes."""
    params = {key: value for key, value in net.get_params(deep=False).items() if not key.startswith("_")}
    for key, value in _NOT_SAVED.items():
        if params.get(key, value) != value:
            writer.left_out.append(f"{where}.{key} is not saved: it would act on loading.")
        if key in params:
            params[key] = value
    _check_made_of_modules(params, where)
    if isinstance(params["callbacks"], list):
        params["callbacks"] = [given for given in params["callbacks"] if _keeps_callback(writer, given)]
    spec = {"class": writer.name(type(net), where), "params": writer.mapping(params, where)}
    if not net.initialized_:
        return spec
    modules = [f"{name}_" for name in (*net._modules, *net._criteria)]
    again = {*modules, *(f"{name}_" for name in net._optimizers), *_NET_MACHINERY}
    weights = {name: dict(getattr(net, name).state_dict(keep_vars=True)) for name in modules}
    fitted = {key: value for key, value in vars(net).items() if key.endswith("_") and key not in again}
    spec["weights"] = {name: writer.mapping(state, f"{where}.{name}") for name, state in weights.items()}
    spec["history"] = writer(list(net.history_), f"{where}.history_")
    spec["fitted"] = writer.mapping(fitted, where)
    return spec


def _check_made_of_modules(params, where):
    """Refuse a layer of torch that is made of others, which it would copy as often as the file says."""
    for role in ("module", "criterion"):
        listed = isinstance(params[role], type) and role_of(params[role]) in ("module", "own")
        for key, value in params.items():
            if listed and key.startswith(f"{role}__") and is_module(value):
                raise TypeError(f"Cannot save {where}.{key}: give the {role} as an instance, not as a class.")


def decode_net(reader, spec):
    """Rebuild a net of skorch: initialise it, then put its weights in."""
    skorch = require("skorch")
    cls, params = reader.names[spec["class"]], reader.mapping(spec["params"])
    if not isinstance(cls, type) or not issubclass(cls, skorch.NeuralNet) or not _allows(reader, cls, "net"):
        raise RefusedError(f"{getattr(cls, '__name__', cls)} is not a net.")
    _check_roles(reader, params)
    _check_params(reader, params)
    params["device"] = params["device"] and device_here(params["device"], "net")
    net = cls(**params)
    if "weights" not in spec:
        return net
    weights = {name: reader.mapping(specs) for name, specs in spec["weights"].items()}
    _check_size(reader, params, weights)
    _initialize(net, weights)
    net.history_ = skorch.history.History(reader(spec["history"]))
    fitted = reader.mapping(spec["fitted"])
    for key in fitted:
        if not key.endswith("_") or key.startswith("_") or key in _NET_MACHINERY or hasattr(cls, key):
            raise RefusedError(f"a net has {key} in a file.")
    vars(net).update(fitted)
    return net


def _check_roles(reader, params):
    """Refuse what a net would call in place of a module, a dataset, an iterator or a callback."""
    torch = require("torch")
    module, optimizer = torch.nn.Module, torch.optim.Optimizer
    for role, base in {"module": module, "criterion": module, "optimizer": optimizer}.items():
        given = params[role]
        made = given if isinstance(given, type) else type(given)
        fits = issubclass(made, base) and _allows(reader, made, "module", "optimizer")
        if not fits and not any(given is t for t in reader.trusted):
            raise RefusedError(f"{_text(given)} cannot be the {role} of a net.")
    for role in ("dataset", "iterator_train", "iterator_valid"):
        if not _allows(reader, params[role], "data"):
            raise RefusedError(f"{_text(params[role])} cannot be the {role} of a net.")
    split = params.get("train_split")
    if split is not None and not _allows(reader, type(split), "object"):
        raise RefusedError(f"{_text(split)} cannot be the train_split of a net.")
    callbacks = params["callbacks"]
    for callback in callbacks if isinstance(callbacks, list) else []:
        callback = callback[1] if isinstance(callback, tuple) else callback
        made = callback if isinstance(callback, type) else type(callback)
        if not is_callback(made) or not _allows(reader, made, "callback"):
            raise RefusedError(f"{_text(callback)} cannot be a callback of a net.")
    if not (callbacks is None or callbacks == "disable" or isinstance(callbacks, list)):
        raise RefusedError(f"{_text(callbacks)} cannot be the callbacks of a net.")


def _check_params(reader, params):
    """Refuse parameters that act on files, compile code, or bring functions to where torch calls them."""
    for key, value in params.items():
        if not isinstance(key, str) or not key.isidentifier() or key.startswith("_"):
            raise RefusedError(f"a net has a parameter {key!r}.")
        if key in _NOT_SAVED and value != _NOT_SAVED[key]:
            raise RefusedError(f"a net has {key}={_text(value)} in a file.")
        plain = isinstance(value, _NUMBERS) or any(value is t for t in reader.trusted)
        many = key.endswith("__num_workers") and not (isinstance(value, int) and 0 <= value <= 64)
        if many or (key.startswith(_WITHIN) and not plain):
            raise RefusedError(f"a net has {key}={_text(value)} in a file.")
    function = params.get("predict_nonlinearity")
    if not (function is None or isinstance(function, str) or _allows(reader, function, "function")):
        raise RefusedError(f"{_text(function)} cannot be the predict_nonlinearity of a net.")


def _check_size(reader, params, weights):
    """Refuse a net that would be larger than the weights in the file, before it is made."""
    torch = require("torch")
    total = sum(weight.numel() for state in weights.values() for weight in state.values())
    reader.charge(8 * total)
    for role in ("module", "criterion"):
        cls = params[role]
        if not isinstance(cls, type) or any(cls is t for t in reader.trusted):
            continue
        given = {key[len(role) + 2 :]: value for key, value in params.items() if key.startswith(f"{role}__")}
        sizes = sorted([1, 1, 1, *_whole_numbers(given)])
        # The layers are as many as one number says, and two numbers give the size of the largest.
        if sizes[-1] > max(10_000, 2 * total) or math.prod(sizes[-3:]) > max(50_000_000, 200 * total):
            raise RefusedError(f"the {role} of a net is larger than its weights.")
        if any(isinstance(value, torch.nn.Module) for value in given.values()):
            raise RefusedError(f"the {role} of a net is made of modules.")
        try:
            with torch.random.fork_rng(devices=[]), torch.device("meta"):
                shapes = {key: value.shape for key, value in cls(**given).state_dict().items()}
        except NotImplementedError:  # the size of a tensor in it depends on the numbers of another
            continue
        if shapes != {key: value.shape for key, value in weights.get(f"{role}_", {}).items()}:
            raise RefusedError(f"the {role} of a net has other weights than those in the file.")


def _whole_numbers(value):
    if isinstance(value, int):
        yield abs(value)
    elif isinstance(value, dict):
        for part in value.values():
            yield from _whole_numbers(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _whole_numbers(part)


def _initialize(net, weights):
    """Make the modules of a net and put its weights in."""
    torch = require("torch")
    with torch.random.fork_rng(devices=[]):
        net.initialize()
    for name, state in weights.items():
        if name not in {f"{known}_" for known in (*net._modules, *net._criteria)}:
            raise RefusedError(f"a net has weights of {name}, which it does not have.")
        module = getattr(net, name)
        trained = {key: weight.requires_grad for key, weight in state.items()}
        # As they were saved, in double precision too.
        module.load_state_dict(state, assign=True)
        for key, parameter in module.named_parameters():
            parameter.requires_grad_(trained[key])


def _keeps_callback(writer, callback):
    callback = callback[1] if isinstance(callback, tuple) else callback
    cls = callback if isinstance(callback, type) else type(callback)
    keeps = not cls.__module__.startswith("skorch.") or role_of(cls) == "callback"
    if not keeps:
        writer.left_out.append(f"{cls.__name__} is not saved: this callback acts on files or services.")
    return keeps


def _text(value):
    """Text for a message, without calling what a file may have made."""
    return (
        repr(value)[:80]
        if isinstance(value, _NUMBERS)
        else getattr(value, "__name__", f"a {type(value).__name__}")
    )
