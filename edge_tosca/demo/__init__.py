"""The demonstration: learn handwritten digits two at a time, from the first to the last."""
