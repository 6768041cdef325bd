"""
The native part of backpass. Use the modules of the package instead: they document the public names.
"""

from __future__ import annotations
import collections.abc
import numpy
import numpy.random
import numpy.typing
import os
import typing
import typing_extensions
from . import activations
from . import initializers
from . import losses
from . import optim
from . import schedules

__all__: list[str] = [
    "Layer",
    "Layers",
    "Network",
    "TrainingMemory",
    "activations",
    "config",
    "get_num_threads",
    "initializers",
    "losses",
    "optim",
    "schedules",
    "set_num_threads",
]

class Layer:
    """
    A view of one layer: z^i = W^i a^{i-1} + b^i, a^i = φ_i(z^i), ξ^i = ∂E/∂z^i.

    `weight`, `bias` and their gradients are writable views of the network's memory. The views keep this memory alive.
    Assigning to one of these attributes copies the values into the view. `z`, `a` and `xi` are read-only views of the
    results of the last `Network.forward` and `Network.backward`. The next call may overwrite these results or store its
    own results elsewhere, so copy what you want to keep.

    Examples
    --------
    >>> import backpass as bp
    >>> net = bp.Network([3, 4, 2], seed=0)
    >>> layer = net.layers[0]
    >>> layer.weight.shape, layer.bias.shape
    ((4, 3), (4,))
    >>> layer.bias[:] = 1.0
    >>> layer.weight = layer.weight * 2
    >>> layer
    Layer(index=0, inputs=3, outputs=4, activation=ReLU())
    """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    @property
    def a(self) -> numpy.typing.NDArray[typing.Any]:
        """
        ndarray of shape (B, M_i) : a^i of the last forward, before dropout. Other shapes as for `z`.
        """
    @property
    def activation(self) -> activations.Activation:
        """
        Activation : φ_i.
        """
    @property
    def bias(self) -> numpy.typing.NDArray[typing.Any] | typing.Any:
        """
        ndarray of shape (M_i,), or None : b^i; None for a layer without bias.
        """
    @bias.setter
    def bias(self, arg1: numpy.typing.ArrayLike) -> None: ...
    @property
    def bias_grad(self) -> numpy.typing.NDArray[typing.Any] | typing.Any:
        """
        ndarray of shape (M_i,), or None : ∂E/∂b^i; None for a layer without bias.
        """
    @bias_grad.setter
    def bias_grad(self, arg1: numpy.typing.ArrayLike) -> None: ...
    @property
    def bias_lr_scale(self) -> float:
        """
        float : additional factor on the bias's learning rate, which is lr · lr_scale · bias_lr_scale.
        """
    @bias_lr_scale.setter
    def bias_lr_scale(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def dropout(self) -> float:
        """
        float : fraction of this layer's activations that training drops.
        """
    @property
    def index(self) -> int:
        """
        int : zero-based index of the layer in `Network.layers`.
        """
    @property
    def inputs(self) -> int:
        """
        int : M_{i-1}.
        """
    @property
    def lr_scale(self) -> float:
        """
        float : factor on the optimizer's learning rate.
        """
    @lr_scale.setter
    def lr_scale(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def num_parameters(self) -> int:
        """
        int : number of weights and biases.
        """
    @property
    def outputs(self) -> int:
        """
        int : M_i.
        """
    @property
    def trainable(self) -> bool:
        """
        bool : whether a step updates this layer.
        """
    @trainable.setter
    def trainable(self, arg1: bool) -> None: ...
    @property
    def weight(self) -> numpy.typing.NDArray[typing.Any]:
        """
        ndarray of shape (M_i, M_{i-1}) : W^i. w^i_kj connects neuron j of layer i-1 to neuron k. A strided view.
        """
    @weight.setter
    def weight(self, arg1: numpy.typing.ArrayLike) -> None: ...
    @property
    def weight_grad(self) -> numpy.typing.NDArray[typing.Any]:
        """
        ndarray of shape (M_i, M_{i-1}) : ∂E/∂w^i. A strided view.
        """
    @weight_grad.setter
    def weight_grad(self, arg1: numpy.typing.ArrayLike) -> None: ...
    @property
    def xi(self) -> numpy.typing.NDArray[typing.Any]:
        """
        ndarray of shape (B, M_i) : ξ^i of the last backward. RuntimeError if no backward followed the last forward.
        """
    @property
    def z(self) -> numpy.typing.NDArray[typing.Any]:
        """
        ndarray of shape (B, M_i) : z^i of the last forward; (M_i,) after a forward of one sample. RuntimeError before the first forward.
        """

class Layers:
    """
    A sequence of the layers of a network.
    """
    @typing.overload
    def __getitem__(self, index: typing.SupportsInt | typing.SupportsIndex) -> Layer: ...
    @typing.overload
    def __getitem__(self, index: slice) -> list[Layer]: ...
    def __iter__(self) -> collections.abc.Iterator[Layer]: ...
    def __len__(self) -> int: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...

class Network:
    """
    The native part of backpass.Network, which has the documentation.
    """
    def __call__(
        self,
        x: numpy.typing.ArrayLike,
        *,
        out: numpy.typing.NDArray[typing.Any] | None = None,
        num_threads: int | None = None,
    ) -> numpy.typing.NDArray[typing.Any]:
        """
        The same as `predict`.
        """
    def __getstate__(self) -> typing.Any: ...
    def __init__(
        self,
        sizes: collections.abc.Iterable[int],
        activation: activations.Activation
        | str
        | collections.abc.Sequence[activations.Activation | str] = "relu",
        output: activations.Activation | str | None = "identity",
        *,
        bias: bool | collections.abc.Sequence[bool] = True,
        dropout: float | collections.abc.Sequence[float] = 0.0,
        dtype: numpy.typing.DTypeLike = "float32",
        init: initializers.Initializer
        | str
        | collections.abc.Sequence[initializers.Initializer | str] = "auto",
        seed: int | numpy.random.SeedSequence | numpy.random.Generator | None = None,
    ) -> None: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __setstate__(self, arg0: typing.Any) -> None: ...
    def _evaluate_and_predict(
        self,
        x: numpy.typing.ArrayLike,
        y: numpy.typing.ArrayLike,
        loss: losses.Loss | str,
        sample_weight: numpy.typing.ArrayLike | None,
    ) -> tuple[float, numpy.typing.NDArray[typing.Any]]:
        """
        Return the loss and the predictions (B, M_N) of the same parameters.
        """
    def _fit(
        self,
        x: numpy.typing.ArrayLike,
        y: numpy.typing.ArrayLike,
        *,
        loss: losses.Loss | str,
        optimizer: optim.Optimizer,
        **kwargs: typing.Any,
    ) -> dict[str, typing.Any]:
        """
        Run the epochs of Network.fit. It passes the other arguments by name.

        Return the arguments of History.
        """
    def _gradient_check(
        self, x: numpy.typing.ArrayLike, y: numpy.typing.ArrayLike, loss: losses.Loss | str
    ) -> float:
        """
        Return the result of backpass.gradient_check.
        """
    def astype(self, dtype: numpy.typing.DTypeLike) -> typing_extensions.Self:
        """
        Return a copy of the network with another dtype.

        Parameters
        ----------
        dtype : {"float32", "float64"}
            Type of the parameters, results and arithmetic of the copy. float32 rounds the parameters of a float64 network.

        Returns
        -------
        Network

        Examples
        --------
        >>> import backpass as bp
        >>> bp.Network([2, 3, 1], seed=0).astype("float64").dtype
        dtype('float64')
        """
    def backward(
        self,
        grad_output: numpy.typing.ArrayLike,
        *,
        input_gradient: bool = False,
        accumulate: bool = False,
    ) -> numpy.typing.NDArray[typing.Any] | None:
        """
        Compute all gradients from ∂E/∂a^N of any loss, by the ξ recursion over the last `forward`.

        ξ^N = J_φ(z^N)^T ∂E/∂a^N, ξ^i = φ'_i(z^i) ⊙ (ξ^{i+1} W^{i+1}); ∂E/∂W^i = (ξ^i)^T a^{i-1}, ∂E/∂b^i = Σ_rows ξ^i.

        Parameters
        ----------
        grad_output : array_like of real numbers
            ∂E/∂a^N, with the shape of the result of `forward`.
        input_gradient : bool
            Whether to return ∂E/∂a^0.
        accumulate : bool
            Whether to add to the gradients instead of replacing them.

        Returns
        -------
        ndarray or None
            With `input_gradient`, ∂E/∂a^0 with the shape of x.

        Raises
        ------
        RuntimeError
            If there was no `forward`, the last `forward` failed, or a step has changed the parameters since then.
        ValueError
            If the shape is wrong.

        Examples
        --------
        >>> import numpy as np
        >>> import backpass as bp
        >>> net = bp.Network([3, 2], seed=0)
        >>> a = net.forward(np.ones((4, 3)))
        >>> net.backward(a - 1.0, input_gradient=True).shape
        (4, 3)
        >>> np.allclose(net.layers[0].bias_grad, (a - 1.0).sum(axis=0))
        True
        """
    def copy(self) -> typing_extensions.Self:
        """
        Return a copy of the network.

        The copy has the same parameters, gradients and settings. It does not have the activations of the last `forward`.

        Returns
        -------
        Network
        """
    def evaluate(
        self,
        x: numpy.typing.ArrayLike,
        y: numpy.typing.ArrayLike,
        *,
        loss: losses.Loss | str,
        sample_weight: numpy.typing.ArrayLike | None = None,
    ) -> float:
        """
        Return the loss without dropout. Do not change the network.

        Parameters
        ----------
        x, y, loss, sample_weight
            See `train_step`.

        Returns
        -------
        float

        Raises
        ------
        ValueError, TypeError
            See `train_step`.

        Examples
        --------
        >>> import backpass as bp
        >>> net = bp.Network([1, 1], bias=False, init=bp.initializers.Constant(2.0))
        >>> net.evaluate([[1.0]], [[5.0]], loss="mae")
        3.0
        """
    def forward(
        self, x: numpy.typing.ArrayLike, *, training: bool = False
    ) -> numpy.typing.NDArray[typing.Any]:
        """
        Compute z^i and a^i of every layer and keep them for `backward`.

        z^i = W^i a^{i-1} + b^i, a^i = φ_i(z^i).

        Parameters
        ----------
        x : array_like of real numbers
            (B, M_0), or (M_0,) for one sample.
        training : bool
            Whether to apply dropout.

        Returns
        -------
        ndarray
            a^N: (B, M_N), or (M_N,) for one sample. A new array.

        Raises
        ------
        ValueError
            If the shape is wrong.
        TypeError
            If the array does not have a real dtype.

        Examples
        --------
        >>> import backpass as bp
        >>> net = bp.Network([3, 4, 2], seed=0)
        >>> net.forward([[1, 2, 3], [4, 5, 6]]).shape
        (2, 2)
        >>> net.layers[0].z.shape
        (2, 4)
        """
    def initialize(
        self, seed: int | numpy.random.SeedSequence | numpy.random.Generator | None = None
    ) -> None:
        """
        Draw new parameters.

        Parameters
        ----------
        seed : int, optional
            The same seed gives the same parameters everywhere. None takes a seed from the operating system.
        """
    def loss_and_gradient(
        self,
        x: numpy.typing.ArrayLike,
        y: numpy.typing.ArrayLike,
        *,
        loss: losses.Loss | str,
        sample_weight: numpy.typing.ArrayLike | None = None,
        input_gradient: bool = False,
        shards: int | None = None,
    ) -> float | tuple[float, numpy.typing.NDArray[typing.Any]]:
        """
        Compute the loss and all gradients. Do not update the parameters.

        Dropout is applied as in `train_step`. The memory in use does not grow with the number of rows.

        Parameters
        ----------
        x, y, loss, sample_weight
            See `train_step`.
        input_gradient : bool
            Whether to return ∂E/∂a^0, too.
        shards : int, optional
            See `train_step`.

        Returns
        -------
        float or (float, ndarray)
            The loss. With `input_gradient`, a tuple of the loss and ∂E/∂a^0, which has the shape of x.

        Raises
        ------
        ValueError, TypeError
            See `train_step`.

        Examples
        --------
        >>> import backpass as bp
        >>> net = bp.Network([1, 1], bias=False, init=bp.initializers.Constant(2.0))
        >>> net.loss_and_gradient([[1.0]], [[5.0]], loss="mse")
        9.0
        >>> net.gradients
        array([-6.], dtype=float32)
        """
    def predict(
        self,
        x: numpy.typing.ArrayLike,
        *,
        out: numpy.typing.NDArray[typing.Any] | None = None,
        num_threads: int | None = None,
    ) -> numpy.typing.NDArray[typing.Any]:
        """
        Return a^N. Keep no activations and do not change the network.

        Several threads may call `predict` at the same time. `predict` waits while a call of another thread changes the network.
        During another thread's `fit`, `predict` runs between two steps. The bits of a row's result do not depend on the other
        rows.

        Parameters
        ----------
        x : array_like of real numbers
            (B, M_0), or (M_0,) for one sample.
        out : ndarray, optional
            Array for the result, with exactly the shape and dtype of the result and contiguous rows. With `out`, nothing is
            allocated.
        num_threads : int, optional
            Largest number of threads, bounded by the maximum of `backpass.set_num_threads`. By default the amount of work
            decides.

        Returns
        -------
        ndarray
            (B, M_N), or (M_N,) for one sample; `out` if it was given.

        Raises
        ------
        ValueError
            If a shape is wrong, or `out` is read-only or does not have contiguous rows.
        TypeError
            If the array does not have a real dtype, or `out` has another dtype than the result.
        RuntimeError
            If a Custom function calls `predict` during another call of this network.

        Examples
        --------
        >>> import numpy as np
        >>> import backpass as bp
        >>> net = bp.Network([3, 4, 2], seed=0)
        >>> net.predict([1, 2, 3]).shape
        (2,)
        >>> out = np.empty((5, 2), dtype=np.float32)
        >>> net.predict(np.zeros((5, 3), dtype=np.float32), out=out) is out
        True
        """
    def save(
        self,
        path: str | os.PathLike[str],
        *,
        optimizer: optim.Optimizer | None = None,
        schedule: schedules.Schedule | None = None,
        epochs: typing.SupportsInt | typing.SupportsIndex = 0,
        steps: typing.SupportsInt | typing.SupportsIndex = 0,
        metadata: dict[str, str] | None = None,
        memory: TrainingMemory | None = None,
    ) -> None:
        """
        Write the network to a safetensors file, bit for bit.

        A temporary file next to `path` is written, flushed to disk and renamed to `path`. So `path` is always the complete old
        file or the complete new file.

        Parameters
        ----------
        path : path-like
        optimizer : Optimizer, optional
            Saved with its state.
        schedule : Schedule, optional
        epochs, steps : int
            Numbers of epochs and steps trained so far.
        metadata : dict of str to str, optional
            Additional strings. `backpass.load_checkpoint` returns them.
        memory : TrainingMemory, optional
            State of a `fit`, from `backpass.callbacks.TrainInfo`. Its numbers of epochs and steps replace `epochs` and `steps`.
            With the optimizer and the schedule of this `fit`, the file can continue the training; see `fit`, ``resume_from``.

        Raises
        ------
        OSError
            If the operating system reports an error, for example FileNotFoundError.
        ValueError
            If the network has a Custom activation, `path` is not a valid file name, or UTF-8 cannot encode `metadata`.
        TypeError
            If `path` is not a path, or `metadata` contains anything but str.

        Examples
        --------
        >>> import os, tempfile
        >>> import backpass as bp
        >>> net = bp.Network([3, 4, 2], seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "model.safetensors")
        ...     net.save(path)
        ...     bp.load(path)
        Network([3, 4, 2], activation='relu', output='identity', dtype='float32')
        """
    def step(
        self,
        optimizer: optim.Optimizer,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        l1: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        l2: typing.SupportsFloat | typing.SupportsIndex = 0.0,
    ) -> None:
        """
        Update the parameters from the gradients.

        Parameters
        ----------
        optimizer : Optimizer
            An object of `backpass.optim`.
        clip_norm, clip_value : float, optional
            Upper bounds of the 2-norm of all gradients together, and of the magnitude of every single gradient. The gradients
            are changed. `backpass.clip_grad_norm` bounds the common norm of several networks.
        l1, l2 : float
            Add the gradient of l1 Σ|w| + l2/2 Σ w² over the weights, before clipping. Biases are not penalised.

        Raises
        ------
        ValueError
            If a setting is out of range, or the optimizer's state has another number or dtype of parameters.
        RuntimeError
            If there are no gradients yet, or the optimizer belongs to another network.

        Examples
        --------
        >>> import backpass as bp
        >>> net = bp.Network([1, 1], bias=False, init="zeros")
        >>> net.gradients = [2.0]
        >>> net.step(bp.optim.SGD(lr=0.25))
        >>> net.parameters
        array([-0.5], dtype=float32)
        """
    def summary(self) -> str:
        """
        Describe the network as a table of its layers.

        Returns
        -------
        str
            One line per layer with its shape ``M_{i-1} -> M_i``, its activation, and the number and size of its parameters.
            The last line has the totals.

        Examples
        --------
        >>> import backpass as bp
        >>> print(bp.Network([784, 128, 10], output="softmax").summary())
        layer  shape ...
        """
    def train_step(
        self,
        x: numpy.typing.ArrayLike,
        y: numpy.typing.ArrayLike,
        *,
        loss: losses.Loss | str,
        optimizer: optim.Optimizer,
        sample_weight: numpy.typing.ArrayLike | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        l1: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        l2: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        shards: int | None = None,
    ) -> float:
        """
        Run forward, backward and step in one native call.

        Parameters
        ----------
        x : array_like of real numbers
            (B, M_0), or (M_0,) for one sample.
        y : array_like of real numbers
            (B, M_N), or (B,) if M_N is 1. The cross-entropies also accept (B,) integer labels.
        loss : Loss or str
            An object of `backpass.losses`, or its name.
        optimizer : Optimizer
            An object of `backpass.optim`. A name is not accepted, because the optimizer keeps its state between steps.
        sample_weight : array_like, optional
            w of shape (B,). The loss is Σ_b w_b ℓ_b / Σ_b w_b.
        clip_norm, clip_value, l1, l2 : float
            See `step`. The returned loss does not contain the penalties.
        shards : int, optional
            S, a power of two, at most 1024: shard s has the rows from ⌊B s / S⌋ to ⌊B (s+1) / S⌋ - 1. The sums over the rows of
            each shard are added in one binary tree. So the bits are those of several processes that share the shards; see
            `fit`, ``communicator``. The default is one sum over all rows.

        Returns
        -------
        float
            The loss before the update.

        Raises
        ------
        ValueError
            If a shape is wrong, a label is outside [0, M_N), a name is unknown, or a setting is out of range.
        TypeError
            If an array does not have a real dtype, or labels are not integers.
        RuntimeError
            If the optimizer belongs to another network.

        Examples
        --------
        >>> import numpy as np
        >>> import backpass as bp
        >>> net = bp.Network([2, 8, 1], activation="tanh", seed=0)
        >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        >>> y = np.array([0, 1, 1, 0])
        >>> adam = bp.optim.Adam(lr=0.05)
        >>> losses = [net.train_step(x, y, loss="mse", optimizer=adam) for _ in range(200)]
        >>> losses[-1] < 0.1 * losses[0]
        True
        """
    @property
    def dtype(self) -> numpy.dtype[typing.Any]:
        """
        numpy.dtype : float32 or float64.
        """
    @property
    def gradients(self) -> numpy.typing.NDArray[typing.Any]:
        """
        ndarray of shape (num_parameters,) : all gradients, a writable view in the order of `parameters`.
        """
    @gradients.setter
    def gradients(self, arg1: numpy.typing.ArrayLike) -> None: ...
    @property
    def layers(self) -> Layers:
        """
        Layers : a sequence of `Layer` views, one for every layer 1…N.
        """
    @property
    def num_parameters(self) -> int:
        """
        int : number of weights and biases of all layers.
        """
    @property
    def parameters(self) -> numpy.typing.NDArray[typing.Any]:
        """
        ndarray of shape (num_parameters,) : all weights and biases, a writable view.

        The order is layer by layer: the weights of a layer, stored as (M_{i-1}, M_i), and then its biases. Assigning to the
        attribute copies the values into the view.
        """
    @parameters.setter
    def parameters(self, arg1: numpy.typing.ArrayLike) -> None: ...
    @property
    def sizes(self) -> tuple[int, ...]:
        """
        tuple of int : M_0, …, M_N.
        """

class TrainingMemory:
    """
    State of a training: position, seed, history, early stopping and Checkpoint(save_best_only=True).

    `Network.save` writes it to a file, with the optimizer and the schedule of the training. `Network.fit` continues the
    training with ``resume_from``.
    """
    def __init__(self) -> None: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    @property
    def best(self) -> float | None:
        """
        float or None : best value of `monitor` so far.
        """
    @property
    def best_epoch(self) -> int:
        """
        int : zero-based epoch of `best`.
        """
    @property
    def best_saved(self) -> tuple[str, float | None]:
        """
        (str, float or None) : name of the series that a Checkpoint monitors, and its value at the best
        save, negated if higher is better.
        """
    @best_saved.setter
    def best_saved(
        self, arg1: tuple[str, typing.SupportsFloat | typing.SupportsIndex | None]
    ) -> None: ...
    @property
    def epoch_steps(self) -> int:
        """
        int : number of steps made in the unfinished epoch; 0 between two epochs.
        """
    @property
    def epochs(self) -> int:
        """
        int : number of finished epochs.
        """
    @property
    def history(self) -> dict[str, typing.Any]:
        """
        dict of str to list of float : the series of the history, up to the last finished epoch.
        """
    @property
    def monitor(self) -> str:
        """
        str : name of the series that early stopping monitors.
        """
    @property
    def steps(self) -> int:
        """
        int : number of all steps so far.
        """
    @property
    def waited(self) -> int:
        """
        int : number of epochs since the last improvement.
        """

def _check_ensemble(members: collections.abc.Sequence[Network]) -> None:
    """
    Raise ValueError or TypeError unless the networks can be an ensemble.
    """

def _compute_metric(
    name: str,
    output: numpy.typing.ArrayLike,
    y: numpy.typing.ArrayLike,
    loss: losses.Loss | str,
    sample_weight: numpy.typing.ArrayLike | None,
) -> float:
    """
    Return accuracy, r2 or mae of the outputs, an array (B, M_N).
    """

def _ensemble_seeds(
    seed: int | numpy.random.SeedSequence | numpy.random.Generator | None, members: typing.Any
) -> list[int]:
    """
    Return the seeds of the members of an ensemble.
    """

def _fit_ensemble(
    members: collections.abc.Sequence[Network],
    x: numpy.typing.ArrayLike,
    y: numpy.typing.ArrayLike,
    *,
    loss: losses.Loss | str,
    optimizers: optim.Optimizer | collections.abc.Sequence[optim.Optimizer],
    settings: collections.abc.Sequence[dict[str, typing.Any]],
    num_threads: int | None,
    on_begin: typing.Any,
    on_epoch_end: typing.Any,
    on_progress: typing.Any,
) -> list[dict[str, typing.Any]]:
    """
    Run the epochs of Ensemble.fit. Return the arguments of one History per member.
    """

def _load(cls: type, path: str | os.PathLike[str]) -> tuple[typing.Any, ...]:
    """
    Return the fields of SavedTraining, with the memory instead of the history.
    """

def _mean_of_ensemble(
    members: collections.abc.Sequence[Network], x: numpy.typing.ArrayLike, num_threads: int | None
) -> numpy.typing.NDArray[typing.Any]:
    """
    Return the mean of the outputs, (1, B, M_N).
    """

def _predict_ensemble(
    members: collections.abc.Sequence[Network],
    x: numpy.typing.ArrayLike,
    out: numpy.typing.NDArray[typing.Any] | None,
    num_threads: int | None,
) -> numpy.typing.NDArray[typing.Any]:
    """
    Return the outputs of all members, (K, B, M_N).
    """

def _quantile_of_ensemble(
    members: collections.abc.Sequence[Network],
    x: numpy.typing.ArrayLike,
    q: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    num_threads: int | None,
) -> numpy.typing.NDArray[typing.Any]:
    """
    Return quantiles of the outputs, (Q, B, M_N).
    """

def _replace_file(path: str | os.PathLike[str], content: bytes) -> None:
    """
    Replace the content of a file in the same way as `Network.save`.
    """

def _report_failure(communicator: typing.Any, text: str) -> None:
    """
    Tell the other processes that this one fails before its call of fit.
    """

def _restore(cls: type, arguments: tuple[typing.Any, ...], state: typing.Any) -> typing.Any:
    """
    Unpickle an object that has a state.
    """

def _rises(series: str) -> bool:
    """
    Return whether a larger value of the series is better.
    """

def _save_ensemble(
    members: collections.abc.Sequence[Network],
    path: str | os.PathLike[str],
    metadata: dict[str, str] | None,
) -> None:
    """
    Save the networks as one ensemble.
    """

def _scale_gradients(
    networks: collections.abc.Sequence[Network],
    scale: typing.SupportsFloat | typing.SupportsIndex,
    factor: typing.SupportsFloat | typing.SupportsIndex,
) -> None:
    """
    Multiply the gradients of all networks by both factors, or raise StateError and change none.
    """

def _std_of_ensemble(
    members: collections.abc.Sequence[Network], x: numpy.typing.ArrayLike, num_threads: int | None
) -> numpy.typing.NDArray[typing.Any]:
    """
    Return the standard deviation of the outputs, (1, B, M_N).
    """

def config() -> dict[str, typing.Any]:
    """
    Return the configuration of the build and of this process.

    Returns
    -------
    dict
        ``version``, ``compiler``, ``openmp`` (empty if built without OpenMP), ``isas_built`` (the compiled kernel
        sets, slowest first), ``isas_usable`` (those that this CPU can run), ``isa`` (the kernel set in use;
        ``BACKPASS_ISA`` selects it at start-up) and ``num_threads``.

    Examples
    --------
    >>> import backpass as bp
    >>> config = bp.config()
    >>> config["isa"] in config["isas_usable"]
    True
    """

def get_num_threads() -> int:
    """
    Return the largest number of threads that a call may use.

    The default is the smallest of three numbers: ``BACKPASS_NUM_THREADS`` or else ``OMP_NUM_THREADS``, if set; the
    number of CPUs that this process may run on; and the CPU quota of the cgroup, rounded up.

    Returns
    -------
    int

    Raises
    ------
    RuntimeError
        At the first call that needs the number, if ``BACKPASS_NUM_THREADS`` is set to anything but a positive integer.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.get_num_threads() >= 1
    True
    """

def set_num_threads(n: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Set the largest number of threads that a call may use.

    Calls use fewer threads for a small amount of work. The bits of results do not depend on the number of threads.

    Parameters
    ----------
    n : int
        At least 1. The maximum is four per CPU, or 64 if that is more. A larger `n` means the maximum.

    Raises
    ------
    ValueError
        If `n` is below 1.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.set_num_threads(2)
    >>> bp.get_num_threads()
    2
    """

__version__: str = "0.1.0"
