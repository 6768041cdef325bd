"""The drop-in for sklearn.neural_network.MLPClassifier."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import scipy.sparse
from sklearn import neural_network
from sklearn.base import _fit_context
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target

from backpass import losses
from backpass.sklearn.base import CONSTRAINTS, NetworkEstimator
from backpass.sklearn.events import with_callbacks
from backpass.sklearn.objective import Objective


class MLPClassifier(NetworkEstimator, neural_network.MLPClassifier):  # type: ignore[misc]
    """scikit-learn's MLPClassifier, computed by `backpass.Network`.

    The parameters, attributes, methods, warnings and errors of
    `sklearn.neural_network.MLPClassifier` have the same meaning here, and the same `random_state`
    gives the same training up to rounding. The parameters below take more values, or are added.

    Parameters
    ----------
    hidden_layer_sizes : array-like of int
        See `sklearn.neural_network.MLPClassifier`, also for all parameters that are not below.
    activation : str, Activation, or sequence of them
        Also every activation of `backpass.activations`, and a sequence with one entry for every
        hidden layer.
    solver : {"lbfgs", "sgd", "adam"}, another name of `backpass.optim`, or Optimizer
        ``"sgd"`` and ``"adam"`` are scikit-learn's. Another name means the default settings with
        the rate `learning_rate_init`. `fit` uses a copy of an object, whose rate replaces
        `learning_rate_init`.
    learning_rate : {"constant", "invscaling", "adaptive"} or Schedule
        Also an object of `backpass.schedules`, for all stochastic solvers. Epochs count from 0 in
        every call of `fit`, and the length of the training is `max_iter` epochs.
    loss : str or Loss
        ``"log_loss"``, or a loss of `backpass.losses` on the probabilities.
    class_weight : dict, list of dicts, "balanced" or None
        Factors on the sample weights, as in scikit-learn's linear models. For several labels, a
        list has one dict for each label, and the factors of a row are multiplied.
    dropout : float or sequence of float
        Fraction of the activations of the hidden layers that training drops, in [0, 1).
    l1 : float
        Strength of the L1 penalty. It is divided by the number of samples, as `alpha` is.
    clip_norm : float or None
        Upper bound of the 2-norm of the gradient of a step.
    max_time : float or None
        Seconds after which the training stops, at the end of an epoch or of an evaluation.
    dtype : {"float32", "float64"} or None
        Type of the parameters and of all computations. None means the type of X.
    metrics : str, callable, or sequence of them
        Metrics of `backpass.metrics` of every epoch, on the training data and on ``X_val``. A
        function gets the targets, numbers for several classes, and the network's outputs (B, k).
    callbacks : Callback or sequence of them
        Objects of `backpass.callbacks`. scikit-learn's callbacks are set by `set_callbacks`.
    progress : bool or "auto"
        Whether to show a progress bar; ``"auto"`` shows it on a terminal.

    Attributes
    ----------
    network_ : Network
        The network. ``coefs_`` and ``intercepts_`` are views of its memory.
    history_ : History
        The series of all epochs, if there are metrics, callbacks, a progress bar or ``X_val``. A
        warm start and `partial_fit` continue them. NaN stands where an epoch has no such series.
    validation_loss_curve_ : list of float
        The loss on ``X_val`` after every epoch. A warm start continues it.

    Examples
    --------
    >>> from backpass.sklearn import MLPClassifier
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> model = MLPClassifier(learning_rate_init=0.01, random_state=0).fit(X / 16, y)
    >>> model.score(X / 16, y) > 0.99
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **neural_network.MLPClassifier._parameter_constraints,  # noqa: SLF001
        **CONSTRAINTS,
        "loss": [StrOptions({"log_loss", *losses.names()}), losses.Loss],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        loss: Any = "log_loss",
        class_weight: Any = None,
        dropout: Any = 0.0,
        l1: float = 0.0,
        clip_norm: float | None = None,
        max_time: float | None = None,
        dtype: Any = None,
        metrics: Any = None,
        callbacks: Any = None,
        progress: Any = False,
    ) -> None:
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
        )
        self.loss = loss
        self.class_weight = class_weight
        self.dropout = dropout
        self.l1 = l1
        self.clip_norm = clip_norm
        self.max_time = max_time
        self.dtype = dtype
        self.metrics = metrics
        self.callbacks = callbacks
        self.progress = progress

    @with_callbacks  # type: ignore[untyped-decorator]
    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> MLPClassifier:
        """Fit the model to the data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or indicators of several labels.
        sample_weight : array-like of shape (n_samples,), optional
        X_val, y_val, sample_weight_val : optional
            Data for a validation after every epoch: its loss is in ``validation_loss_curve_``. With
            `early_stopping`, these data replace a split of the training data.

        Returns
        -------
        self : object
        """
        return self._fit(X, y, sample_weight, validation=(X_val, y_val, sample_weight_val))  # type: ignore[no-any-return]

    @available_if(lambda estimator: estimator._check_solver())  # type: ignore[untyped-decorator]  # noqa: SLF001
    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> MLPClassifier:
        """Train one epoch on the data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
        sample_weight : array-like of shape (n_samples,), optional
        classes : array-like of shape (n_classes,), optional
            All classes. The first call needs them.

        Returns
        -------
        self : object
        """
        if _check_partial_fit_first_call(self, classes):
            self._label_binarizer = LabelBinarizer()
            indicators = type_of_target(y).startswith("multilabel")
            self._label_binarizer.fit(y if indicators else classes)
        return self._fit(X, y, sample_weight, incremental=True)  # type: ignore[no-any-return]

    def predict(self, X: Any) -> Any:
        """Return the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
        """
        outputs = self._quick(X)
        if outputs is None:
            return super().predict(X)
        kind = self._label_binarizer.y_type_
        if kind == "multiclass":
            return self._label_binarizer.classes_.take(outputs.argmax(axis=1))
        if kind == "binary" and len(self._label_binarizer.classes_) == 2:
            second = (outputs.ravel() > 0.5).view(np.int8)
            return self._label_binarizer.classes_.take(second)
        if outputs.shape[1] == 1:
            outputs = outputs.ravel()
        return self._label_binarizer.inverse_transform(outputs)

    def predict_proba(self, X: Any) -> Any:
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
        """
        outputs = self._quick(X)
        if outputs is None:
            return super().predict_proba(X)
        if outputs.shape[1] > 1:
            return outputs
        both = np.empty((outputs.shape[0], 2), outputs.dtype)
        both[:, 1:] = outputs
        np.subtract(1, outputs, out=both[:, :1])
        return both

    def _objective(self) -> Objective:
        multiclass = self._label_binarizer.y_type_ == "multiclass"
        self.out_activation_ = "softmax" if multiclass else "logistic"
        if isinstance(self.loss, str) and self.loss == "log_loss":
            if multiclass:
                return Objective(losses.CrossEntropy(), labels=True)
            width = float(self.n_outputs_)
            return Objective(losses.BinaryCrossEntropy(), width, width)
        loss = losses.get(self.loss) if isinstance(self.loss, str) else self.loss
        wrong = {"unit_interval"} if multiclass else {"distribution"}
        if loss.targets in wrong or (loss.targets != "real" and loss.output == "identity"):
            one = losses.CrossEntropy() if multiclass else losses.BinaryCrossEntropy()
            raise ValueError(
                f"loss={self.loss!r} does not fit the probabilities of "
                f"{'several classes' if multiclass else 'two classes or of labels'}: use {one!r}"
            )
        return Objective(loss, labels=loss.targets == "distribution")

    def _weights(self, sample_weight: Any, X: Any, y: Any, incremental: bool) -> Any:
        weights = super()._weights(sample_weight, X, y, incremental)
        if self.class_weight is None:
            return weights
        if incremental and isinstance(self.class_weight, str):
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit: the counts of all "
                "classes are not known. Pass a dict."
            )
        labels = y.tocsr() if scipy.sparse.issparse(y) else np.asarray(y)
        factors = compute_sample_weight(self.class_weight, labels)
        return (factors if weights is None else factors * weights).astype(X.dtype)

    def _score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        return self._score_of(accuracy_score, X, y, sample_weight)
