"""scikit-learn's checks of the estimators of tables. None of them is expected to fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from backpass.tabular import TabularClassifier, TabularRegressor

QUICK = {"members": 2, "hidden": (16,), "epochs": 40, "batch_size": 32}
CHECKS = parametrize_with_checks([TabularClassifier(**QUICK), TabularRegressor(**QUICK)])


# pytest refuses the generator that scikit-learn 1.6 passes.
@pytest.mark.parametrize(CHECKS.args[0], list(CHECKS.args[1]), **CHECKS.kwargs)
def test_checks(estimator, check):
    check(estimator)
