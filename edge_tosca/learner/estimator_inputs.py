"""Check what the estimator is given, with the errors that scikit-learn's convention asks for."""

import warnings

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array
from edge_tosca.errors import LearnError


class EstimatorInputError(LearnError, ValueError):
    """Features or labels that cannot be learned; a ValueError, as scikit-learn's convention is."""


class EstimatorTypeError(LearnError, TypeError):
    """Features that are no numbers; a TypeError, as scikit-learn's convention is."""


def checked(X: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Array, Array]:
    """Check features and their labels.

    Args:
        X: features, [n, d].
        y: labels, [n].

    Returns:
        float64 [n, d], and labels, [n].

    Raises:
        EstimatorInputError: they are no finite numbers, or have no label each.
        EstimatorTypeError: the features are no numbers.
    """
    rows = checked_rows(X)
    if y is None:
        raise EstimatorInputError("requires y to be passed, but the target y is None")
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected; use y.ravel()",
            _conversion_warning(),
            stacklevel=4,
        )
        labels = labels[:, 0]
    if labels.ndim != 1 or len(labels) != len(rows):
        raise EstimatorInputError(
            f"y has shape {list(labels.shape)}; it needs a label for each of {len(rows)} rows"
        )
    if np.issubdtype(labels.dtype, np.floating):
        if not np.isfinite(labels).all():
            raise EstimatorInputError("Input y contains NaN or infinity")
        if (labels != np.floor(labels)).any():
            raise EstimatorInputError("Unknown label type: continuous; classes are text or whole numbers")
    return rows, labels


def checked_rows(X: npt.ArrayLike) -> Array:
    """Check features.

    Args:
        X: features, [n, d].

    Returns:
        float64 [n, d].

    Raises:
        EstimatorInputError: they are no finite numbers.
        EstimatorTypeError: they are no numbers.
    """
    if hasattr(X, "toarray"):
        raise EstimatorInputError("X is sparse, which is not supported; use X.toarray() to make it dense")
    rows = np.asarray(X)
    if np.iscomplexobj(rows):
        raise EstimatorInputError("Complex data not supported")
    try:
        rows = rows.astype(np.float64)
    except TypeError as error:
        raise EstimatorTypeError(f"X: argument must be a string or a number ({error})") from None
    except ValueError as error:
        raise EstimatorInputError(f"X is not made of numbers ({error})") from None
    if rows.ndim != 2:
        raise EstimatorInputError(
            f"Expected 2D array, got {rows.ndim}D array instead; Reshape your data to [n, d]"
        )
    if not rows.shape[0] or not rows.shape[1]:
        missing = "sample(s)" if not rows.shape[0] else "feature(s)"
        raise EstimatorInputError(
            f"Found array with 0 {missing} (shape={rows.shape}) while a minimum of 1 is required."
        )
    if not np.isfinite(rows).all():
        raise EstimatorInputError("Input X contains NaN or infinity")
    return rows


def _conversion_warning() -> type[Warning]:
    try:
        from sklearn.exceptions import DataConversionWarning
    except ImportError:
        return UserWarning
    found: type[Warning] = DataConversionWarning
    return found


def not_fitted(message: str) -> Exception:
    """Return the error for an estimator that was not fitted: scikit-learn's own where it is installed.

    Args:
        message: of the error.
    """
    try:
        from sklearn.exceptions import NotFittedError
    except ImportError:
        return EstimatorInputError(message)
    error: Exception = NotFittedError(message)
    return error
