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

from backpass._core.schedules import *
from backpass._core.schedules import __all__ as __all__
