"""Out-of-distribution detection: the score, and the threshold below which a picture is unknown."""
