"""Kills, power cuts and failing disks, many times over: what a store goes through in the field."""
