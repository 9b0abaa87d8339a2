"""Torch modules and losses: no scikit-learn, no files, no training loop."""
