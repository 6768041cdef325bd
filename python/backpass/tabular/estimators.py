"""Estimators of scikit-learn on the preset "tabular": tables in, good scores without tuning."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, _fit_context
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_y, check_is_fitted

import backpass as bp
from backpass._signatures import install_class
from backpass.tabular.features import encode_features, feature_names, fit_features, read_features
from backpass.tabular.model import TableModel
from backpass.tabular.networks import METRICS, fit_net, make_net
from backpass.tabular.numbers import NumberStyle
from backpass.tabular.options import Settings
from backpass.tabular.presets import PRESETS
from backpass.tabular.splits import split_rows
from backpass.tabular.targets import ClassTarget, NumberTarget, Target

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    Array = NDArray[Any]

_PRESET = PRESETS["tabular"]
# Fewer rows tell little about the best epoch.
LEAST_VALIDATION = 10


class _TabularEstimator(BaseEstimator):  # type: ignore[misc]
    """What both estimators share: the parameters, the training and the file."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "members": [Interval(Integral, 1, None, closed="left")],
        "hidden": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "bins": [Interval(Integral, 0, None, closed="left")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "random_state": ["random_state"],
        "dtype": [StrOptions({"float32", "float64"})],
        "progress": ["boolean", StrOptions({"auto"})],
        "num_threads": [Interval(Integral, 1, None, closed="left"), None],
    }
    _task: ClassVar[str]
    _loss: ClassVar[str]

    def __init__(
        self,
        *,
        members: int = _PRESET["members"],
        hidden: Any = _PRESET["hidden"],
        bins: int = _PRESET["bins"],
        epochs: int = _PRESET["epochs"],
        batch_size: int = _PRESET["batch_size"],
        learning_rate: float | None = None,
        dropout: float = _PRESET["dropout"],
        weight_decay: float = 0.0,
        validation_fraction: float = 0.1,
        random_state: Any = None,
        dtype: str = "float32",
        progress: Any = False,
        num_threads: int | None = None,
    ) -> None:
        self.members = members
        self.hidden = hidden
        self.bins = bins
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.dtype = dtype
        self.progress = progress
        self.num_threads = num_threads

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _settings(self) -> Settings:
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        settings = Settings(
            preset="tabular",
            task=self._task,
            members=self.members,
            hidden=tuple(np.atleast_1d(self.hidden).tolist()),
            bins=self.bins,
            epochs=self.epochs,
            batch_size=self.batch_size,
            lr=self.learning_rate,
            dropout=self.dropout,
            weight_decay=self.weight_decay,
            validation_split=self.validation_fraction,
            test_split=0.0,
            seed=seed,
            dtype=self.dtype,
        )
        return settings.resolved(self._task, self._loss)

    def _fit(self, features: Any, target: Target, values: Array, y: Array) -> None:
        """Train the networks.

        Parameters
        ----------
        features : array or Table
            Of `read_features`.
        target : Target
        values : array
            Class numbers (n_samples,) or numbers (n_samples, n_outputs).
        y : array
            What the network learns: `values`, or the standardised numbers.
        """
        settings = self._settings()
        rows = len(values)
        classes = values if isinstance(target, ClassTarget) else None
        shares = {"validation": settings.validation_split}
        if round(rows * settings.validation_split) < LEAST_VALIDATION:
            shares = {}
        parts = split_rows(rows, shares, settings.seed, classes)
        order = [parts["train"], *([parts["validation"]] if shares else [])]
        encoder, x = fit_features(
            features, feature_names(self), order, settings.fit_scale(), settings.dtype
        )
        output = bp.losses.get(self._loss).output
        width = len(target.labels) if isinstance(target, ClassTarget) else len(target.names)
        net = make_net(settings, encoder.width, width, output)
        ensemble = bp.Ensemble.of([net]) if isinstance(net, bp.Network) else net
        self.histories_ = fit_net(
            ensemble,
            settings,
            self._task,
            self._loss,
            x[0],
            y[parts["train"]],
            (x[1], y[parts["validation"]]) if shares else None,
            progress=self.progress,
            num_threads=self.num_threads,
        )
        self.encoder_ = encoder
        self.ensemble_ = ensemble
        self._model = TableModel(ensemble, encoder, target)
        self._model.training = {
            "task": self._task,
            "loss": self._loss,
            "settings": settings.to_json(),
            "rows": {name: len(part) for name, part in parts.items()},
        }

    @property
    def validation_scores_(self) -> Array | None:
        """The validation score of each member's best epoch, (members,); None without validation.

        The accuracy of a classifier, and r2 of a regressor.
        """
        check_is_fitted(self, "ensemble_")
        name = f"val_{METRICS[self._task]}"
        if name not in self.histories_[0]:
            return None
        return np.array([history[name][history.best_epoch or 0] for history in self.histories_])

    def _outputs(self, X: Any) -> Array:
        """Return the mean outputs of the networks, (n_samples, outputs)."""
        check_is_fitted(self, "ensemble_")
        features = read_features(self, X, reset=False)
        return self._model.outputs_of(encode_features(self.encoder_, features, self.dtype))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a model file for `backpass.tabular.load`, ``backpass predict`` and C++.

        Parameters
        ----------
        path : path-like
            A safetensors file of the networks, with the encoder and the target.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        check_is_fitted(self, "ensemble_")
        members = self._model.members
        net = members[0] if len(members) == 1 else self.ensemble_
        model = TableModel(net, self.encoder_, self._model.target, (), self._model.training)
        model.save(path)


class TabularClassifier(ClassifierMixin, _TabularEstimator):  # type: ignore[misc]
    """Classes from a table, with good scores without tuning.

    Several networks are trained by the preset "tabular", and their probabilities are averaged. X is
    an array of numbers, or a data frame with numbers, categories, texts, flags, dates and missing
    values, see docs/tables.md.

    Parameters
    ----------
    members : int
        Number of networks. They differ by their initial weights and the order of the rows.
    hidden : int or sequence of int
        Widths of the hidden layers.
    bins : int
        Largest number of bins in the piecewise-linear encoding of a number; 0 means no bins.
    epochs, batch_size : int
    learning_rate : float, optional
        None means 0.04. A weight has the rate learning_rate / √fan_in.
    dropout : float
        Fraction of the hidden activations that training drops, in [0, 1).
    weight_decay : float
        Decoupled weight decay, as in AdamW.
    validation_fraction : float
        Fraction of the rows that choose the best epoch of each network, by the accuracy. Without
        such rows, or if they are fewer than 10, the last epoch is kept.
    random_state : int, RandomState or None
        The same int gives the same bits, with any number of threads.
    dtype : {"float32", "float64"}
        Of the networks.
    progress : bool or "auto"
        Whether to show a progress bar; ``"auto"`` shows it on a terminal.
    num_threads : int, optional
        Largest number of threads of `fit`. None means that of `backpass.get_num_threads`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        If X has names of columns that are texts.
    ensemble_ : Ensemble
        The networks. Their inputs are the encoded rows.
    encoder_ : TableEncoder
        The encoding: ``encoder_.inputs`` says what each input means.
    histories_ : list of History
        One per network.
    validation_scores_ : ndarray of shape (members,) or None

    Examples
    --------
    >>> from backpass.tabular import TabularClassifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = TabularClassifier(members=2, epochs=16, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.9
    True
    >>> model.predict_proba(X[:2]).shape
    (2, 3)
    """

    _task = "classification"
    _loss = "cross_entropy"

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any) -> TabularClassifier:
        """Train on the rows of X.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels: numbers or texts.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If X and y have different lengths, y has a single class, or no column can be learned
            from.
        """
        features = read_features(self, X, y, reset=True)
        name = getattr(y, "name", None)
        y = _check_y(y, estimator=self)
        check_classification_targets(y)
        check_consistent_length(X, y)
        classes, codes = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"y has one class, {classes[0]}: there is nothing to learn")
        labels = tuple(_label(label) for label in classes.tolist())
        target = ClassTarget(name if isinstance(name, str) else "y", labels)
        self._fit(features, target, codes, codes)
        self.classes_ = classes
        return self

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each row.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        found: Array = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[found])

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, the mean over the networks.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return self._outputs(X)


class TabularRegressor(RegressorMixin, _TabularEstimator):  # type: ignore[misc]
    """Numbers from a table, with good scores without tuning.

    Several networks are trained by the preset "tabular", and their predictions are averaged. The
    predictions stay in the range of y. X is an array of numbers, or a data frame with numbers,
    categories, texts, flags, dates and missing values, see docs/tables.md.

    Parameters
    ----------
    members, hidden, bins, epochs, batch_size : optional
        As of `TabularClassifier`.
    learning_rate : float, optional
        None means 0.07. A weight has the rate learning_rate / √fan_in.
    dropout, weight_decay : optional
        As of `TabularClassifier`.
    validation_fraction : float
        Fraction of the rows that choose the best epoch of each network, by the squared error.
        Without such rows, or if they are fewer than 10, the last epoch is kept.
    random_state, dtype, progress, num_threads : optional
        As of `TabularClassifier`.

    Attributes
    ----------
    n_features_in_, feature_names_in_, ensemble_, encoder_, histories_, validation_scores_
        As of `TabularClassifier`.

    Examples
    --------
    >>> from backpass.tabular import TabularRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = TabularRegressor(members=2, epochs=16, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.4
    True
    """

    _task = "regression"
    _loss = "mse"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any) -> TabularRegressor:
        """Train on the rows of X.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If X and y have different lengths, or no column can be learned from.
        """
        features = read_features(self, X, y, reset=True)
        name = getattr(y, "name", None)
        names = [str(column) for column in getattr(y, "columns", [])]
        y = _check_y(y, multi_output=True, y_numeric=True, estimator=self)
        check_consistent_length(X, y)
        values = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        width = values.shape[1]
        if len(set(names)) != width:
            one = name if isinstance(name, str) else "y"
            names = [one] if width == 1 else [f"{one}{i}" for i in range(width)]
        target = NumberTarget(tuple(names), (NumberStyle(),) * width, ())
        target = target.fit(values, standardise=True, limit=True)
        self._fit(features, target, values, target.encode(values).astype(self.dtype))
        return self

    def predict(self, X: Any) -> Array:
        """Return the predicted numbers, the mean over the networks.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        outputs = self._outputs(X)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs


def _label(label: Any) -> Any:
    """Return a label for the file: a text, a flag or a whole number."""
    if isinstance(label, float):
        return int(label) if label == int(label) else str(label)
    return label if isinstance(label, (str, int, bool)) else str(label)


for _estimator in (TabularClassifier, TabularRegressor):
    install_class(_estimator)
