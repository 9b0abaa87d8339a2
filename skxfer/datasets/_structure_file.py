"""All structures of a file, with the energies, forces and stresses that come with them."""

import os

from sklearn.utils import Bunch
from sklearn.utils._param_validation import validate_params

from ..structures import read_frames, read_results, read_structures


@validate_params(
    {
        "path": [str, os.PathLike],
        "energy_key": [str, None],
        "forces_key": [str, None],
        "stress_key": [str, None],
    },
    prefer_skip_nested_validation=True,
)
def read_structure_file(path, *, energy_key=None, forces_key=None, stress_key=None):
    """Read all structures of a file, with their energies, forces and stresses.

    Parameters
    ----------
    path : str or path-like
        File in extended xyz, or any other that ASE reads, such as a trajectory, or the output of a
        calculation. The name is taken literally.
    energy_key, forces_key, stress_key : str or None, default=None
        Names of these in the file. None: the usual ones, see :func:`~skxfer.structures.read_results`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : list of :class:`ase.Atoms` of length n_structures
            In the order of the file.
        energy : ndarray of shape (n_structures,) or None
            Total energies, in eV if the file follows ASE. NaN where there is none; None if there is none at
            all.
        forces : list of ndarray, each of shape (n_atoms, 3), or None
            In eV/Å.
        stress : ndarray of shape (n_structures, 3, 3) or None
            In eV/Å\\ :sup:`3`.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        A file that ASE cannot read, without structures, or with one that no model takes (naming it); a name
        that no structure has; two usual names with different values.
    ImportError
        ASE is not installed (extra ``structures``).

    See Also
    --------
    read_structure_table : A file for each structure, and a table of properties.

    Examples
    --------
    >>> from skxfer import SchNetIIARegressor
    >>> from skxfer.datasets import read_structure_file
    >>> clusters = read_structure_file("clusters.extxyz", energy_key="REF_energy")  # doctest: +SKIP
    >>> SchNetIIARegressor().fit(clusters.data, clusters.energy, clusters.forces)  # doctest: +SKIP
    """
    frames = read_frames(path)
    if not frames:
        raise ValueError(f"{os.fspath(path)!r} holds no structure.")
    read_structures(frames)  # what no model would take is refused here, by its number
    results = read_results(frames, energy_key=energy_key, forces_key=forces_key, stress_key=stress_key)
    return Bunch(data=frames, **results)
