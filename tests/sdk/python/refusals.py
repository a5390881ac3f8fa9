"""Refusals, whichever SDK raises them: one shape for status, body and headers."""

import json
from contextlib import contextmanager

import pytest
from azure.core.exceptions import HttpResponseError
from msrest.exceptions import HttpOperationError
from provisioningserviceclient.client import ProvisioningServiceError


class Refusal:
    """What a service said no with; filled in when the block ends."""

    status = None
    text = ""
    headers = {}

    @property
    def body(self):
        return json.loads(self.text)

    def fill(self, error):
        if isinstance(error, HttpResponseError):
            response = error.response
            self.text = response.text()
        else:
            response = (error.cause if isinstance(error, ProvisioningServiceError) else error).response
            self.text = response.text if isinstance(response.text, str) else response.text()
        self.status, self.headers = response.status_code, response.headers


@contextmanager
def refused(status):
    """The block is refused with this status by a service; yields the [Refusal]."""
    refusal = Refusal()
    with pytest.raises((HttpOperationError, HttpResponseError, ProvisioningServiceError)) as caught:
        yield refusal
    refusal.fill(caught.value)
    assert refusal.status == status, f"{refusal.status}: {refusal.text}"
