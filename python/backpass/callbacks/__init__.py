"""Callbacks of `Network.fit`, among them early stopping and checkpoints."""

from backpass.callbacks.callback import Callback, LambdaCallback, TrainInfo
from backpass.callbacks.checkpoint import Checkpoint
from backpass.callbacks.early_stopping import EarlyStopping

__all__ = ["Callback", "Checkpoint", "EarlyStopping", "LambdaCallback", "TrainInfo"]
