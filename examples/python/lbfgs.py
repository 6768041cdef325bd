"""
An optimizer from SciPy: L-BFGS on the flat parameters
======================================================

`net.parameters` and `net.gradients` are contiguous views of all weights and biases in one order. A
general optimizer needs nothing else. For small data, where whole batches are cheap, a quasi-Newton
method reaches a much smaller loss than Adam with the same number of gradients. Usage::

    python lbfgs.py [--iterations 500] [--plot lbfgs.png]
"""

from __future__ import annotations

# sphinx_gallery_start_ignore
import argparse

ITERATIONS = 500
parser = argparse.ArgumentParser(description="Train with SciPy's L-BFGS-B.")
parser.add_argument("--iterations", type=int, default=ITERATIONS)
parser.add_argument("--plot", help="write the picture here (a PNG)")
options = parser.parse_args()
# sphinx_gallery_end_ignore
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

import backpass as bp

x = np.linspace(-1, 1, 100)[:, np.newaxis]
y = np.exp(-4 * x**2)
net = bp.Network([1, 24, 24, 1], activation="tanh", dtype="float64", seed=0)
twin = net.copy()
losses: dict[str, list[float]] = {"L-BFGS-B": [], "Adam": []}


def objective(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Return the loss and its gradient at these parameters."""
    net.parameters[:] = parameters
    loss = net.loss_and_gradient(x, y, loss="mse")
    losses["L-BFGS-B"].append(loss)
    return loss, net.gradients.copy()  # SciPy keeps it; the next call overwrites the view


# %%

start = net.evaluate(x, y, loss="mse")
result = minimize(
    objective,
    net.parameters.copy(),
    method="L-BFGS-B",
    jac=True,
    options={"maxiter": options.iterations, "ftol": 0.0, "gtol": 1e-10},
)
net.parameters[:] = result.x
end = net.evaluate(x, y, loss="mse")
assert np.isclose(end, result.fun, rtol=1e-12)  # SciPy's value equals the network's

# %%
# Adam gets the same number of gradients.

adam = bp.optim.Adam(lr=0.01)
for _ in range(result.nfev):
    losses["Adam"].append(twin.train_step(x, y, loss="mse", optimizer=adam))
adams = twin.evaluate(x, y, loss="mse")

print(f"before        mse {start:.2e}")
print(f"L-BFGS-B      mse {end:.2e} after {result.nit} iterations, {result.nfev} gradients")
print(f"Adam          mse {adams:.2e} after the same number of gradients")
assert end < start / 100
if options.iterations >= ITERATIONS:
    assert end < adams / 10

# %%

figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
for name, values in losses.items():
    axes.semilogy(values, label=name)
axes.set_xlabel("gradients")
axes.set_ylabel("mean squared error")
axes.legend()
# sphinx_gallery_start_ignore
if options.plot:
    figure.savefig(options.plot)
# sphinx_gallery_end_ignore
