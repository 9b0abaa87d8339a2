"""The zip that holds an estimator: written so that it can be checked, and checked before anything is read.

A small file can claim to hold a lot: gigabytes of zeros, a million members, a million brackets. Every number
below is compared with what the file says of itself, before memory is spent on it.
"""

import hashlib
import io
import json
import re
import struct
import zipfile

import numpy as np

from .._version import __version__

FORMAT_VERSION = 1
TREE = "skxfer.json"
_MEMBERS = re.compile(r"arrays\.npy|parts\.skops|tensors\.safetensors|boosters/\d{1,9}\.ubj")
# All members together may be this large, or this many times as large as the file.
FLOOR, RATIO = 64 * 2**20, 16
# The list of members at the end of a zip. Each takes 46 bytes there and its name.
_MAX_DIRECTORY = 4 * 2**20
# Brackets within brackets, and objects, lists and values in the JSON. A longer file may hold more of them.
MAX_DEPTH, _MAX_CONTAINERS, _MAX_VALUES = 500, 500_000, 4_000_000
_REMEDY = "Copy the file again from where it came, or save the model again with skxfer.save."


def pack(members):
    """Pack members into a zip.

    Parameters
    ----------
    members : dict of str to bytes

    Returns
    -------
    bytes
        The same members give the same bytes.
    """
    stored = set()
    while True:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, data in members.items():
                method = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
                # ZipInfo has a fixed date, so the same content gives the same file.
                archive.writestr(zipfile.ZipInfo(name), data, method)
            sizes = {
                info.filename: info.file_size / max(info.compress_size, 1) for info in archive.infolist()
            }
        total = sum(len(data) for data in members.values())
        if total <= _limit(buffer.tell()) or len(stored) == len(members):
            return buffer.getvalue()
        # What shrinks most would look like a bomb: it is stored as it is.
        stored.add(max(sizes.keys() - stored, key=lambda name: sizes[name] * len(members[name])))


def unpack(file, path):
    """Read the members of a zip.

    Parameters
    ----------
    file : binary file
    path : Path
        For messages.

    Returns
    -------
    tree : dict
        The JSON.
    members : dict of str to bytes
        The other members. Their digests are not compared yet.

    Raises
    ------
    ValueError
        The file is not a zip of ours, is damaged, has a newer format, holds members of other names, or claims
        to be too large.
    """
    start = file.read(4)
    if start != b"PK\x03\x04":
        found = "empty" if not start else "a pickle" if start[0] == 0x80 else "damaged, or of another kind"
        raise ValueError(f"{path} is {found}, not a file written by skxfer.save. {_REMEDY}")
    try:
        size = _check_directory(file)
        with zipfile.ZipFile(file) as archive:
            infos = {info.filename: info for info in archive.infolist()}
            _check_sizes(archive.infolist(), size)
            if TREE not in infos:
                found = ", ".join([*infos][:5])
                raise LimitError(f"is a zip of another kind, with {found}: skxfer.save did not write it.")
            text = _read(archive, infos.pop(TREE))
            check_json(text, size)
            tree = json.loads(text)
            _check_format(tree)
            _check_names(archive.infolist())
            members = {name: _read(archive, info) for name, info in infos.items()}
    except LimitError as error:
        raise ValueError(f"{path} {error}") from None
    except Exception as error:
        raise ValueError(f"{path} is damaged ({type(error).__name__}: {error}). {_REMEDY}") from error
    return tree, members


def check_digests(path, tree, members):
    """Compare the members with the digests in the tree.

    Parameters
    ----------
    path : Path
    tree : dict
    members : dict of str to bytes

    Raises
    ------
    ValueError
        They differ.
    """
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    if tree.get("members") != digests:
        raise ValueError(f"{path} is damaged: its members are not those that were saved. {_REMEDY}")


class LimitError(Exception):
    """The file is a zip, but not one of ours, or claims too much."""


def _limit(size):
    return max(FLOOR, RATIO * size)


def _check_directory(file):
    """The size of the file, if the list of members at its end is of a size that can be read."""
    size = file.seek(0, 2)
    file.seek(max(size - 22, 0))
    end = file.read(22)
    if len(end) < 22 or end[:4] != b"PK\x05\x06":
        raise ValueError("the file does not end where a zip ends")
    directory = struct.unpack("<I", end[12:16])[0]
    if directory == 0xFFFFFFFF:  # a zip of more than 4 GB
        file.seek(max(size - 98, 0))
        directory = struct.unpack("<Q", file.read(56)[40:48])[0]
    if directory > min(_MAX_DIRECTORY, size):
        raise LimitError(f"is not loaded: its list of members takes {directory} bytes.")
    file.seek(0)
    return size


def _check_sizes(infos, size):
    if any(info.flag_bits & 1 or info.compress_type not in (0, 8) for info in infos):
        raise LimitError("is not loaded: it is encrypted, or packed in a way that skxfer.save does not use.")
    total = sum(info.file_size for info in infos)
    if total > _limit(size):
        raise LimitError(
            f"is not loaded: its {size} bytes claim to hold {total}, more than skxfer.save packs into them."
        )


def _check_format(tree):
    if not isinstance(tree, dict) or tree.get("format") != "skxfer":
        raise LimitError("is a zip of another kind: skxfer.save did not write it.")
    version = tree.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise LimitError(
            f"has format {version}; this skxfer {__version__} reads up to format {FORMAT_VERSION}. Upgrade "
            "it: pip install -U skxfer."
        )
    if version != FORMAT_VERSION:
        raise LimitError(f"is damaged: it has format {version!r}.")


def _check_names(infos):
    names = [info.filename for info in infos]
    strange = [name for name in names if name != TREE and not _MEMBERS.fullmatch(name)]
    if strange or len(set(names)) < len(names):
        what = f"holds {strange[0]!r}" if strange else "has two members of one name"
        raise LimitError(f"is damaged: it {what}, which skxfer.save did not write. {_REMEDY}")


def _read(archive, info):
    """A member, of which no more is unpacked than it claims to hold."""
    with archive.open(info) as member:
        return member.read(info.file_size + 1)


def check_json(text, size):
    """Count the brackets and values of a JSON text, before it is read.

    Parameters
    ----------
    text : bytes
    size : int
        Size of the file, in bytes.

    Raises
    ------
    LimitError
        There are more than a file of this size can mean, or they are nested too deeply.
    """
    # Within strings, brackets and commas are text.
    bare = _STRING.sub(b"", text)
    containers = bare.count(b"[") + bare.count(b"{")
    if containers > max(_MAX_CONTAINERS, size // 8) or bare.count(b",") > max(_MAX_VALUES, size):
        raise LimitError("is not loaded: its JSON holds more objects than skxfer.save would write.")
    brackets = np.frombuffer(bare.translate(None, _NOT_BRACKETS), np.uint8)
    opens = np.isin(brackets, np.frombuffer(b"[{", np.uint8))
    depth = int(np.where(opens, np.int8(1), np.int8(-1)).cumsum(dtype=np.int32).max(initial=0))
    if depth > MAX_DEPTH:
        raise LimitError(f"is not loaded: its JSON is nested {depth} deep.")


# One that does not end goes to the end of the text, so that no place is looked at twice.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
