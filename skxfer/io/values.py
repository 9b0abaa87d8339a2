"""Numbers, arrays, tables and dtypes as JSON and npy, and back; what would not come back is refused."""

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from .names import RefusedError, is_torch_dtype

_PLAIN_KINDS = "biufcSUmM"
# What pandas calls columns of text that are no array of numpy.
_TEXT = ("str", "string", "string[python]")


def is_scalar(obj):
    """Numbers and the like of numpy, not of a class derived from them."""
    return (
        isinstance(obj, np.generic) and type(obj) is obj.dtype.type and obj.dtype.kind in _PLAIN_KINDS
    ) and type(obj).__module__ == "numpy"


def encode_scalar(writer, scalar, where):
    """Store the dtype and the bytes."""
    return [scalar.dtype.str, scalar.tobytes().hex()]


def decode_scalar(reader, spec):
    """Read a number of numpy."""
    return np.frombuffer(bytes.fromhex(spec[1]), _plain_dtype(spec[0]))[0]


def is_dtype(obj):
    """Dtypes that their short name says all about."""
    return (
        isinstance(obj, np.dtype)
        and obj.kind in f"{_PLAIN_KINDS}O"
        and obj.metadata is None
        and np.dtype(obj.str) == obj
    )


def decode_dtype(reader, spec):
    """Read a dtype."""
    return np.dtype(object) if spec == "|O" else _plain_dtype(spec)


def _plain_dtype(text):
    dtype = np.dtype(str(text))
    if dtype.kind not in _PLAIN_KINDS:
        raise RefusedError(f"{text!r} is not the dtype of a number or text.")
    return dtype


def is_array(obj):
    """Arrays of numbers or text, or with fields of these."""
    return type(obj) in (np.ndarray, np.memmap) and not obj.dtype.hasobject


def encode_array(writer, array, where):
    """Append an array to the member of arrays."""
    array = np.asarray(array)
    _check_dtype(array, where)
    if array.dtype.names:
        # The padding between fields is whatever the memory held before; it must not end up in a file.
        clean = np.zeros(array.shape, array.dtype)  # zeros_like leaves the padding
        for field in array.dtype.names:
            clean[field] = array[field]
        array = clean
    np.lib.format.write_array(writer.arrays, array, allow_pickle=False)
    return f"{array.dtype} {array.shape}"  # for whoever reads the JSON; arrays come back in order


def _check_dtype(array, where):
    """Refuse a dtype that numpy's own format does not bring back as it is."""
    dtype = array.dtype
    same = dtype.kind in f"{_PLAIN_KINDS}V" and dtype.metadata is None and (dtype.itemsize or not array.size)
    if same and dtype.kind == "V":
        back = np.lib.format.descr_to_dtype(np.lib.format.dtype_to_descr(dtype))
        same = dtype.names and back == dtype and back.isalignedstruct == dtype.isalignedstruct
    if not same:
        raise TypeError(
            f"Cannot save {where}: an array of dtype {dtype!r} would not come back as it is. Convert it to "
            "numbers, or to a plain array for each field."
        )


def decode_array(reader, _):
    """Read the next array of the member of arrays."""
    return next_array(reader, reader.arrays)


def next_array(reader, stream):
    """Read an array in numpy's format, having compared what it claims with what is there.

    Parameters
    ----------
    reader : Reader
    stream : io.BytesIO

    Returns
    -------
    ndarray
    """
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[np.lib.format.read_magic(stream)]
    shape, fortran, dtype = read_header(stream)
    size = 1
    for n in shape:
        size *= n
    left = len(stream.getbuffer()) - stream.tell()
    if dtype.hasobject or min(shape, default=0) < 0 or size * max(dtype.itemsize, 1) > left:
        raise RefusedError(f"an array of shape {shape} and dtype {dtype} is not in the file.")
    reader.charge(size * dtype.itemsize)
    flat = (
        np.frombuffer(stream.read(size * dtype.itemsize), dtype, count=size) if size else np.empty(0, dtype)
    )
    return flat.reshape(shape, order="F" if fortran else "C").copy(order="K")


def check_hashes(keys):
    """Refuse keys that were chosen so that a dict or set of them takes for ever to make.

    Parameters
    ----------
    keys : list

    Returns
    -------
    list
        The same.
    """
    if len(keys) > 1000 and len({hash(key) for key in keys}) < len(keys) // 2:
        raise RefusedError("the keys of a dict or set were made to clash.")
    return keys


def is_object_array(obj):
    """Arrays of Python objects."""
    return type(obj) is np.ndarray and obj.dtype == object


def encode_objects(writer, array, where):
    """Store an array of objects item by item."""
    return {"shape": list(array.shape), "items": writer.items(array.ravel(), where)}


def decode_objects(reader, spec):
    """Read an array of objects."""
    flat = np.empty(len(spec["items"]), dtype=object)
    for i, item in enumerate(reader.items(spec["items"])):
        flat[i] = item
    return flat.reshape(spec["shape"])


def encode_masked(writer, array, where):
    """Store the data, the mask, and what stands for hidden values."""
    mask = None if array.mask is np.ma.nomask else np.asarray(array.mask)
    fill = vars(array).get("_fill_value")  # asking for fill_value would set it
    if array.dtype.names or (isinstance(fill, np.ndarray) and fill.ndim):
        raise TypeError(f"Cannot save {where}: a masked array with fields. Save an array for each field.")
    parts = [np.asarray(array.data), mask, fill, bool(array.hardmask)]
    return writer.items(parts, where)


def decode_masked(reader, spec):
    """Read a masked array."""
    data, mask, *rest = reader.items(spec)
    if not isinstance(data, np.ndarray):
        raise RefusedError("a masked array has no data.")
    reader.charge(data.nbytes)
    fill, hard = rest or (None, False)
    mask = np.ma.nomask if mask is None else mask
    return np.ma.MaskedArray(data, mask=mask, fill_value=fill, hard_mask=bool(hard))


def encode_frame(writer, frame, where):
    """Store the index, the names and each column of a DataFrame."""
    if frame.index.nlevels > 1 or frame.columns.nlevels > 1:
        raise TypeError(f"Cannot save {where}: a DataFrame with several levels. Flatten its index first.")
    if frame.attrs:
        raise TypeError(f"Cannot save {where}: a DataFrame with attrs. Drop them first.")
    index = _encode_index(frame.index, f"{where}.index")
    names = _encode_index(frame.columns, f"{where}.columns")
    series = [(f"{where}[{name!r}]", frame.iloc[:, i]) for i, name in enumerate(frame.columns)]
    columns = [_encode_column(column, place) for place, column in series]
    spec = [index, names, columns]
    try:
        pd.testing.assert_frame_equal(_frame(*spec), frame, check_freq=True, check_exact=True)
    except AssertionError as error:
        raise TypeError(
            f"Cannot save {where}: this DataFrame would not come back as it is: {error}"
        ) from None
    return writer(spec, where)


def _encode_index(index, where):
    if index.name is not None:
        raise TypeError(f"Cannot save {where}: its name {index.name!r} would be lost. Use rename_axis(None).")
    if type(index) is pd.RangeIndex:
        return range(index.start, index.stop, index.step)
    return _encode_column(index, where)


def _encode_column(values, where):
    if isinstance(values.dtype, np.dtype) and (type(values) is not pd.DatetimeIndex):
        return values.to_numpy()
    if str(values.dtype) in _TEXT:
        return (str(values.dtype), values.to_numpy(dtype=object, na_value=None))
    raise TypeError(
        f"Cannot save {where}: pandas' dtype {values.dtype} would not come back. Convert it: "
        "astype(float), astype(str) or astype(object)."
    )


def decode_frame(reader, spec):
    """Read a DataFrame."""
    index, names, columns = reader(spec)
    for values in columns:
        array = values[1] if isinstance(values, tuple) else values
        if not isinstance(array, np.ndarray) or array.shape != (len(index),):
            raise RefusedError("a DataFrame has columns of different lengths.")
        reader.charge(2 * array.nbytes)
    return _frame(index, names, columns)


def _frame(index, names, columns):
    columns = [_column(values) for values in columns]
    frame = pd.DataFrame(dict(enumerate(columns)), index=_index(index))
    return frame.set_axis(_index(names), axis=1)


def _column(values):
    if not isinstance(values, tuple):
        return values
    if values[0] not in _TEXT:
        raise RefusedError(f"{values[0]!r} is not a dtype of text.")
    return pd.array(values[1], dtype=values[0])


def _index(values):
    if isinstance(values, range):
        return pd.RangeIndex(values)
    if isinstance(values, list):  # of earlier versions
        return values
    values = _column(values)
    return pd.Index(values, dtype=values.dtype)


def encode_bunch(writer, bunch, where):
    """Store a Bunch as the dict that it is."""
    return writer.items([dict(bunch)], where)


def decode_bunch(reader, spec):
    """Read a Bunch."""
    (values,) = reader.items(spec)
    bunch = Bunch()
    bunch.update(values)
    return bunch


def is_name(obj):
    """Classes and functions that another process can find by name."""
    kind = f"{type(obj).__module__}.{type(obj).__qualname__}"
    is_function = kind in ("builtins.function", "numpy._ArrayFunctionDispatcher")
    is_print = obj is print  # skorch's callbacks report to it
    if not (is_function or isinstance(obj, type)):
        return is_print or is_torch_dtype(obj)
    return "<" not in obj.__qualname__ and obj.__module__ is not None
