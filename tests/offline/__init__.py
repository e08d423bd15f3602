"""Proof that the device part of the program needs no network and reaches for none."""
