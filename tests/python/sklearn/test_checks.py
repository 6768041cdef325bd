"""scikit-learn's checks of estimators. None of them is expected to fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from backpass.sklearn import MLPClassifier, MLPRegressor

CHECKS = parametrize_with_checks([MLPClassifier(max_iter=100), MLPRegressor(max_iter=100)])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
# pytest refuses the generator that scikit-learn 1.6 passes.
@pytest.mark.parametrize(CHECKS.args[0], list(CHECKS.args[1]), **CHECKS.kwargs)
def test_checks(estimator, check):
    check(estimator)
