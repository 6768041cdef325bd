"""Objects of all optimizers and schedules, made from the library's own lists of their names.

Settings that add an array to the state, or that have a meaning of their own, follow the defaults.
The objects are shared: a test that changes one works on a deep copy.
"""

import backpass as bp

OPTIMIZERS: list[bp.optim.Optimizer] = [
    *(type(bp.optim.get(name))(lr=0.01) for name in bp.optim.names()),
    bp.optim.SGD(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    bp.optim.RMSprop(lr=0.01, momentum=0.5, centered=True),
    bp.optim.Adagrad(lr=0.01, lr_decay=0.1, initial_accumulator_value=0.2),
    bp.optim.Adam(lr=0.01, amsgrad=True),
]
SCHEDULES: list[bp.schedules.Schedule] = [
    *(getattr(bp.schedules, name)() for name in bp.schedules.__all__ if name != "Schedule"),
    bp.schedules.Step(step_size=2, gamma=0.5),
    bp.schedules.Exponential(gamma=0.8),
    bp.schedules.Cosine(period=7, min_lr=1e-4),
    bp.schedules.OneCycle(max_lr=0.1),
    bp.schedules.OneCycle(max_lr=0.1, total_steps=40),
    bp.schedules.CosLog(cycles=2, total_steps=40),
    bp.schedules.FlatCosine(flat=0.25, total_steps=40),
    bp.schedules.ReduceOnPlateau(patience=0, factor=0.5, threshold=0.9),
    bp.schedules.LinearWarmup(steps=4, then=bp.schedules.Cosine()),
    bp.schedules.LinearWarmup(steps=4, then=bp.schedules.ReduceOnPlateau(patience=0)),
    bp.schedules.LinearWarmup(
        steps=5, then=bp.schedules.LinearWarmup(steps=3, then=bp.schedules.Exponential(gamma=0.8))
    ),
]
