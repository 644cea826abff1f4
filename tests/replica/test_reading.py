"""Which requests read from the replica, as the two servers tell it."""

import pytest

from tests.replica.asking import PAGE, READINGS, Pair, heard


@pytest.mark.parametrize("path", [PAGE, READINGS])
def test_what_is_shown_is_read_from_the_replica_alone(well: Pair, path: str) -> None:
    with heard(well.primary) as at_primary, heard(well.replica) as at_replica:
        assert well.ask(path).status_code == 200
    assert at_replica
    assert not at_primary
