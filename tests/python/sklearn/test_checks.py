"""scikit-learn's checks of estimators. None of them is expected to fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from backpass.sklearn import MLPClassifier, MLPRegressor


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks([MLPClassifier(max_iter=100), MLPRegressor(max_iter=100)])
def test_checks(estimator, check):
    check(estimator)
