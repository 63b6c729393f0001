"""The conformance suite of stores: what ``tuner.store.base`` promises, checked. Use it so::

class TestMyStore(StoreTestCase):
    @pytest.fixture
    def store(self, tmp_path):
        store = MyStore(tmp_path)
        yield store
        store.close()
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tuner.store.base import Store
from tuner.testing.store_concurrency import ConcurrencyTests
from tuner.testing.store_records import RecordTests
from tuner.testing.store_results import ResultTests
from tuner.testing.store_studies import StudyTests
from tuner.testing.store_transactions import TransactionTests
from tuner.testing.store_trials import TrialTests

__all__ = ["StoreTestCase"]


class StoreTestCase(TransactionTests, StudyTests, TrialTests, ResultTests, RecordTests, ConcurrencyTests):
    """Subclass it and give it an empty ``store``."""

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        """An empty store; abstract."""
        raise NotImplementedError("a subclass of StoreTestCase has a fixture `store`")

    @pytest.fixture
    def other_store(self, store: Store) -> Store:
        """Another way to what ``store`` keeps, as another process would have it; the same where there is none."""
        return store
