"""The class Ensemble: several networks that are trained in one call and used together."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from backpass import _core
from backpass._arguments import to_count
from backpass._fit_arguments import by_name, data_settings, step_settings
from backpass.callbacks.callback import Callback, TrainInfo
from backpass.callbacks.checkpoint import Checkpoint
from backpass.callbacks.early_stopping import EarlyStopping
from backpass.callbacks.history import History
from backpass.callbacks.hooks import Hooks, collect
from backpass.metrics import compute
from backpass.network import Network

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import ArrayLike, DTypeLike, NDArray
    from typing_extensions import Self

    from backpass._core.activations import Activation
    from backpass._core.initializers import Initializer
    from backpass._core.losses import Loss
    from backpass._core.optim import Optimizer
    from backpass._core.schedules import Schedule
    from backpass.callbacks.progress import ProgressMode
    from backpass.metrics import Metrics

    Seed = int | np.random.SeedSequence | np.random.Generator | None

__all__ = ["Ensemble"]


class Ensemble:
    """Networks with the same inputs and outputs, trained in one call and used together.

    The mean of the members' outputs is usually a better prediction than the output of one network,
    and their spread says how sure the prediction is. The members differ in their seeds, and, if
    `fit` gets lists, in the settings of their training.

    Parameters
    ----------
    sizes, activation, output, bias, dropout, dtype, init
        As for `Network`. All members have the same.
    members : int
        The number of networks K.
    seed : int, SeedSequence or Generator, optional
        Member k is ``Network(..., seed=Ensemble.seeds(seed, members)[k])``.

    Raises
    ------
    ValueError, TypeError
        As `Network`, or if `members` is not a positive integer.

    See Also
    --------
    Ensemble.of : an ensemble of existing networks.

    Examples
    --------
    >>> import numpy as np
    >>> import backpass as bp
    >>> x = np.random.default_rng(0).normal(size=(300, 2))
    >>> labels = (x[:, 0] > x[:, 1]).astype(int)
    >>> ens = bp.Ensemble([2, 16, 2], output="softmax", members=4, seed=0)
    >>> histories = ens.fit(x, labels, loss="cross_entropy", optimizer="adam", epochs=20, seed=0)
    >>> len(histories)
    4
    >>> ens.mean(x).shape, ens.std(x).shape, ens.predict(x).shape
    ((300, 2), (300, 2), (4, 300, 2))
    """

    __slots__ = ("_members",)
    _members: tuple[Network, ...]

    def __init__(
        self,
        sizes: Iterable[int],
        activation: Activation | str | Sequence[Activation | str] = "relu",
        output: Activation | str | None = None,
        *,
        members: int = 8,
        bias: bool | Sequence[bool] = True,
        dropout: float | Sequence[float] = 0.0,
        dtype: DTypeLike = "float32",
        init: Initializer | str | Sequence[Initializer | str] = "auto",
        seed: Seed = None,
    ) -> None:
        layers: Any = sizes
        if np.iterable(layers) and not isinstance(layers, str):
            layers = list(layers)  # an iterator can be read once
        seeds = self.seeds(seed, to_count(members, "members", 1))
        self._members = tuple(
            Network(
                layers,
                activation,
                output,
                bias=bias,
                dropout=dropout,
                dtype=dtype,
                init=init,
                seed=member_seed,
            )
            for member_seed in seeds
        )

    @classmethod
    def of(cls, networks: Iterable[Network]) -> Self:
        """Return an ensemble of existing networks. It uses these networks, and not copies.

        Parameters
        ----------
        networks : iterable of Network
            With the same dtype and the same numbers of inputs and outputs. Their hidden layers may
            differ.

        Raises
        ------
        ValueError
            If there is no network, one network is there twice, or two networks do not fit together.
        TypeError
            If an element is not a `Network`.
        """
        members = tuple(networks)
        for member in members:
            if not isinstance(member, Network):
                raise TypeError(f"an ensemble consists of networks, got {type(member).__name__}")
        _core._check_ensemble(members)  # noqa: SLF001
        ensemble = cls.__new__(cls)
        ensemble._members = members  # noqa: SLF001
        return ensemble

    @staticmethod
    def seeds(seed: Seed, members: int) -> list[int]:
        """Return the seeds of the members that the constructor and `fit` make from one seed.

        Parameters
        ----------
        seed : int, SeedSequence or Generator, optional
            None means a random one.
        members : int
            The number of seeds. A longer list begins with the shorter one.

        Examples
        --------
        >>> import backpass as bp
        >>> len(bp.Ensemble.seeds(0, 8))
        8
        """
        return _core._ensemble_seeds(seed, members)  # noqa: SLF001

    @property
    def members(self) -> tuple[Network, ...]:
        """Tuple of Network : the networks."""
        return self._members

    @property
    def dtype(self) -> np.dtype[Any]:
        """numpy.dtype : float32 or float64."""
        return self._members[0].dtype

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, k: int) -> Network:
        return self._members[k]

    def __iter__(self) -> Iterator[Network]:
        return iter(self._members)

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
        *,
        loss: Loss | str,
        optimizer: Optimizer | str | Sequence[Optimizer | str],
        epochs: int | Sequence[int],
        batch_size: int | Sequence[int] = 32,
        shuffle: bool = True,
        validation_data: tuple[ArrayLike, ArrayLike] | None = None,
        validation_split: float = 0.0,
        sample_weight: ArrayLike | None = None,
        schedule: Schedule | Sequence[Schedule | None] | None = None,
        dropout_schedule: Schedule | Sequence[Schedule | None] | None = None,
        weight_decay_schedule: Schedule | Sequence[Schedule | None] | None = None,
        early_stopping: EarlyStopping | int | Sequence[EarlyStopping | int | None] | None = None,
        clip_norm: float | Sequence[float | None] | None = None,
        clip_value: float | Sequence[float | None] | None = None,
        l1: float | Sequence[float] = 0.0,
        l2: float | Sequence[float] = 0.0,
        metrics: Metrics = (),
        callbacks: Callback | EarlyStopping | Iterable[Callback | EarlyStopping] = (),
        progress: ProgressMode = "auto",
        seed: Seed = None,
        num_threads: int | None = None,
    ) -> list[History]:
        """Train all members on the same data. The arrays are converted once.

        The members share the threads: K small networks take about the time of K / num_threads
        trainings. Member k gets the bits of ``members[k].fit(..., seed=Ensemble.seeds(seed,
        K)[k])``, with any number of threads.

        For a sweep, `optimizer`, `epochs`, `batch_size`, `schedule`, `dropout_schedule`,
        `weight_decay_schedule`, `early_stopping`, `clip_norm`, `clip_value`, `l1` and `l2` may be a
        list (or a tuple or array) with one entry per member. All other arguments hold for all
        members. `checkpoint` and `resume_from` do not exist here.

        Parameters
        ----------
        x, y, loss, epochs, batch_size, shuffle, validation_data, validation_split, sample_weight
            As for `Network.fit`.
        optimizer : Optimizer or str, or a sequence of them
            Of one object, each member gets a copy with its own state, for this call. The objects of
            a sequence keep their states, so that another call can continue the training.
        schedule, dropout_schedule, weight_decay_schedule : Schedule, optional, or a sequence
            As for `Network.fit`. All of them are copied.
        early_stopping : EarlyStopping or int, optional, or a sequence
            Every member stops alone.
        clip_norm, clip_value, l1, l2, metrics, progress
            As for `Network.fit`.
        callbacks : callback or iterable of callbacks
            They get this ensemble instead of a network. ``on_epoch_end`` is called when all members
            have finished the epoch, with the means of the series over the members that trained in
            it, and it stops all members. ``on_train_end`` gets the list of histories. With
            callbacks, no member begins an epoch before all have finished the last one.
        seed : int, SeedSequence or Generator, optional
            Seed of the shuffles, from which `Ensemble.seeds` makes those of the members.
        num_threads : int, optional
            Largest number of threads; by default that of `backpass.set_num_threads`.

        Returns
        -------
        list of History
            One per member. ``"seconds"`` counts the time that a thread trained this member.

        Raises
        ------
        ValueError, TypeError, RuntimeError
            As `Network.fit`, or if a list has a wrong length, or if two members have the same
            optimizer object. Nothing has changed then.
        backpass.DivergenceError
            After the end of the other members' trainings, if a member diverged. The error's
            ``member`` is the number of the first such member. Each of them has the state from the
            end of its last finite epoch.
        MemoryError
            Every member then has the state from the end of its last finished epoch. After any other
            exception, for example a KeyboardInterrupt, it has the state after its last step.

        Notes
        -----
        With a Custom loss or activation, or a function as a metric, one thread trains all members,
        because it calls Python functions.

        Calls of other threads may use the members as during `Network.fit`. A network cannot be
        trained in two ensembles at the same time.
        """
        size = len(self)
        if isinstance(loss, str):
            loss = _core.losses.get(loss)
        optimizers: Any = _core.optim.get(optimizer) if isinstance(optimizer, str) else optimizer
        if _is_list(optimizer):
            optimizers = [
                _core.optim.get(one) if isinstance(one, str) else one
                for one in _per_member(optimizer, "optimizer", size)
            ]
            _require_distinct(optimizers)
        if not isinstance(callbacks, (Callback, EarlyStopping)):
            callbacks = list(callbacks)
        others: list[Callback] = []
        stoppings = []
        for one in _per_member(early_stopping, "early_stopping", size):
            others, stopping = collect(callbacks, one)
            stoppings.append(stopping)
        if any(isinstance(callback, Checkpoint) for callback in others):
            raise ValueError("a Checkpoint saves one network: save an ensemble by a LambdaCallback")
        data = data_settings(
            loss=loss,
            shuffle=shuffle,
            validation_data=validation_data,
            validation_split=validation_split,
            sample_weight=sample_weight,
            metrics=metrics,
        )
        steps = {
            "epochs": epochs,
            "batch_size": batch_size,
            "clip_norm": clip_norm,
            "clip_value": clip_value,
            "l1": l1,
            "l2": l2,
        }
        schedules = {
            "schedule": schedule,
            "dropout_schedule": dropout_schedule,
            "weight_decay_schedule": weight_decay_schedule,
        }
        lists = {
            name: _per_member(value, name, size) for name, value in (steps | schedules).items()
        }
        settings = [
            data
            | step_settings(**{name: lists[name][k] for name in steps})
            | {name: lists[name][k] for name in schedules}
            | {"early_stopping": stoppings[k], "seed": member_seed}
            for k, member_seed in enumerate(self.seeds(seed, size))
        ]
        last = max(setting["epochs"] for setting in settings)
        plan = functools.partial(
            TrainInfo,
            epochs=last,
            batch_size=settings[0]["batch_size"],
            optimizer=optimizer,
            schedule=schedule,
        )
        hooks = _EnsembleHooks(self, others, progress, plan)
        try:
            runs = _core._fit_ensemble(  # noqa: SLF001
                self._members,
                x,
                y,
                loss=loss,
                optimizers=optimizers,
                settings=settings,
                num_threads=num_threads,
                on_begin=hooks.begin,
                on_epoch_end=hooks.epoch_end if others else None,
                on_progress=hooks.part_done,
            )
        finally:
            hooks.close()
        histories = [History(**run) for run in runs]
        for callback in others:
            callback.on_train_end(self, histories)  # type: ignore[arg-type]
        return histories

    def predict(
        self, x: ArrayLike, *, out: NDArray[Any] | None = None, num_threads: int | None = None
    ) -> NDArray[Any]:
        """Return the outputs of all members.

        Parameters
        ----------
        x, num_threads
            As for `Network.predict`.
        out : ndarray, optional
            A C-contiguous array for the result, with exactly its shape and dtype.

        Returns
        -------
        ndarray
            (K, B, M_N), or (K, M_N) for one sample; `out` if it was given.
        """
        return _core._predict_ensemble(self._members, x, out, num_threads)  # noqa: SLF001

    def mean(self, x: ArrayLike, *, num_threads: int | None = None) -> NDArray[Any]:
        """Return the mean of the members' outputs, (B, M_N), or (M_N,) for one sample.

        Of class probabilities, the means are class probabilities, too.
        """
        result: NDArray[Any] = _core._mean_of_ensemble(self._members, x, num_threads)[0]  # noqa: SLF001
        return result

    def std(self, x: ArrayLike, *, num_threads: int | None = None) -> NDArray[Any]:
        """Return the standard deviation of the members' outputs, (B, M_N), or (M_N,).

        As `numpy.std`, it divides the sum of the squares by K.
        """
        result: NDArray[Any] = _core._std_of_ensemble(self._members, x, num_threads)[0]  # noqa: SLF001
        return result

    def quantile(
        self, x: ArrayLike, q: ArrayLike, *, num_threads: int | None = None
    ) -> NDArray[Any]:
        """Return quantiles of the members' outputs, by linear interpolation, as `numpy.quantile`.

        Parameters
        ----------
        x, num_threads
            As for `Network.predict`.
        q : float or array_like of float
            In [0, 1].

        Returns
        -------
        ndarray
            The shape of `q`, followed by (B, M_N), or by (M_N,) for one sample.

        Raises
        ------
        ValueError
            If a quantile is not in [0, 1].
        """
        which = np.asarray(q, np.float64)
        result = _core._quantile_of_ensemble(self._members, x, which.ravel().tolist(), num_threads)  # noqa: SLF001
        return result.reshape(which.shape + result.shape[1:])

    def evaluate(
        self,
        x: ArrayLike,
        y: ArrayLike,
        *,
        loss: Loss | str,
        metrics: Metrics = (),
        sample_weight: ArrayLike | None = None,
    ) -> Any:
        """Return the loss of the mean of the members' outputs; with `metrics`, a dict of numbers.

        Parameters and exceptions are those of `Network.evaluate`.
        """
        if isinstance(loss, str):
            loss = _core.losses.get(loss)
        named = by_name(metrics)
        output = self.mean(x)
        value = loss(output, y, sample_weight=sample_weight)[0]
        if not named:
            return value
        return {"loss": value} | {
            name: compute(metric, y, output, loss=loss, sample_weight=sample_weight)
            for name, metric in named.items()
        }

    def astype(self, dtype: DTypeLike) -> Self:
        """Return an ensemble of the networks' copies with another dtype: see `Network.astype`."""
        return self.of(member.astype(dtype) for member in self._members)

    def copy(self) -> Self:
        """Return an ensemble of copies of the networks."""
        return self.of(member.copy() for member in self._members)

    def save(
        self, path: str | os.PathLike[str], *, metadata: Mapping[str, str] | None = None
    ) -> None:
        """Save all members in one safetensors file, in the way of `Network.save`.

        `backpass.load` loads it, as does ``backpass::Ensemble<float>::load`` in C++.

        Parameters
        ----------
        path : path-like
        metadata : mapping of str to str, optional
            Additional strings. `backpass.load_checkpoint` returns them.

        Raises
        ------
        OSError
            If the file cannot be written. An existing file is then unchanged.
        ValueError
            If something cannot be saved, for example a Custom activation.
        """
        strings = None if metadata is None else dict(metadata)
        _core._save_ensemble(self._members, path, strings)  # noqa: SLF001

    def __repr__(self) -> str:
        first = self._members[0]
        texts = {repr(member) for member in self._members}
        what = texts.pop() if len(texts) == 1 else f"{first.sizes[0]} -> {first.sizes[-1]}"
        return f"{type(self).__name__}({len(self)} members: {what})"

    def __copy__(self) -> Self:
        return self.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).of, (self._members,), getattr(self, "__dict__", None)


class _EnsembleHooks(Hooks):
    """The callbacks and the progress bar of one training of an ensemble."""

    _rows = 0
    _epochs = 0

    def begin(self, first_epoch: int, rows: int) -> None:
        self._rows = rows
        self._epochs = self._plan(rows=rows).epochs
        super().begin(first_epoch, rows)

    def part_done(self, done: float, loss: float) -> bool:
        """Report progress: the part of all epochs of all members, from 0 to 1."""
        rows = round(done * self._epochs * self._rows)
        epoch = min(rows // max(1, self._rows), max(0, self._epochs - 1))
        return self.progress(epoch, rows - epoch * self._rows, loss)


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim > 0)


def _per_member(value: Any, name: str, size: int) -> Sequence[Any]:
    """Return one value per member."""
    if not _is_list(value):
        return [value] * size
    if len(value) != size:
        raise ValueError(f"{name} has {len(value)} entries, but the ensemble has {size} members")
    values: Sequence[Any] = value
    return values


def _require_distinct(optimizers: Sequence[Any]) -> None:
    first: dict[int, int] = {}
    for k, optimizer in enumerate(optimizers):
        if (other := first.setdefault(id(optimizer), k)) != k:
            raise ValueError(
                f"optimizer: members {other} and {k} have the same object; each needs its own"
            )
