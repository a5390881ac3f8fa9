"""What every test stands on: the emulator that `run` started, as at start."""

import os

import pytest

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
