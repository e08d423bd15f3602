"""The quality gate: label errors, near duplicates, confusable classes, and advice."""
