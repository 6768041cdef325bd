"""The common part of both estimators: what replaces scikit-learn's own computation."""

from __future__ import annotations

import sys
import warnings
from itertools import pairwise
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import (
    _check_feature_names,
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from backpass import activations, optim, schedules
from backpass.callbacks.callback import Callback
from backpass.callbacks.early_stopping import EarlyStopping
from backpass.sklearn import lbfgs, stochastic
from backpass.sklearn.events import CallbackSupportMixin, Events, Rows, Tasks
from backpass.sklearn.objective import Objective, blocks, dense, predict
from backpass.sklearn.parameters import NetworkParameters
from backpass.sklearn.solvers import SGD, Adam, Given, Rates, Solver

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backpass.network import Network

    Array = NDArray[Any]

# The constraints of scikit-learn's parameters that take more here, and of the added parameters.
CONSTRAINTS: dict[str, list[Any]] = {
    "activation": [
        StrOptions({"logistic", *activations.names()}),
        activations.Activation,
        "array-like",
    ],
    "solver": [StrOptions({"lbfgs", *optim.names()}), optim.Optimizer],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"}), schedules.Schedule],
    "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
    "l1": [Interval(Real, 0, None, closed="left")],
    "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
    "max_time": [Interval(Real, 0, None, closed="neither"), None],
    "dtype": [
        StrOptions({"float32", "float64"}),
        Options(type, {np.float32, np.float64}),
        None,
    ],
    "metrics": [str, callable, "array-like", None],
    "callbacks": [Callback, EarlyStopping, "array-like", None],
    "progress": ["boolean", StrOptions({"auto"})],
}


class NetworkEstimator(NetworkParameters, CallbackSupportMixin):  # type: ignore[misc]
    """The methods that replace those of scikit-learn's BaseMultilayerPerceptron."""

    # Set by the constructors and by scikit-learn.
    solver: Any
    classes_: Any
    n_outputs_: int
    _label_binarizer: Any
    _random_state: Any

    def _objective(self) -> Objective:
        """Return what `fit` minimises, and set ``out_activation_``."""
        raise NotImplementedError

    def _width(self) -> int:
        """Return the number of outputs of the network."""
        return self.n_outputs_

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        incremental: bool = False,
        validation: tuple[Any, Any, Any] = (None, None, None),
    ) -> Any:
        hidden = self.hidden_layer_sizes
        hidden = list(hidden) if hasattr(hidden, "__iter__") else [hidden]
        if np.any(np.array(hidden) <= 0):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        if self.early_stopping and incremental and self._is_stochastic():
            raise ValueError("partial_fit does not support early_stopping=True")
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        given = X, y, sample_weight
        labels = y
        X, y = self._validate_input(X, y, incremental, reset=first)
        X = self._cast(X)
        sample_weight = self._weights(sample_weight, X, labels, incremental)
        if y.ndim == 1:
            y = y.reshape(-1, 1)
        self.n_outputs_ = y.shape[1]
        self._random_state = check_random_state(self.random_state)
        if first:
            self._initialize(y, [X.shape[1], *hidden, self._width()], X.dtype)
        objective = self._objective()
        net = self._current()
        self._own(net)
        if X.dtype != net.dtype:
            X = X.astype(net.dtype)
        held_out = self._held_out(validation)
        limit = self.max_iter + (not self._is_stochastic())
        tasks = Tasks(self, *given, 1 if incremental else limit)
        if self._is_stochastic():
            self._fit_epochs(X, y, sample_weight, objective, held_out, tasks, incremental)
        else:
            if np.any(self.dropout):
                raise ValueError("dropout needs a stochastic solver, and lbfgs is not one")
            rows = Rows(X, objective.encode(y, net.dtype), sample_weight)
            cost = lbfgs.FullBatch(net, objective, rows, self.alpha, self.l1)
            events = Events(self, net, objective, rows, _encoded(held_out, objective, net.dtype))
            lbfgs.train(self, cost, events, tasks)
        if not np.isfinite(net.parameters).all():
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may"
                " contain large values and need to be preprocessed."
            )
        tasks.end()
        return self

    def _is_stochastic(self) -> bool:
        return not isinstance(self.solver, str) or self.solver != "lbfgs"

    def _check_solver(self) -> bool:
        if not self._is_stochastic():
            raise AttributeError(
                "partial_fit is only available for stochastic"
                f" optimizers. {self.solver} is not stochastic."
            )
        return True

    def _cast(self, X: Any) -> Any:
        """Return X in the type of the parameter `dtype`."""
        if self.dtype is None or X.dtype == self.dtype:
            return X
        with np.errstate(over="ignore"):
            cast = X.astype(self.dtype)
        if not np.isfinite(cast if isinstance(cast, np.ndarray) else cast.data).all():
            raise ValueError(f"Input X contains values beyond the range of {cast.dtype}.")
        return cast

    def _weights(self, sample_weight: Any, X: Any, y: Any, incremental: bool) -> Any:
        """Return the weights of the rows, or None."""
        del y, incremental
        if sample_weight is None:
            return None
        weights = _check_sample_weight(sample_weight, X)
        if not weights.any():
            raise ValueError("Sample weights must contain at least one non-zero number.")
        if (weights < 0).any():
            raise ValueError("Sample weights must not be negative.")
        return weights

    def _initialize(self, y: Any, layer_units: list[int], dtype: Any) -> None:
        """Set the attributes of a first fit, and draw the parameters as scikit-learn does."""
        del y
        self.n_iter_ = 0
        self.t_ = 0
        self.n_layers_ = len(layer_units)
        for series in ("history_", "validation_loss_curve_"):  # of an earlier fit
            self.__dict__.pop(series, None)
        self._objective()  # sets out_activation_
        seeded = np.any(self.dropout)
        pairs = list(pairwise(layer_units))
        drawn = [self._init_coef(*pair, dtype) for pair in pairs]
        seed = int(self._random_state.randint(2**31 - 1)) if seeded else None
        if not self._is_stochastic() and self.dtype is None:
            dtype = np.float64  # as SciPy's parameters
        net = self._make(tuple(layer_units), dtype, seed)
        self._own(net)
        for i, (coef, intercept) in enumerate(drawn):
            self.coefs_[i][...] = coef
            self.intercepts_[i][...] = intercept
        if self._is_stochastic():
            self.loss_curve_: list[float] = []
            self._no_improvement_count = 0
            stops = self.early_stopping
            self.validation_scores_: Any = [] if stops else None
            self.best_validation_score_: Any = -np.inf if stops else None
            self.best_loss_: Any = None if stops else np.inf

    def _init_coef(self, fan_in: int, fan_out: int, dtype: Any) -> tuple[Array, Array]:
        # Glorot and Bengio (2010). scikit-learn has a smaller bound for the logistic function.
        factor = 2.0 if self.activation in ("logistic", "sigmoid") else 6.0
        bound = np.sqrt(factor / (fan_in + fan_out))
        coef = self._random_state.uniform(-bound, bound, (fan_in, fan_out))
        intercept = self._random_state.uniform(-bound, bound, fan_out)
        return coef.astype(dtype, copy=False), intercept.astype(dtype, copy=False)

    def _held_out(self, validation: tuple[Any, Any, Any]) -> tuple[Any, Any, Any, Any] | None:
        """Check ``X_val``, ``y_val`` and ``sample_weight_val``.

        Returns
        -------
        tuple or None
            The inputs, the targets (B, k) for the objective, the targets as the user gave them, and
            the weights.
        """
        X, y, weight = validation
        if X is None and y is None:
            if weight is not None:
                raise ValueError("sample_weight_val needs X_val and y_val")
            return None
        if X is None or y is None:
            raise ValueError("X_val and y_val must be given together")
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            dtype=(np.float64, np.float32),
            reset=False,
        )
        X = X.astype(self.network_.dtype, copy=False)
        if y.ndim == 2 and y.shape[1] == 1:
            y = y.ravel()
        targets = y
        if is_classifier(self):
            unknown = np.setdiff1d(y, self.classes_)
            if unknown.size:
                raise ValueError(f"y_val has classes that y does not have: {unknown}")
            targets = self._label_binarizer.transform(y)
        if targets.ndim == 1:
            targets = targets.reshape(-1, 1)
        if weight is not None:
            weight = _check_sample_weight(weight, X)
        return X, targets, y, weight

    def _fit_epochs(
        self,
        X: Any,
        y: Any,
        weight: Any,
        objective: Objective,
        held_out: tuple[Any, Any, Any, Any] | None,
        tasks: Tasks,
        incremental: bool,
    ) -> None:
        X_val = y_val = weight_val = None
        if self.early_stopping and held_out is not None:
            X_val, _, y_val, weight_val = held_out
        elif self.early_stopping:
            X, X_val, y, y_val, weight, weight_val = self._split(X, y, weight)
        net = self.network_
        rows = X.shape[0]
        size = self.batch_size
        if size == "auto":
            size = min(200, rows)
        elif size > rows:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than "
                "sample size. It is going to be clipped",
                stacklevel=2,
            )
            size = rows
        train = Rows(X, objective.encode(y, net.dtype), weight)
        if not incremental or not hasattr(self, "_optimizer"):
            self._optimizer = self._make_solver(objective, -(-rows // int(size)))
        validation = _encoded(held_out, objective, net.dtype)
        self._best_parameters = None if y_val is None else net.parameters.copy()
        try:
            stochastic.train(
                self,
                net,
                self._optimizer,
                objective,
                stochastic.Batches(train, int(size)),
                objective.offsets(train.y),
                Events(self, net, objective, train, validation),
                tasks,
                lambda: self._update_no_improvement_count(
                    y_val is not None, X_val, y_val, weight_val
                ),
                incremental=incremental,
            )
            if self._best_parameters is not None:
                net.parameters[:] = self._best_parameters
        finally:
            del self._best_parameters

    def _split(self, X: Any, y: Any, weight: Any) -> tuple[Any, ...]:
        """Split as scikit-learn does: stratified, unless there are several labels."""
        stratify = y if is_classifier(self) and self.n_outputs_ == 1 else None
        arrays = (X, y) if weight is None else (X, y, weight)
        parts = train_test_split(
            *arrays,
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=stratify,
        )
        if weight is None:
            parts += [None, None]
        if parts[1].shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' "
                "or the size of your dataset."
            )
        if is_classifier(self):
            parts[3] = self._label_binarizer.inverse_transform(parts[3])
        return tuple(parts)

    def _update_no_improvement_count(
        self, early_stopping: bool, X: Any, y: Any, sample_weight: Any
    ) -> None:
        if early_stopping:
            score = self._score(X, y, sample_weight=sample_weight)
            self.validation_scores_.append(score)
            if self.verbose:
                print(f"Validation score: {score:f}")  # noqa: T201
            better = not score < self.best_validation_score_ + self.tol
            if score > self.best_validation_score_:
                self.best_validation_score_ = score
                self._best_parameters = self.network_.parameters.copy()
        else:
            loss = self.loss_curve_[-1]
            better = not loss > self.best_loss_ - self.tol
            if loss < self.best_loss_:
                self.best_loss_ = loss
        self._no_improvement_count = 0 if better else self._no_improvement_count + 1

    def _make_solver(self, objective: Objective, steps: int) -> Solver:
        own: Any = self
        factor = objective.gradient_factor
        schedule: Any = own.learning_rate
        rates = None
        if not isinstance(schedule, str):
            schedule, rates = "constant", Rates(schedule, steps, own.max_iter)
        solver: Any = own.solver
        if isinstance(solver, str) and solver not in ("adam", "sgd"):
            solver = optim.get(solver)
            solver.lr = own.learning_rate_init
        if not isinstance(solver, str):
            return Given(solver, rates)
        if solver == "adam":
            betas = own.beta_1, own.beta_2
            return Adam(own.learning_rate_init, *betas, own.epsilon, factor, rates)
        return SGD(
            own.learning_rate_init,
            schedule,
            own.momentum,
            own.nesterovs_momentum,
            own.power_t,
            factor,
            rates,
        )

    # Predictions

    def _quick(self, X: Any) -> Array | None:
        """Return the outputs (B, M_N) for an input without faults, else None.

        An array of real numbers, a list of rows, or a DataFrame passes the checks of
        `validate_data` here: its names of features, its shape, its type, and finite values. The
        warning that it has no names comes last, so that it comes once.
        """
        own = vars(self)
        net, names = own.get("network_"), own.get("feature_names_in_")
        if net is None:
            return None
        rows = X if type(X) is np.ndarray else _array_of(X, names)
        if (
            type(rows) is not np.ndarray
            or rows.ndim != 2
            or rows.dtype.kind not in "fiub"
            or rows.shape[0] == 0
            or rows.shape[1] != own.get("n_features_in_")
            or not self._is_current()
            or not np.isfinite(rows).all()
        ):
            return None
        if names is not None and not hasattr(X, "columns"):
            _check_feature_names(self, X, reset=False)
        return self._outputs(net, rows)

    def _forward_pass_fast(self, X: Any, check_input: bool = True) -> Array:
        """Return the outputs of the network (B, M_N)."""
        if check_input:
            outputs = self._quick(X)
            if outputs is not None:
                return outputs
            X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        return self._outputs(self._current(), X)

    def _outputs(self, net: Network, X: Any) -> Array:
        outputs = predict(net, X)
        if self.dtype is None and X.dtype != net.dtype:
            return outputs.astype(np.result_type(X.dtype, net.dtype), copy=False)
        return outputs

    def _score_of(self, score: Any, X: Any, y: Any, sample_weight: Any) -> float:
        """Return a score without a validation of X, which has no names of features any more."""
        predicted = self._predict(X, check_input=False)
        if predicted.dtype.kind == "f" and not np.isfinite(predicted).all():
            return np.nan
        return float(score(y, predicted, sample_weight=sample_weight))

    def _loss_grad_lbfgs(
        self, packed_coef_inter: Any, X: Any, y: Any, *rest: Any
    ) -> tuple[float, Any]:
        """Return the cost of all rows and its gradient. scikit-learn's tests call this method.

        `rest` are a sample weight, if there are five arguments, and buffers, which are not used.
        """
        weight = rest[0] if len(rest) == 5 else None
        net, objective = self._current(), self._objective()
        rows = Rows(X, objective.encode(y, net.dtype), weight)
        return lbfgs.FullBatch(net, objective, rows, self.alpha, self.l1)(packed_coef_inter)

    def gradient(self, X: Any) -> Array:
        """Return the derivatives of the outputs with respect to the inputs.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_outputs, n_features) or (n_samples, n_features)
            ∂output_j/∂x_k of every sample; without the axis of outputs if there is one output. The
            outputs of a classifier are probabilities: of each class, of each label, or of the
            second class if there are two.
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        net = self._current().copy()
        width = net.sizes[-1]
        result = np.empty((X.shape[0], width, X.shape[1]), net.dtype)
        for part in blocks(X):
            net.forward(dense(X[part]))
            for j in range(width):
                outer = np.zeros((part.stop - part.start, width), net.dtype)
                outer[:, j] = 1.0
                result[part, j] = net.backward(outer, input_gradient=True)
        return result[:, 0] if width == 1 else result


def _array_of(X: Any, names: Any) -> Any:
    """Return a list, or a DataFrame with these names and NumPy's types, as an array; else X."""
    if type(X) is list:
        return np.asarray(X)
    pandas = sys.modules.get("pandas")
    if names is None or pandas is None or type(X) is not pandas.DataFrame:
        return X
    plain = all(isinstance(each, np.dtype) for each in X.dtypes)
    return X.to_numpy() if plain and np.array_equal(X.columns.to_numpy(), names) else X


def _encoded(
    held_out: tuple[Any, Any, Any, Any] | None, objective: Objective, dtype: Any
) -> Rows | None:
    """Return the rows of ``X_val`` for the core."""
    if held_out is None:
        return None
    X, targets, _, weight = held_out
    return Rows(X, objective.encode(targets, dtype), weight)
