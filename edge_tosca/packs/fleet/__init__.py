"""Fleets: what one box learns, all know, over an MQTT 5 broker that is trusted for delivery alone."""
