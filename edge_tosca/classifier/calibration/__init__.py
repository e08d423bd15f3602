"""Probabilities: pooling with the modules, temperature, and conformal label sets."""
