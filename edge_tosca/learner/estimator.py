"""The learner as a scikit-learn style estimator, for programs that bring features of their own.

It needs no backbone and no scikit-learn: rows of any feature extractor are taught and answered as the learner
teaches and answers those of its backbone. Rows are normalised as such features are (signed square root, unit
length), so they should be embeddings, whose direction says what they show; columns in units of their own
should be standardised first.
"""

import inspect
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array
from edge_tosca.learner.estimator_inputs import EstimatorInputError, checked, checked_rows, not_fitted
from edge_tosca.learner.learner import Learner
from edge_tosca.store.store import Store
from edge_tosca.vision.feature_extractor import FeatureExtractor

LEAST_WIDTH = 64
"""Width to which narrow rows are filled up: below 32 a module has no hidden unit."""

_FILE = "estimator.tosca"
_STORE = "_store_bytes"


class ToscaClassifier:
    """A classifier that learns new classes at any time and keeps the old ones.

    Every call of `partial_fit` teaches one task with a module of its own. The knowledge lies in a store in a
    temporary folder, which goes with the estimator; a pickle holds it.

    Args:
        refused: share of rows of known classes that may be called unknown, in 0 <= refused < 1.
        router: "fused", or "entropy" for the paper's rule.
        unknown_label: label of rows that look like none of the classes; None to name the likeliest class.

    Attributes:
        classes_: labels that were taught, sorted.
        n_features_in_: columns of a row.
    """

    _learner: Learner
    _folder: "tempfile.TemporaryDirectory[str]"
    _names: Array
    _labels: list[Any]
    n_features_in_: int

    def __init__(
        self, *, refused: float = 0.05, router: str = "fused", unknown_label: object | None = None
    ) -> None:
        self.refused = refused
        self.router = router
        self.unknown_label = unknown_label

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Forget everything, and learn classes.

        Args:
            X: features, float [n, d].
            y: labels of the rows, [n].

        Returns:
            The estimator.

        Raises:
            EstimatorInputError: these are no finite features with a label each.
        """
        rows, labels = checked(X, y)
        self._begin(rows.shape[1])
        return self._teach(rows, labels)

    def partial_fit(self, X: npt.ArrayLike, y: npt.ArrayLike, classes: npt.ArrayLike | None = None) -> Self:
        """Learn further classes, or known ones in a new domain, as one task.

        Args:
            X: features, float [n, d].
            y: labels of the rows, [n].
            classes: labels that are to have a column of their own from now on; they need not be in y.

        Returns:
            The estimator.

        Raises:
            EstimatorInputError: as `fit`; also if the rows have another width than before.
        """
        rows, labels = checked(X, y)
        if not self.__sklearn_is_fitted__():
            self._begin(rows.shape[1])
        self._require_width(rows)
        if classes is not None:
            self._names = _joined(self._names, np.asarray(classes))
        return self._teach(rows, labels)

    def predict(self, X: npt.ArrayLike) -> Array:
        """Predict the label of each row.

        Args:
            X: features, float [n, d].

        Returns:
            Labels, [n].
        """
        rows = self._rows(X)
        found: Array = self.classes_[self._posterior(rows).argmax(axis=1)]
        if self.unknown_label is not None:
            found = found.astype(object)
            found[self._unknown(rows)] = self.unknown_label
        return found

    def predict_proba(self, X: npt.ArrayLike) -> Array:
        """Predict the probabilities of the classes, given that a row shows one of them.

        Args:
            X: features, float [n, d].

        Returns:
            float64 [n, classes], in the order of `classes_`; rows add up to 1.
        """
        return self._posterior(self._rows(X))

    def predict_unknown(self, X: npt.ArrayLike) -> Array:
        """Predict which rows look like none of the classes.

        Args:
            X: features, float [n, d].

        Returns:
            bool [n].
        """
        return self._unknown(self._rows(X))

    def score(self, X: npt.ArrayLike, y: npt.ArrayLike) -> float:
        """Compute the share of rows that are given their label.

        Args:
            X: features, float [n, d].
            y: labels, [n].
        """
        return float(np.mean(self.predict(X) == np.asarray(y)))

    @property
    def classes_(self) -> Array:
        """Labels that were taught, sorted."""
        self._require_fitted()
        return self._names

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings by name.

        Args:
            deep: has no effect: no setting is an estimator.
        """
        return {name: getattr(self, name) for name in _parameters()}

    def set_params(self, **params: Any) -> Self:
        """Change settings; they hold from the next `fit`.

        Args:
            **params: by name.

        Raises:
            EstimatorInputError: there is no such setting.
        """
        for name, value in params.items():
            if name not in _parameters():
                known = ", ".join(_parameters())
                raise EstimatorInputError(f"invalid parameter {name!r}; the parameters are {known}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        """Return the settings that are not the defaults."""
        given = [
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if value != inspect.signature(type(self)).parameters[name].default
        ]
        return f"{type(self).__name__}({', '.join(given)})"

    def __getstate__(self) -> dict[str, Any]:
        """Return the state with the store's content in place of its file."""
        state = {name: value for name, value in vars(self).items() if name not in ("_folder", "_learner")}
        if "_learner" in vars(self):
            with closing(sqlite3.connect(self._learner.store.path)) as connection:
                state[_STORE] = connection.serialize()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a state, and write the store's content to a temporary file."""
        content = state.pop(_STORE, None)
        vars(self).update(state)
        if content is not None:
            path = self._new_folder()
            path.write_bytes(content)
            self._learner = Learner(Store.open(path), FeatureExtractor())

    def __sklearn_is_fitted__(self) -> bool:
        """Return whether something was taught."""
        return "_learner" in vars(self)

    def __sklearn_tags__(self) -> Any:
        """Describe the estimator to scikit-learn, which alone calls this."""
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(),
        )

    def _begin(self, width: int) -> None:
        settings = {
            "bundle": "",
            "runtime": "none",
            "device": "none",
            "fingerprint": "0" * 64,
            "origin": "features of a program of its own",
            "feature_dim": str(max(width, LEAST_WIDTH)),
            "router": self.router,
            "refused": str(self.refused),
        }
        self._learner = Learner(Store.create(self._new_folder(), settings), FeatureExtractor())
        self.n_features_in_ = width
        self._names = np.array([])
        self._labels = []

    def _new_folder(self) -> Path:
        if "_learner" in vars(self):
            self._learner.close()
        self._folder = tempfile.TemporaryDirectory(prefix="edge-tosca-")
        return Path(self._folder.name) / _FILE

    def _teach(self, rows: Array, labels: Array) -> Self:
        features = {}
        for label in np.unique(labels):
            features[self._name_of(label)] = _filled(rows[labels == label])
        self._names = _joined(self._names, labels)
        self._learner.learn_features(features, force=True, new_class=True)
        return self

    def _name_of(self, label: Any) -> str:
        """Return the store's name of a class; its label may be of any type, and no valid name."""
        for place, known in enumerate(self._labels):
            if known == label:
                return f"class {place}"
        self._labels.append(label)
        return f"class {len(self._labels) - 1}"

    def _posterior(self, rows: Array) -> Array:
        with self._learner.store.snapshot():
            model = self._learner.model
            found = model.posterior(_filled(rows)).astype(np.float64)
            names = model.state.labels
        taught = [self._labels[int(name.rpartition(" ")[2])] for name in names]
        out = np.zeros((len(rows), len(self._names)))
        out[:, np.searchsorted(self._names, np.array(taught, self._names.dtype))] = found
        shares: Array = out / out.sum(axis=1, keepdims=True)
        return shares

    def _unknown(self, rows: Array) -> Array:
        answers = self._learner.predict_features(_filled(rows), 1)
        return np.array([answer.unknown for answer in answers], bool)

    def _rows(self, X: npt.ArrayLike) -> Array:
        self._require_fitted()
        rows = checked_rows(X)
        self._require_width(rows)
        return rows

    def _require_width(self, rows: Array) -> None:
        if rows.shape[1] != self.n_features_in_:
            raise EstimatorInputError(
                f"X has {rows.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )

    def _require_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise not_fitted(
                f"this {type(self).__name__} instance is not fitted yet; call fit or partial_fit before"
            )


def _filled(rows: Array) -> Array:
    """Return rows as the learner takes them, float32 [n, at least LEAST_WIDTH].

    A narrow row gets a constant 1, so that its direction keeps its length, and zeros.
    """
    narrow = rows.astype(np.float32)
    if narrow.shape[1] >= LEAST_WIDTH:
        return narrow
    wide = np.zeros((len(narrow), LEAST_WIDTH), np.float32)
    wide[:, : narrow.shape[1]] = narrow
    wide[:, narrow.shape[1]] = 1
    return wide


def _parameters() -> list[str]:
    return [name for name in inspect.signature(ToscaClassifier.__init__).parameters if name != "self"]


def _joined(known: Array, labels: Array) -> Array:
    return np.unique(labels if not len(known) else np.concatenate([known, labels]))
