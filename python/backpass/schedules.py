"""Learning rates as functions of time, which scale the optimizer's learning rate.

Pass a schedule to `Network.fit` as ``schedule=``. A schedule counts time in its usual unit, epochs
or steps.

Examples
--------
>>> import backpass as bp
>>> warm = bp.schedules.LinearWarmup(steps=100, then=bp.schedules.Cosine(period=20))
>>> warm.lr(0.1, step=50)
0.05
>>> warm.lr(0.1, epoch=20, step=2000)
0.0
"""

from backpass._core import ConstantSchedule as Constant
from backpass._core import CosineSchedule as Cosine
from backpass._core import ExponentialSchedule as Exponential
from backpass._core import InverseScalingSchedule as InverseScaling
from backpass._core import LinearWarmupSchedule as LinearWarmup
from backpass._core import OneCycleSchedule as OneCycle
from backpass._core import ReduceOnPlateauSchedule as ReduceOnPlateau
from backpass._core import Schedule
from backpass._core import StepSchedule as Step

__all__ = [
    "Constant",
    "Cosine",
    "Exponential",
    "InverseScaling",
    "LinearWarmup",
    "OneCycle",
    "ReduceOnPlateau",
    "Schedule",
    "Step",
]
