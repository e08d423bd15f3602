"""The default router: shrunken linear discriminant analysis, calibrated, with an OOD detector."""
