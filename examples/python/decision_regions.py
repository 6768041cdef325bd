"""
Decision regions: what depth and width change
=============================================

Two arms of a spiral, and the probability that networks of three shapes give to each point. Usage::

    python decision_regions.py [--epochs 60] [--plot regions.png]
"""

from __future__ import annotations

# sphinx_gallery_start_ignore
import argparse

EPOCHS = 60
parser = argparse.ArgumentParser(description="Draw decision regions.")
parser.add_argument("--epochs", type=int, default=EPOCHS)
parser.add_argument("--plot", help="write the picture here (a PNG)")
options = parser.parse_args()
# sphinx_gallery_end_ignore
import matplotlib.pyplot as plt
import numpy as np

import backpass as bp

rng = np.random.default_rng(0)
radius = 6 * np.sqrt(rng.uniform(size=1500))
labels = np.arange(1500) % 2
angle = 0.5 * np.pi * radius + np.pi * labels
x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
x += 0.15 * rng.normal(size=x.shape)

# %%
# One output with a sigmoid is the probability of class 1.

SHAPES = ([2, 8, 1], [2, 64, 1], [2, 64, 64, 1])
side = np.linspace(-7, 7, 120)
grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
figure, panels = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
accuracies = []
for axes, sizes in zip(panels, SHAPES, strict=True):
    net = bp.Network(sizes, activation="tanh", output="sigmoid", seed=0)
    history = net.fit(
        x,
        labels,
        loss="binary_cross_entropy",
        optimizer=bp.optim.Adam(lr=1e-2),
        epochs=options.epochs,
        metrics=["accuracy"],
        seed=0,
    )
    accuracies.append(history["accuracy"][-1])
    probability = net.predict(grid).reshape(120, 120)
    axes.imshow(probability, origin="lower", extent=(-7, 7, -7, 7), cmap="RdBu", vmin=0, vmax=1)
    axes.scatter(*x[::3].T, c=labels[::3], cmap="RdBu", s=9, edgecolors="w", linewidths=0.3)
    axes.set_title(f"{'-'.join(map(str, sizes))}: {accuracies[-1]:.2f} correct", fontsize=9)
    axes.set_axis_off()
print(accuracies)
if options.epochs >= EPOCHS:
    assert accuracies[0] < accuracies[2]
    assert accuracies[2] > 0.97
# sphinx_gallery_start_ignore
if options.plot:
    figure.savefig(options.plot)
# sphinx_gallery_end_ignore
