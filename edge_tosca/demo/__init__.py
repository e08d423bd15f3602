"""The demo: learn handwritten digits two at a time, and draw what was found."""
