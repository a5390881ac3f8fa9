"""Says which checks did not run for want of something that is not installed by itself."""

import os

from mqtt_clients import CHECKOUT, REMEDY


def pytest_terminal_summary(terminalreporter):
    if not os.environ.get(CHECKOUT):
        terminalreporter.write_line(REMEDY)
