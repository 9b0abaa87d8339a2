"""Save an estimator to one file, and load it without ever running code from that file.

``container`` is the file and its members; ``codec`` turns objects into a tree of JSON and back; ``kinds`` and
``nets`` know the kinds of objects; ``names`` says which classes and functions a file may name.
"""

from .container import load, save

__all__ = ["load", "save"]
