"""What every test stands on: the emulator that `run` started, as at start."""

import os

import pytest

from azurite import running_azurite
from emulator import Emulator


@pytest.fixture(scope="session")
def running():
    """The emulator of this run."""
    return Emulator(os.environ["IOLITE_READY"])


@pytest.fixture
def emulator(running):
    """The emulator with its world as at start."""
    running.reset()
    return running


@pytest.fixture(scope="session")
def azurite(running, tmp_path_factory):
    """A blob service for all tests of this run; each makes containers of its own."""
    with running_azurite(running, tmp_path_factory.mktemp("azurite")) as service:
        yield service
