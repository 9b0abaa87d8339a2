"""The version, alone in a file so that setup.cfg and the package read one place."""

__version__ = "0.1.0"
