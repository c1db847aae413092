"""Whoever can write the store's files does not get a record destroyed that the ledger does not give up."""

from pathlib import Path

import pytest
from retention_store import TODAY, Archive, clock_on, make_archive

from recordkit.archive.catalogue import get_record
from recordkit.errors import IntegrityFailure
from recordkit.ledger import Act, Ledger
from recordkit.store import PROJECTIONS
from recordkit.workspace import open_workspace


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return make_archive(tmp_path / "store")


def status(archive: Archive, record: str) -> str:
    found = get_record(archive.workspace.db, record)
    assert found is not None
    return found.status


def forge(archive: Archive, name: str, body: dict[str, object]) -> None:
    """Append an entry with the right hash, as anybody can who writes files and knows the format."""
    archive.workspace.close()
    ledger = Ledger(archive.root / "ledger")
    end = [cursor for _, cursor in ledger.read()][-1]
    ledger.append([Act(name, body)], time=clock_on(TODAY).stamp(), actor="os-user", after=end)
    archive.workspace = open_workspace(archive.root, PROJECTIONS, clock_on(TODAY), "os-user")


def test_an_intent_that_nobody_signed_for_is_not_finished(archive: Archive) -> None:
    record = archive.file()
    order = archive.sign(archive.approve(archive.appraise(archive.propose(record))), "sup1")
    forge(archive, "order.intended", {"order": order.order_id, "records": [record], "place": "p", "method": "m",
                                      "actor": "sup1", "events": [], "holds": []})
    with pytest.raises(IntegrityFailure, match="fewer than 2 supervisors"):
        archive.execute(order)
    assert status(archive, record) == "active"
