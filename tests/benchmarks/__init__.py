"""The measurements behind the figures of the documentation; they need a development checkout."""
