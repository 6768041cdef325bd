"""
A band of quantiles: noise that depends on x
============================================

The pinball loss of the quantile q is smallest if a part q of the targets lies below the output. So
one network per quantile gives a band that contains a chosen part of the targets. Usage::

    python quantiles.py [--epochs 40] [--plot quantiles.png]
"""

from __future__ import annotations

# sphinx_gallery_start_ignore
import argparse

EPOCHS = 40
parser = argparse.ArgumentParser(description="Fit quantiles.")
parser.add_argument("--epochs", type=int, default=EPOCHS)
parser.add_argument("--plot", help="write the picture here (a PNG)")
options = parser.parse_args()
# sphinx_gallery_end_ignore
import matplotlib.pyplot as plt
import numpy as np

import backpass as bp

rng = np.random.default_rng(0)
x = rng.uniform(-2, 2, size=(4000, 1))
y = np.sin(2 * x) + (0.1 + 0.2 * (x + 2)) * rng.normal(size=x.shape)

# %%
# The same initial network for every quantile, and a learning rate that falls to zero.

QUANTILES = (0.05, 0.5, 0.95)
nets = {}
for q in QUANTILES:
    nets[q] = bp.Network([1, 32, 32, 1], activation="tanh", seed=0)
    nets[q].fit(
        x,
        y,
        loss=bp.losses.Quantile(q=q),
        optimizer=bp.optim.Adam(lr=1e-2),
        schedule=bp.schedules.Cosine(),
        epochs=options.epochs,
        batch_size=64,
        seed=0,
    )

# %%
# The part of new targets below each output should be q.

x_new = rng.uniform(-2, 2, size=(4000, 1))
y_new = np.sin(2 * x_new) + (0.1 + 0.2 * (x_new + 2)) * rng.normal(size=x_new.shape)
for q, net in nets.items():
    below = float((y_new < net.predict(x_new)).mean())
    print(f"q = {q:.2f}: {below:.3f} of the new targets are below the output")
    if options.epochs >= EPOCHS:
        assert abs(below - q) < 0.03, below

# %%

line = np.linspace(-2, 2, 200)[:, np.newaxis]
low, middle, high = (nets[q].predict(line)[:, 0] for q in QUANTILES)
figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
axes.plot(x[:600], y[:600], ".", color="0.75", markersize=3)
axes.fill_between(line[:, 0], low, high, alpha=0.25, label="90 % of the targets")
axes.plot(line, middle, label="median")
axes.legend(loc="upper left")
# sphinx_gallery_start_ignore
if options.plot:
    figure.savefig(options.plot)
# sphinx_gallery_end_ignore
