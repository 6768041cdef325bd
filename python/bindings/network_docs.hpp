/// What help() says of Network's native methods; the examples are run by the tests.
#pragma once

namespace backpass::python::docs {

inline constexpr const char* kParameters =
    R"(ndarray of shape (num_parameters,) : all weights and biases, a writable view.

Layer by layer; a layer's weights are stored input by input, then its biases. Assigning copies into it.)";

inline constexpr const char* kGradients =
    R"(ndarray of shape (num_parameters,) : all gradients, a writable view in the order of `parameters`.)";

inline constexpr const char* kInitialize = R"(Draw all parameters anew.

Parameters
----------
seed : int, optional
    The same seed gives the same parameters everywhere. None takes one from the operating system.
)";

inline constexpr const char* kCopy =
    R"(Return a copy: parameters, gradients and settings, without the last forward's activations.

Returns
-------
Network
)";

inline constexpr const char* kSummary = R"(Describe the network as a table of its layers.

Returns
-------
str
    One line a layer with its shape ``M_{i-1} -> M_i``, activation, and the count and size of its parameters; then
    their totals.

Examples
--------
>>> import backpass as bp
>>> print(bp.Network([784, 128, 10], output="softmax").summary())
layer  shape ...
)";

inline constexpr const char* kForward = R"(Compute and keep every z^i and a^i.

z^i = W^i a^{i-1} + b^i, a^i = φ_i(z^i).

Parameters
----------
x : array_like of real numbers
    (B, M_0), or (M_0,) for one sample.
training : bool
    Apply dropout.

Returns
-------
ndarray
    a^N: (B, M_N), or (M_N,) for one sample. A new array.

Raises
------
ValueError
    For a wrong shape.
TypeError
    For an array that is not of real numbers.

Examples
--------
>>> import backpass as bp
>>> net = bp.Network([3, 4, 2], seed=0)
>>> net.forward([[1, 2, 3], [4, 5, 6]]).shape
(2, 2)
>>> net.layers[0].z.shape
(2, 4)
)";

inline constexpr const char* kBackward = R"(Run the ξ recursion over the last `forward`, from ∂E/∂a^N of any cost.

ξ^N = J_φ(z^N)^T ∂E/∂a^N, ξ^i = φ'_i(z^i) ⊙ (ξ^{i+1} W^{i+1}); ∂E/∂W^i = (ξ^i)^T a^{i-1}, ∂E/∂b^i = Σ_rows ξ^i.

Parameters
----------
grad_output : array_like of real numbers
    ∂E/∂a^N, of the shape that `forward` returned.
input_gradient : bool
    Whether to return ∂E/∂a^0.
accumulate : bool
    Add to the gradients instead of replacing them.

Returns
-------
ndarray or None
    ∂E/∂a^0, of x's shape, when asked for.

Raises
------
RuntimeError
    When no `forward` came before, or another call has used its place since.
ValueError
    For a wrong shape.

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

inline constexpr const char* kStep = R"(Apply the gradients.

Parameters
----------
optimizer : Optimizer
    Of `backpass.optim`.

Raises
------
ValueError
    For settings out of range, or an optimizer whose state belongs to another network.

Examples
--------
>>> import backpass as bp
>>> net = bp.Network([1, 1], bias=False, init="zeros")
>>> net.gradients = [2.0]
>>> net.step(bp.optim.SGD(lr=0.25))
>>> net.parameters
array([-0.5], dtype=float32)
)";

inline constexpr const char* kPredict = R"(Return a^N, keeping and changing nothing.

Many threads may call it at once. It waits while another thread's call changes the network, and sees the network between
two steps of another thread's `fit`. A row's result does not depend on the rows around it, to the bit.

Parameters
----------
x : array_like of real numbers
    (B, M_0), or (M_0,) for one sample.
out : ndarray, optional
    Where to put the result: of exactly its shape and dtype, with contiguous rows. Nothing is allocated then.
num_threads : int, optional
    At most so many threads, and never more than `backpass.set_num_threads` may set; as the work asks by default.

Returns
-------
ndarray
    (B, M_N), or (M_N,) for one sample; `out` if it was given.

Raises
------
ValueError
    For a wrong shape, or an `out` that cannot be written to.
TypeError
    For an array that is not of real numbers, or an `out` of another dtype.
RuntimeError
    Inside a Custom function that another call of this network runs.

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

inline constexpr const char* kTrainStep = R"(Forward, backward and step in one native call.

Parameters
----------
x : array_like of real numbers
    (B, M_0), or (M_0,) for one sample.
y : array_like of real numbers
    (B, M_N); (B,) when M_N is 1; the cross-entropies also take (B,) integer labels.
loss : Loss or str
    Of `backpass.losses`, or its name.
optimizer : Optimizer
    Of `backpass.optim`. It keeps its state between steps, so a name will not do.
sample_weight : array_like, optional
    (B,): the loss is Σ_b w_b ℓ_b / Σ_b w_b.

Returns
-------
float
    The loss before the update.

Raises
------
ValueError
    For a wrong shape, a label outside [0, M_N), or a name or setting that does not exist.
TypeError
    For an array that is not of real numbers, or labels that are not integers.

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

inline constexpr const char* kLossAndGradient = R"(Compute the loss and all gradients, without an update.

Dropout applies as in `train_step`. Memory does not grow with the number of rows.

Parameters
----------
x, y, loss, sample_weight
    As for `train_step`.
input_gradient : bool
    Whether to return ∂E/∂a^0 as well.

Returns
-------
float or (float, ndarray)
    The loss; with `input_gradient` also ∂E/∂a^0, of x's shape.

Raises
------
ValueError, TypeError
    As `train_step`.

Examples
--------
>>> import backpass as bp
>>> net = bp.Network([1, 1], bias=False, init=bp.initializers.Constant(2.0))
>>> net.loss_and_gradient([[1.0]], [[5.0]], loss="mse")
9.0
>>> net.gradients
array([-6.], dtype=float32)
)";

inline constexpr const char* kEvaluate = R"(Return the loss, without dropout, changing nothing.

Parameters
----------
x, y, loss, sample_weight
    As for `train_step`.

Returns
-------
float

Raises
------
ValueError, TypeError
    As `train_step`.

Examples
--------
>>> import backpass as bp
>>> net = bp.Network([1, 1], bias=False, init=bp.initializers.Constant(2.0))
>>> net.evaluate([[1.0]], [[5.0]], loss="mae")
3.0
)";

inline constexpr const char* kSave = R"(Write the network to a safetensors file, bit for bit.

The file is written beside `path`, flushed to the disk and renamed, so that `path` is the old file or the new one and
never a part.

Parameters
----------
path : path-like
optimizer : Optimizer, optional
    Saved with its state, so that training can go on exactly; see `backpass.load_checkpoint`.
schedule : Schedule, optional
epochs, steps : int
    Trained so far.
metadata : dict of str to str, optional
    The caller's own.
memory : TrainingMemory, optional
    Of early stopping, as a callback finds it in `backpass.callbacks.TrainInfo`.

Raises
------
OSError
    When the operating system refuses; FileNotFoundError and the like.
ValueError
    When the network has a Custom activation; for a path or metadata with characters that a file or UTF-8 cannot have.
TypeError
    When `path` is no path, or `metadata` hold anything but text.

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
