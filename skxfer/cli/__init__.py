"""The command ``skxfer``."""
