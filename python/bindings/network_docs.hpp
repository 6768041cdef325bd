/// Docstrings of Network's native methods. The tests run the examples.
#pragma once

namespace backpass::python::docs {

inline constexpr const char* kParameters =
    R"(ndarray of shape (num_parameters,) : all weights and biases, a writable view.

The order is layer by layer: the weights of a layer, stored as (M_{i-1}, M_i), and then its biases. Assigning to the
attribute copies the values into the view.)";

inline constexpr const char* kGradients =
    R"(ndarray of shape (num_parameters,) : all gradients, a writable view in the order of `parameters`.)";

inline constexpr const char* kInitialize = R"(Draw new parameters.

Parameters
----------
seed : int, optional
    The same seed gives the same parameters everywhere. None takes a seed from the operating system.
)";

inline constexpr const char* kCopy =
    R"(Return a copy of the network.

The copy has the same parameters, gradients and settings. It does not have the activations of the last `forward`.

Returns
-------
Network
)";

inline constexpr const char* kAstype =
    R"(Return a copy of the network with another dtype.

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
)";

inline constexpr const char* kSummary = R"(Describe the network as a table of its layers.

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
)";

inline constexpr const char* kForward = R"(Compute z^i and a^i of every layer and keep them for `backward`.

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
)";

inline constexpr const char* kBackward =
    R"(Compute all gradients from ∂E/∂a^N of any loss, by the ξ recursion over the last `forward`.

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
)";

inline constexpr const char* kStep = R"(Update the parameters from the gradients.

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
)";

inline constexpr const char* kPredict = R"(Return a^N. Keep no activations and do not change the network.

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
)";

inline constexpr const char* kTrainStep = R"(Run forward, backward and step in one native call.

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
)";

inline constexpr const char* kLossAndGradient = R"(Compute the loss and all gradients. Do not update the parameters.

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
)";

inline constexpr const char* kEvaluate = R"(Return the loss without dropout. Do not change the network.

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
)";

inline constexpr const char* kSave = R"(Write the network to a safetensors file, bit for bit.

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
)";

}  // namespace backpass::python::docs
