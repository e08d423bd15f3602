"""Cached features: normalisation, sampling and the choice of exemplars."""
