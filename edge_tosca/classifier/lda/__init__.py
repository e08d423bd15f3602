"""Linear discriminant analysis with shrinkage, and its exact scores on held-out blocks."""
