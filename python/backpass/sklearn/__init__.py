"""scikit-learn's MLPClassifier and MLPRegressor, computed by `backpass.Network`.

``from backpass.sklearn import MLPClassifier, MLPRegressor`` replaces the import from
``sklearn.neural_network``. The classes are subclasses of scikit-learn's classes. This package needs
the extra ``sklearn``.
"""

try:
    import sklearn  # noqa: F401
except ImportError as error:
    message = f"backpass.sklearn needs {error.name}: pip install backpass[sklearn]"
    raise ImportError(message, name=error.name) from error

from backpass.sklearn.classifier import MLPClassifier
from backpass.sklearn.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
