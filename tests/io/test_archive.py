"""Files of earlier versions still load."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import sklearn
from saved_models import layers
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.utils.fixes import parse_version

from skxfer import io

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


ARCHIVE = Path(__file__).parents[1] / "archive"


@pytest.mark.parametrize(
    "record", json.loads((ARCHIVE / "expected.json").read_text()), ids=lambda record: record["file"]
)
def test_files_of_earlier_versions_still_load_and_predict_the_same(record):
    for package in record["needs"]:
        pytest.importorskip(package, reason=f"{record['file']} holds a model of {package}")
    trusted = [layers()] if "torch" in record["needs"] else []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            model = io.load(ARCHIVE / record["file"], trusted=trusted)
            got = model.predict(np.array(record["X"], dtype=record["dtype"]))
    except (ValueError, AttributeError) as error:
        if parse_version(sklearn.__version__) < parse_version(record["scikit-learn"]):
            pytest.skip(
                f"scikit-learn {sklearn.__version__} cannot read what {record['scikit-learn']} wrote: {error}"
            )
        raise
    np.testing.assert_allclose(got, record["expected"], rtol=1e-5 if record["dtype"] == "float32" else 1e-9)
