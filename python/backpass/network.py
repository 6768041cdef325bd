"""The class Network: the native network, with `fit`, its representation and copying."""

from __future__ import annotations

import copy
import functools
import os
from html import escape
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from backpass import _core
from backpass._fit_arguments import by_name, data_settings, step_settings
from backpass.callbacks.callback import TrainInfo
from backpass.callbacks.history import History
from backpass.callbacks.hooks import Hooks, collect
from backpass.data.windows import Windows, to_source
from backpass.distributed import as_group, reporting
from backpass.metrics import compute

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    from backpass._core.losses import Loss
    from backpass._core.optim import Optimizer
    from backpass._core.schedules import Schedule
    from backpass.callbacks import Callback, Checkpoint, EarlyStopping
    from backpass.callbacks.progress import ProgressMode
    from backpass.data import Source
    from backpass.metrics import Metrics

__all__ = ["Network"]


class Network(_core.Network):
    """A plain, fully connected network: z^i = W^i a^{i-1} + b^i, a^i = φ_i(z^i), i = 1 … N.

    Rows are samples: inputs are (B, M_0), outputs (B, M_N). A one-dimensional input is one sample,
    with one-dimensional results.

    Parameters
    ----------
    sizes : iterable of int
        M_0, …, M_N; at least two entries.
    activation : str, Activation or sequence of them
        Activation of the hidden layers, or a sequence with one entry for every layer 1…N.
    output : str or Activation
        Activation of layer N; identity by default. Not together with a sequence for `activation`.
    bias : bool or sequence of bool
        Whether layers have a bias: one value for all layers, or one entry for every layer 1…N.
    dropout : float or sequence of float
        Fraction of the hidden activations that training drops, in [0, 1), or a sequence with one
        entry for every layer 1…N−1. Training scales up the other activations, so that inference
        needs no factor.
    dtype : {"float32", "float64"}
        Type of parameters, results and all arithmetic. None means the default.
    init : str, Initializer or sequence of them
        ``"auto"`` means LeCun for selu. For the ReLU family it means He in networks of more than 10
        layers. In all other cases it means Glorot. ``docs/initial_weights.md`` has the reason.
    seed : int, SeedSequence or Generator, optional
        Seed of the initial weights and of dropout. The same seed gives the same network everywhere.

    Raises
    ------
    ValueError
        If arguments contradict each other, are out of range, or contain an unknown name.
    TypeError
        If an argument has a wrong type.

    Examples
    --------
    >>> import numpy as np
    >>> import backpass as bp
    >>> net = bp.Network([784, 128, 10], activation="relu", output="softmax", seed=0)
    >>> net
    Network([784, 128, 10], activation='relu', output='softmax', dtype='float32')
    >>> net.num_parameters
    101770
    >>> net.predict(np.zeros((5, 784))).shape
    (5, 10)
    """

    # Without a __dict__, assigning to an attribute that does not exist is an AttributeError.
    __slots__ = ()

    if TYPE_CHECKING:
        # For type checkers: the flag input_gradient decides the type of the result. At run time,
        # the native methods are inherited without a change.
        @overload  # type: ignore[override]
        def backward(
            self,
            grad_output: ArrayLike,
            *,
            input_gradient: Literal[False] = ...,
            accumulate: bool = ...,
        ) -> None: ...
        @overload
        def backward(
            self, grad_output: ArrayLike, *, input_gradient: Literal[True], accumulate: bool = ...
        ) -> NDArray[Any]: ...
        @overload
        def backward(
            self, grad_output: ArrayLike, *, input_gradient: bool, accumulate: bool = ...
        ) -> NDArray[Any] | None: ...
        def backward(  # noqa: D102
            self, grad_output: ArrayLike, *, input_gradient: bool = ..., accumulate: bool = ...
        ) -> NDArray[Any] | None: ...
        @overload  # type: ignore[override]
        def loss_and_gradient(
            self,
            x: ArrayLike,
            y: ArrayLike,
            *,
            loss: Loss | str,
            sample_weight: ArrayLike | None = ...,
            input_gradient: Literal[False] = ...,
            shards: int | None = ...,
        ) -> float: ...
        @overload
        def loss_and_gradient(
            self,
            x: ArrayLike,
            y: ArrayLike,
            *,
            loss: Loss | str,
            sample_weight: ArrayLike | None = ...,
            input_gradient: Literal[True],
            shards: int | None = ...,
        ) -> tuple[float, NDArray[Any]]: ...
        @overload
        def loss_and_gradient(
            self,
            x: ArrayLike,
            y: ArrayLike,
            *,
            loss: Loss | str,
            sample_weight: ArrayLike | None = ...,
            input_gradient: bool,
            shards: int | None = ...,
        ) -> float | tuple[float, NDArray[Any]]: ...
        def loss_and_gradient(  # noqa: D102
            self,
            x: ArrayLike,
            y: ArrayLike,
            *,
            loss: Loss | str,
            sample_weight: ArrayLike | None = ...,
            input_gradient: bool = ...,
            shards: int | None = ...,
        ) -> float | tuple[float, NDArray[Any]]: ...

    def fit(
        self,
        x: ArrayLike | Source | Iterable[Any],
        y: ArrayLike | None = None,
        *,
        loss: Loss | str,
        optimizer: Optimizer | str,
        epochs: int,
        batch_size: int = 32,
        shuffle: bool = True,
        validation_data: tuple[ArrayLike, ArrayLike] | None = None,
        validation_split: float = 0.0,
        sample_weight: ArrayLike | None = None,
        schedule: Schedule | None = None,
        dropout_schedule: Schedule | None = None,
        weight_decay_schedule: Schedule | None = None,
        early_stopping: EarlyStopping | int | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        metrics: Metrics = (),
        callbacks: Callback | EarlyStopping | Iterable[Callback | EarlyStopping] = (),
        progress: ProgressMode = "auto",
        seed: int | np.random.SeedSequence | np.random.Generator | None = None,
        checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
        resume_from: str | os.PathLike[str] | None = None,
        shards: int | None = None,
        communicator: Any = None,
    ) -> History:
        """Train by mini-batches.

        The training loop is native. An interrupt (Ctrl-C) ends it between two steps, or between two
        blocks of rows of the validation or a metric. The network is then usable. A step, which is
        one mini-batch, is not interrupted.

        Parameters
        ----------
        x : array_like, or Source
            (B, M_0). For data that are larger than memory: an object of `backpass.data`, an
            iterable of blocks (x, y) or (x, y, sample_weight), or an array or a frame of Dask. Only
            a part of these rows is in memory; see `backpass.data`. A `numpy.memmap` is an array in
            memory for `fit`, which copies it if its dtype is another one; `backpass.data.Arrays`
            reads it in blocks.
        y : array_like, optional
            (B, M_N), or (B,) if M_N is 1. The cross-entropies also accept (B,) integer labels.
            Not given if `x` contains it.
        loss : Loss or str
            An object of `backpass.losses`, or its name.
        optimizer : Optimizer or str
            An object of `backpass.optim`. A name means a new optimizer with default settings.
        epochs : int
            Number of passes over the rows, including those before an interruption.
        batch_size : int
            Number of rows per step. The last batch of an epoch may have fewer rows.
        shuffle : bool
            Whether every epoch has a new order of the rows.
        validation_data : (array_like, array_like), optional
            Inputs and targets for a validation after every epoch. Training does not use them. A
            validation loss or metric that is NaN or infinite is recorded and does not stop the
            training; early stopping and `ReduceOnPlateau` do not count it as an improvement.
        validation_split : float
            Fraction of the rows to use as validation data instead, in [0, 1). The last rows are
            taken, before shuffling.
        sample_weight : array_like, optional
            w of shape (B,). The loss of a batch is Σ_b w_b ℓ_b / Σ_b w_b.
        schedule : Schedule, optional
            An object of `backpass.schedules`. It scales the optimizer's ``lr``, which is restored
            at the end.
        dropout_schedule, weight_decay_schedule : Schedule, optional
            Factors for every step: the network's dropout rates and the optimizer's
            ``weight_decay`` are multiplied by ``schedule.lr(1.0, epoch, step)``. Both are restored
            at the end. `fit` follows copies of these schedules.
        early_stopping : EarlyStopping or int, optional
            An int is the patience.
        clip_norm, clip_value : float, optional
            Upper bounds of the 2-norm of all gradients together, and of the magnitude of every
            single gradient.
        l1, l2 : float
            Add l1 Σ|w| + l2/2 Σ w² over the weights to the cost. Biases are not penalised.
        metrics : str, callable, or iterable of them
            Names of `backpass.metrics`, and functions (y, output) -> float. All but accuracy, r2
            and mae get the outputs of all rows at once. A function gets arrays (B, M_N), or labels
            (B,), and no weights.
        callbacks : callback or iterable of callbacks
            Objects of `backpass.callbacks`.
        progress : {"auto", True, False}
            Whether to show a progress bar on standard error. ``"auto"`` shows it on a terminal.
        seed : int, SeedSequence or Generator, optional
            Seed of the shuffles. `resume_from` takes it from the file; an int must be equal to it.
        checkpoint : Checkpoint or path, optional
            A file to save after every epoch, with all that `resume_from` needs. A path means a
            `Checkpoint` with default settings.
        resume_from : path, optional
            A file of `checkpoint`. The same call with ``resume_from`` continues the training: `fit`
            first replaces the parameters, the state of the optimizer, the schedule and early
            stopping, and the seed by those of the file. It then does the epochs that are left. The
            results have the same bits as those of a training without an interruption, and the
            history has all epochs. Network, optimizer, schedules, metrics and the number of steps
            per epoch must be those of the file, and so must the blocks and `buffer_rows` of a
            source. `epochs` may be larger than before.
        shards : int, optional
            Each batch is divided into this number of shards, a power of two; see `train_step`. With
            `shuffle`, rows change places only with rows of the same shard. Also metrics and the
            validation loss are sums over shards. So the results depend on `shards`, and not on the
            number of processes. The default is that of the training in `resume_from`, else 1, or 8
            with `communicator`.
        communicator : mpi4py.MPI.Comm, optional
            For a training by several processes, all of which call `fit` with the same settings. The
            number of processes is a power of two, at most `shards`. Each process gives a part of
            the rows (maybe none) of `x`, `y`, `sample_weight` and `validation_data`; together, in
            the order of the ranks, these are the data. At the end, all processes have the same
            network, optimizer and history. Callbacks, progress and checkpoints are those of rank 0;
            callbacks must not change the network or the optimizer. `resume_from` must be readable
            for all. See `backpass.distributed`.

        Returns
        -------
        History
            Has ``"loss"``, ``"lr"``, ``"seconds"``, the metrics, and ``"val_…"`` of the loss and
            the metrics.

        Raises
        ------
        ValueError
            If an argument is out of range, shapes do not match, or the training in `resume_from`
            is another one. Also if `weight_decay_schedule` is given for an optimizer that has no
            ``weight_decay``, or if `dropout_schedule` makes a dropout rate 1 or larger in a step.
        OSError, backpass.FormatError
            From `checkpoint` and `resume_from`.
        TypeError
            If an array does not have a real dtype, or an argument has a wrong type.
        RuntimeError
            If the optimizer belongs to another network, or `fit` of another thread uses the network
            or the optimizer. With `communicator`, also if another process has failed; the message
            is that of its error.
        Exception
            From a source of rows. The network then has the state after the last step.
        MemoryError
            Network, optimizer and schedule then have the state from the end of the last epoch whose
            callbacks have returned. After any other exception of a callback, they keep the state
            after the last step.
        backpass.DivergenceError
            If the loss of a training step, or a parameter, becomes infinite or NaN. The network
            then has the state from the end of the last finite epoch. A validation loss does not
            raise this error.

        Notes
        -----
        Callbacks run between two steps, on the thread that called `fit`. They may use the network
        and the optimizer. Functions of Custom activations and losses, and functions as metrics, run
        within a computation. They must not use the network or the optimizer: such a call raises
        RuntimeError.

        Calls of other threads that change nothing (`predict`, `evaluate`, `copy`, `save`) run
        between two steps: during every callback, and at least every 50 ms or, if a step takes
        longer, after this step. Calls of other threads that change the network or the optimizer
        raise RuntimeError until `fit` has ended.

        Examples
        --------
        >>> import numpy as np
        >>> import backpass as bp
        >>> x = np.random.default_rng(0).normal(size=(200, 2))
        >>> labels = (x[:, 0] > x[:, 1]).astype(int)
        >>> net = bp.Network([2, 16, 2], output="softmax", seed=0)
        >>> history = net.fit(
        ...     x, labels, loss="cross_entropy", optimizer="adam", epochs=60,
        ...     validation_split=0.2, metrics="accuracy", seed=0,
        ... )
        >>> history["val_accuracy"][-1] > 0.9
        True
        """
        group = as_group(communicator)
        with reporting(group):
            if isinstance(optimizer, str):
                optimizer = _core.optim.get(optimizer)
            if isinstance(loss, str):
                loss = _core.losses.get(loss)
            data = data_settings(
                loss=loss,
                shuffle=shuffle,
                validation_data=validation_data,
                validation_split=validation_split,
                sample_weight=sample_weight,
                metrics=metrics,
            )
            steps = step_settings(
                epochs=epochs,
                batch_size=batch_size,
                clip_norm=clip_norm,
                clip_value=clip_value,
                l1=l1,
                l2=l2,
            )
            source = to_source(x, y, sample_weight)
            windows = None if source is None else Windows(source, self, loss)
            inputs: Any = x
            targets: Any = y
            if windows is not None:
                inputs, targets = np.empty((0, self.sizes[0])), np.empty((0, self.sizes[-1]))
                data["sample_weight"] = None
            if resume_from is not None and not isinstance(resume_from, (str, os.PathLike)):
                raise TypeError(f"resume_from must be a path, got {resume_from!r}")
            memory = _core.TrainingMemory()
            others, stopping = collect(callbacks, early_stopping, checkpoint)
            plan = functools.partial(
                TrainInfo,
                epochs=steps["epochs"],
                batch_size=steps["batch_size"],
                optimizer=optimizer,
                schedule=schedule,
                memory=memory,
            )
            if group is not None and group.rank != 0:
                others, progress = [], False
            hooks = Hooks(self, others, progress, plan)
        try:
            run = self._fit(
                inputs,
                targets,
                loss=loss,
                optimizer=optimizer,
                **data,
                **steps,
                schedule=schedule,
                dropout_schedule=dropout_schedule,
                weight_decay_schedule=weight_decay_schedule,
                early_stopping=stopping,
                seed=seed,
                resume_from=resume_from,
                shards=shards,
                communicator=group,
                source=windows,
                memory=memory,
                on_begin=hooks.begin,
                on_epoch_end=hooks.epoch_end,
                on_progress=hooks.progress,
            )
        finally:
            hooks.close()
            if windows is not None:
                windows.close()
        history = History(**run)
        for callback in others:
            callback.on_train_end(self, history)
        return history

    def evaluate(
        self,
        x: ArrayLike,
        y: ArrayLike,
        *,
        loss: Loss | str,
        metrics: Metrics = (),
        sample_weight: ArrayLike | None = None,
    ) -> Any:
        """Return the loss of predictions, without dropout; with `metrics`, a dict of numbers.

        Parameters
        ----------
        x, y, loss, sample_weight
            As for `train_step`.
        metrics : str, callable, or iterable of them
            Names of `backpass.metrics`, and functions (y, output) -> float.

        Returns
        -------
        float, or dict of str to float
            With `metrics`, ``"loss"`` and one entry for every metric. ``"confusion_matrix"`` is an
            array.

        Raises
        ------
        ValueError
            If shapes, targets or weights are wrong, there are no rows, or a metric is unknown or
            does not apply.

        Examples
        --------
        >>> import backpass as bp
        >>> net = bp.Network([2, 1], bias=False, init="zeros")
        >>> net.evaluate([[1, 2], [3, 4]], [[1], [3]], loss="mse")
        5.0
        >>> net.evaluate([[1, 2], [3, 4]], [[1], [3]], loss="mse", metrics=["mae", "rmse"])
        {'loss': 5.0, 'mae': 2.0, 'rmse': 2.23606797749979}
        """
        named = by_name(metrics)
        if not named:
            return super().evaluate(x, y, loss=loss, sample_weight=sample_weight)
        value, output = self._evaluate_and_predict(x, y, loss, sample_weight)
        if np.ndim(x) == 1:
            output = output[0]
        return {"loss": value} | {
            name: compute(metric, y, output, loss=loss, sample_weight=sample_weight)
            for name, metric in named.items()
        }

    def __repr__(self) -> str:
        activations = [str(layer.activation) for layer in self.layers]
        *hidden, output = activations
        if len(set(hidden)) <= 1:
            described = (
                f"activation={hidden[0]!r}, output={output!r}" if hidden else f"output={output!r}"
            )
        else:
            described = f"activation={activations!r}"
        return f"{type(self).__name__}({list(self.sizes)}, {described}, dtype={self.dtype.name!r})"

    def __copy__(self) -> Network:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Network:
        result = self.copy()
        memo[id(self)] = result
        if hasattr(self, "__dict__"):  # of a subclass
            vars(result).update(copy.deepcopy(vars(self), memo))
        return result

    def _repr_html_(self) -> str:
        """Return the table of `summary` for notebooks."""
        rows: list[tuple[object, ...]] = [
            (i, layer.inputs, layer.outputs, layer.activation, layer.num_parameters)
            for i, layer in enumerate(self.layers, 1)
        ]
        rows.append(("total", self.sizes[0], self.sizes[-1], self.dtype, self.num_parameters))
        heads = ("layer", "inputs", "outputs", "activation", "parameters")
        lines = ["".join(f"<th>{head}</th>" for head in heads)]
        lines += ["".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in rows]
        return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"
