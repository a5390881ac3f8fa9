"""What every test stands on: the emulator that `run` started, as at start."""

import os

import pytest

from azurite import running_azurite
from emulator import Emulator


def pytest_addoption(parser):
    parser.addoption("--part", help="K/N: every N-th file from the K-th on, so that N processes share the work")


def pytest_collection_modifyitems(config, items):
    if config.option.part:
        chosen, parts = map(int, config.option.part.split("/"))
        files = sorted({item.path for item in items})
        mine = set(files[chosen - 1 :: parts])
        config.hook.pytest_deselected(items=[item for item in items if item.path not in mine])
        items[:] = [item for item in items if item.path in mine]


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
