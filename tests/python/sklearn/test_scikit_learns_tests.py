"""scikit-learn's own tests of its MLP, with our classes in place of theirs."""

import importlib.util

from sklearn.neural_network.tests import test_mlp

import backpass.sklearn


def _load():
    """Return a second copy of the module, in which the two names are ours."""
    spec = importlib.util.spec_from_file_location("scikit_learns_mlp", test_mlp.__file__)
    module = importlib.util.module_from_spec(spec)
    source = spec.loader.get_source(spec.name)
    ours = source.replace("from sklearn.neural_network import", "from backpass.sklearn import")
    assert ours != source
    exec(compile(ours, test_mlp.__file__, "exec"), vars(module))
    assert module.MLPClassifier is backpass.sklearn.MLPClassifier
    return module


globals().update({n: v for n, v in vars(_load()).items() if not n.startswith("__")})
