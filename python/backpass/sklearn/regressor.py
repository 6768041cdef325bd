"""The drop-in for sklearn.neural_network.MLPRegressor."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn import neural_network
from sklearn.base import _fit_context
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from backpass import losses
from backpass.sklearn.base import CONSTRAINTS, NetworkEstimator
from backpass.sklearn.events import with_callbacks
from backpass.sklearn.objective import Objective
from backpass.sklearn.parameters import scikit_name

# scikit-learn's names of losses.
_NAMES = {"squared_error": "mse", "absolute_error": "mae"}


class Pinball:
    """The pinball loss of several quantiles: mean over rows and outputs of max(q e, (q − 1) e).

    e = y − a. An object can be pickled, as the function of a Custom loss.

    Parameters
    ----------
    levels : ndarray of shape (Q,)
        The quantiles q of the last axis: outputs are (B, k · Q), with the quantiles of a target
        side by side.
    """

    def __init__(self, levels: Any) -> None:
        self._levels = levels
        self._weight: Any = None

    def weigh(self, weight: Any) -> None:
        """Set the weights (B,) of the rows of the next call, or None."""
        self._weight = weight

    def __call__(self, a: Any, y: Any) -> tuple[float, Any]:
        """Return the loss and its derivatives with respect to a."""
        q = np.tile(self._levels, a.shape[1] // len(self._levels)).astype(a.dtype)
        error = y - a
        slope = np.where(error > 0, q, q - 1) / a.size
        if self._weight is not None:
            slope *= (self._weight / self._weight.mean())[:, np.newaxis]
        return float((slope * error).sum()), -slope


class MLPRegressor(NetworkEstimator, neural_network.MLPRegressor):  # type: ignore[misc]
    """scikit-learn's MLPRegressor, computed by `backpass.Network`.

    The parameters, attributes, methods, warnings and errors of
    `sklearn.neural_network.MLPRegressor` have the same meaning here, and the same `random_state`
    gives the same training up to rounding. The parameters below take more values, or are added.

    Parameters
    ----------
    loss : str or Loss
        ``"squared_error"`` and ``"poisson"`` as in scikit-learn; ``"absolute_error"``; or a loss of
        `backpass.losses` or its name, which is a mean over samples and outputs.
    hidden_layer_sizes : array-like of int
        See `sklearn.neural_network.MLPRegressor`, also for all parameters that are not here.
    activation, solver, learning_rate
        They take the same additional values as those of `MLPClassifier`.
    quantiles : sequence of float or None
        Levels in (0, 1), with ``loss="quantile"``: one output of the network per target and level.
        `predict` returns the level that is closest to 0.5, and `predict_quantiles` all of them.
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
        function gets the targets and the network's outputs, as arrays (B, k).
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
    >>> from backpass.sklearn import MLPRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.preprocessing import scale
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = MLPRegressor(loss="huber", solver="lbfgs", tol=0.01, random_state=0)
    >>> model.fit(scale(X), scale(y)).score(scale(X), scale(y)) > 0.5
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **neural_network.MLPRegressor._parameter_constraints,  # noqa: SLF001
        **CONSTRAINTS,
        "loss": [StrOptions({"squared_error", *_NAMES, *losses.names()}), losses.Loss],
        "quantiles": ["array-like", None],
    }

    def __init__(
        self,
        loss: Any = "squared_error",
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
        quantiles: Any = None,
        dropout: Any = 0.0,
        l1: float = 0.0,
        clip_norm: float | None = None,
        max_time: float | None = None,
        dtype: Any = None,
        metrics: Any = None,
        callbacks: Any = None,
        progress: Any = False,
    ) -> None:
        # BaseMultilayerPerceptron: MLPRegressor has the parameter `loss` since scikit-learn 1.7.
        super(neural_network.MLPRegressor, self).__init__(
            loss=loss,
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
        self.quantiles = quantiles
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
    ) -> MLPRegressor:
        """Fit the model to the data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional
        X_val, y_val, sample_weight_val : optional
            Data for a validation after every epoch: its loss is in ``validation_loss_curve_``. With
            `early_stopping`, these data replace a split of the training data.

        Returns
        -------
        self : object
        """
        return self._fit(X, y, sample_weight, validation=(X_val, y_val, sample_weight_val))  # type: ignore[no-any-return]

    # As in scikit-learn, the method exists for every solver.
    @available_if(lambda estimator: estimator._check_solver)  # type: ignore[untyped-decorator]  # noqa: SLF001
    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train one epoch on the data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self : object
        """
        return self._fit(X, y, sample_weight, incremental=True)  # type: ignore[no-any-return]

    def predict(self, X: Any) -> Any:
        """Return the predictions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        outputs = self._quick(X)
        return super().predict(X) if outputs is None else self._central(outputs)

    def predict_quantiles(self, X: Any) -> Any:
        """Return the quantiles that a fit with a pinball loss has learned.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_quantiles) or (n_samples, n_outputs, n_quantiles)
            In the order of `quantiles`. Where learned quantiles cross, they are sorted. With a
            single `backpass.losses.Quantile` as the loss, there is one quantile.

        Raises
        ------
        ValueError
            If the loss is not a pinball loss.
        """
        check_is_fitted(self)
        levels = self._levels()
        if levels is None:
            raise ValueError(f"predict_quantiles needs loss='quantile', not {self.loss!r}")
        outputs = self._forward_pass_fast(X)
        outputs = np.sort(outputs.reshape(len(outputs), -1, len(levels)), axis=2)
        outputs = outputs[:, :, np.argsort(np.argsort(levels))]
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def _predict(self, X: Any, check_input: bool = True) -> Any:
        return self._central(self._forward_pass_fast(X, check_input=check_input))

    def _central(self, outputs: Any) -> Any:
        """Return the predictions from the outputs: of several quantiles, the central one."""
        if self.quantiles is not None:
            levels = np.asarray(self.quantiles, float)
            outputs = outputs[:, int(np.abs(levels - 0.5).argmin()) :: len(levels)]
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def _levels(self) -> Any:
        """Return the quantiles that the network learns, or None."""
        loss = self._native_loss()
        if not isinstance(loss, losses.Quantile):
            return None
        return np.atleast_1d(
            loss.q if self.quantiles is None else np.asarray(self.quantiles, float)
        )

    def _native_loss(self) -> Any:
        if not isinstance(self.loss, str):
            return self.loss
        return losses.get(_NAMES.get(self.loss, self.loss))

    def _width(self) -> int:
        return self.n_outputs_ * (1 if self.quantiles is None else len(self.quantiles))

    def _objective(self) -> Objective:
        width = float(self.n_outputs_)
        loss = self._native_loss()
        if self.quantiles is not None:
            objective = self._quantile_objective()
        elif isinstance(self.loss, str) and self.loss == "squared_error":
            objective = Objective(loss, width / 2, 0.5)
        elif isinstance(self.loss, str) and isinstance(loss, losses.Poisson):
            objective = Objective(loss, width, width, deviance=True)
        else:
            objective = Objective(loss)
        self.out_activation_ = scikit_name(loss.output)
        return objective

    def _quantile_objective(self) -> Objective:
        levels = self._levels()
        if levels is None:
            raise ValueError(f"quantiles need loss='quantile', not {self.loss!r}")
        if levels.ndim != 1 or not len(levels) or not ((levels > 0) & (levels < 1)).all():
            raise ValueError(f"quantiles must be numbers between 0 and 1, got {self.quantiles!r}")
        pinball = Pinball(levels)
        return Objective(losses.Custom(pinball), repeat=len(levels), weigh=pinball.weigh)

    def _score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        return self._score_of(r2_score, X, y, sample_weight)
