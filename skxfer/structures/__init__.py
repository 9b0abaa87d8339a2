"""Structures of any kind as packed arrays: the reader that every model and featurizer of atoms shares."""

from ..energy_units import HARTREE, looks_like_hartree
from ._checks import check_images, compact_cells, wrapped_positions
from ._files import read_file, read_frames
from ._neighbours import Pairs, check_apart, neighbour_pairs
from ._packed import NUMBERS, SYMBOLS, Structure, Structures, TakesStructures
from ._read import read_structures
from ._results import read_results

__all__ = [
    "HARTREE",
    "NUMBERS",
    "SYMBOLS",
    "Pairs",
    "Structure",
    "Structures",
    "TakesStructures",
    "check_apart",
    "check_images",
    "compact_cells",
    "looks_like_hartree",
    "neighbour_pairs",
    "read_file",
    "read_frames",
    "read_results",
    "read_structures",
    "wrapped_positions",
]
