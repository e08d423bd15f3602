"""Routes of the console, and their messages."""
