"""Comparisons and measurements behind every figure that this project publishes."""
