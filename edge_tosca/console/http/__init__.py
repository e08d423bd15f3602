"""Transport and protection: tokens, limits, connections, errors."""
