"""Files of devices, uploaded by azure-storage-blob where the hub says, and the word of them to the back end over AMQP."""

import json
import urllib.parse

import pytest
import uamqp
from azure.core.exceptions import HttpResponseError
from azure.iot.device.exceptions import ClientError
from azure.storage.blob import BlobClient

from certificates import Certificate
from clients import PATIENCE, client_with_certificate, connected, device_client, made_device
from emulator import sas, unique


@pytest.fixture
def container(emulator, azurite):
    """The hub uploads to this container from now on, and tells of it."""
    container = azurite.container()
    hub = emulator.hubs().get(emulator.group, emulator.hub["name"]).as_dict()
    hub["properties"]["storage_endpoints"] = {
        "$default": {
            "connection_string": azurite.connection_string,
            "container_name": container.container_name,
            "sas_ttl_as_iso8601": "PT1H",
        }
    }
    hub["properties"]["enable_file_upload_notifications"] = True
    emulator.hubs().begin_create_or_update(emulator.group, emulator.hub["name"], hub).result()
    return container


class Notices:
    """The hub's file notifications, received with uamqp as the Azure CLI receives from a hub."""

    def __init__(self, emulator):
        text = emulator.hub["service_connection_string"]
        parts = dict(part.split("=", 1) for part in text.split(";"))
        host = emulator.hub["host_name"]
        token = sas(host, parts["SharedAccessKey"], parts["SharedAccessKeyName"])
        user = f"{parts['SharedAccessKeyName']}@sas.root.{emulator.hub['name']}"
        login = ":".join(urllib.parse.quote(part, safe="") for part in (user, token))
        self._client = uamqp.ReceiveClient(f"amqps://{login}@{host}/messages/serviceBound/filenotifications")

    def __enter__(self):
        self._client.open()
        return self

    def __exit__(self, *_):
        self._client.close()

    def next(self):
        """The next notice, which is taken off the queue."""
        found = self._client.receive_message_batch(max_batch_size=1, timeout=PATIENCE * 1000)
        assert found, "no notice came"
        found[0].accept()
        return json.loads(b"".join(found[0].get_data()))


def upload(client, name, content):
    """Uploads as the SDK's sample does; answers what the hub said."""
    place = client.get_storage_info_for_blob(name)
    address = f"https://{place['hostName']}/{place['containerName']}/{place['blobName']}{place['sasToken']}"
    with BlobClient.from_blob_url(address) as blob:
        blob.upload_blob(content)
    return place


def test_a_file_is_uploaded_and_the_back_end_hears_of_it(emulator, azurite, container):
    name, key = made_device(emulator)
    content = b"what the device has to say at length\n" * 1000
    with connected(device_client(emulator, name, key)) as client, Notices(emulator) as notices:
        place = upload(client, "logs/to day.txt", content)
        assert place["containerName"] == container.container_name and place["blobName"] == f"{name}/logs/to day.txt"
        client.notify_blob_upload_status(place["correlationId"], True, 200, "done")
        notice = notices.next()
    assert (notice["deviceId"], notice["blobName"]) == (name, f"{name}/logs/to day.txt")
    assert notice["blobSizeInBytes"] == len(content) and notice["blobUri"].startswith(azurite.service)
    assert container.download_blob(notice["blobName"]).readall() == content


def test_an_upload_that_failed_is_no_news_and_can_be_reported_once(emulator, container):
    name, key = made_device(emulator)
    with connected(device_client(emulator, name, key)) as client, Notices(emulator) as notices:
        lost = client.get_storage_info_for_blob("lost.txt")
        client.notify_blob_upload_status(lost["correlationId"], False, 500, "gave up")
        with pytest.raises(ClientError) as again:
            client.notify_blob_upload_status(lost["correlationId"], False, 500, "gave up")
        assert "400" in str(again.value.__cause__)
        found = upload(client, "found.txt", b"x")
        client.notify_blob_upload_status(found["correlationId"], True, 200, "done")
        assert notices.next()["blobName"] == f"{name}/found.txt"


def test_the_signature_opens_that_one_blob_for_writing(emulator, container):
    name, key = made_device(emulator)
    with connected(device_client(emulator, name, key)) as client:
        place = client.get_storage_info_for_blob("mine.txt")
    other = f"https://{place['hostName']}/{place['containerName']}/other.txt{place['sasToken']}"
    with BlobClient.from_blob_url(other) as blob, pytest.raises(HttpResponseError) as refused:
        blob.upload_blob(b"x")
    assert refused.value.status_code == 403 and list(container.list_blobs()) == []


def test_a_device_with_a_certificate_uploads_too(emulator, container, tmp_path):
    name = unique("thumbprint")
    mine = Certificate(tmp_path, name)
    emulator.registry().create_device_with_x509(name, mine.thumbprint, mine.thumbprint, "enabled")
    with connected(client_with_certificate(emulator, mine, name)) as client:
        place = upload(client, "by-certificate.txt", b"x")
        client.notify_blob_upload_status(place["correlationId"], True, 200, "done")
    assert [blob.name for blob in container.list_blobs()] == [f"{name}/by-certificate.txt"]


def test_a_hub_without_storage_says_so(emulator):
    name, key = made_device(emulator)
    with connected(device_client(emulator, name, key)) as client:
        with pytest.raises(ClientError) as refused:
            client.get_storage_info_for_blob("x.txt")
    assert "400" in str(refused.value.__cause__)
