"""From pictures to features of a known origin."""
