"""
Handwritten digits: fit, learning curves, save and load
=======================================================

The 1797 images of 8 x 8 pixels come with scikit-learn. After a few seconds the network is right for
about 98 % of images that it has never seen. Usage::

    python digits.py [--epochs 40] [--plot digits.png]
"""

from __future__ import annotations

# sphinx_gallery_start_ignore
import argparse

parser = argparse.ArgumentParser(description="Classify handwritten digits.")
parser.add_argument("--epochs", type=int, default=40)
parser.add_argument("--plot", help="write the pictures here (a PNG)")
options = parser.parse_args()
# sphinx_gallery_end_ignore
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import backpass as bp

x, y = load_digits(return_X_y=True)
x = x / 16.0  # pixels are 0 to 16
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.25, random_state=0)

# %%
# The network has 64 inputs, one per pixel, and 10 outputs, the probabilities of the digits.

net = bp.Network([64, 128, 64, 10], output="softmax", dropout=0.2, seed=0)
print(net.summary())

# %%
# A tenth of the training rows is kept for the validation.

history = net.fit(
    x_train,
    y_train,
    loss=bp.losses.CrossEntropy(label_smoothing=0.1),
    optimizer=bp.optim.Adam(lr=1e-3),
    epochs=options.epochs,
    validation_split=0.1,
    metrics=["accuracy"],
    seed=0,
)
print(history)

predicted = net.predict(x_test).argmax(axis=1)
accuracy = float((predicted == y_test).mean())
print(f"test accuracy {accuracy:.4f}")
if options.epochs >= 40:
    assert accuracy >= 0.96, accuracy

# %%
# The learning curves, and images for which the network is wrong, with its answer and the truth:

figure, panels = plt.subplots(1, 2, figsize=(9, 3.2), width_ratios=[2, 1], layout="constrained")
history.plot(ax=panels[0])
wrong = np.flatnonzero(predicted != y_test)[:6]
sheet = np.ones((2 * 9, 3 * 9))
for place, row in enumerate(wrong):
    top, left = 9 * (place // 3), 9 * (place % 3)
    sheet[top : top + 8, left : left + 8] = 1 - x_test[row].reshape(8, 8)
    label = f"{predicted[row]} not {y_test[row]}"
    panels[1].text(left + 3.5, top + 8, label, ha="center", va="center", fontsize=8, color="red")
panels[1].imshow(sheet, cmap="gray", vmin=0, vmax=1)
panels[1].axis("off")
# sphinx_gallery_start_ignore
if options.plot:
    figure.savefig(options.plot)
# sphinx_gallery_end_ignore

# %%
# A loaded network gives the same bits.

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "digits.safetensors"
    net.save(path)
    assert np.array_equal(bp.load(path).predict(x_test), net.predict(x_test))
