"""A back end with the Python service SDK: jobs on connected devices, feedback, and messages by every credential and transport."""

import datetime
import time

import pytest
import uamqp
from azure.iot.device import MethodResponse
from azure.iot.hub import IoTHubHttpRuntimeManager, IoTHubJobManager, IoTHubRegistryManager
from azure.iot.hub.models import CloudToDeviceMethod, Twin, TwinProperties
from azure.iot.hub.protocol.models import JobRequest

from clients import PATIENCE, Waited, connected, device_client, made_device, module_client
from emulator import fresh_key, unique

TRANSPORTS = [uamqp.TransportType.Amqp, uamqp.TransportType.AmqpOverWebsocket]


def until(ask, holds, what):
    """Asks until the answer satisfies `holds`; that answer."""
    end = time.monotonic() + PATIENCE
    while not holds(answer := ask()):
        assert time.monotonic() < end, f"{what} did not come: {answer}"
        time.sleep(0.02)
    return answer


def answering(client, status, payload):
    """The client answers every method like this from now on."""

    def answer(request):
        response = MethodResponse.create_from_method_request(request, status, {"to": request.name, "says": payload})
        client.send_method_response(response)

    client.on_method_request_received = answer


def job(emulator, **request):
    """Schedules a job for now, and answers it when it is over."""
    jobs, name = IoTHubJobManager.from_connection_string(emulator.hub["service_connection_string"]), unique("job")
    start = datetime.datetime.now(datetime.timezone.utc).isoformat()
    made = jobs.create_scheduled_job(
        name, JobRequest(job_id=name, start_time=start, max_execution_time_in_seconds=60, **request)
    )
    assert (made.job_id, made.status) == (name, "queued")
    return until(lambda: jobs.get_scheduled_job(name), lambda found: found.status in ("completed", "failed"), "the end")


class TestJobs:
    def test_a_method_is_called_on_those_of_its_condition(self, emulator):
        (one, key), (other, _) = made_device(emulator), made_device(emulator)
        call = CloudToDeviceMethod(method_name="reboot", payload={"in": 5}, response_timeout_in_seconds=PATIENCE)
        with connected(device_client(emulator, one, key)) as client:
            answering(client, 207, "going")
            condition = f"deviceId IN ['{one}', '{other}']"
            done = job(
                emulator, type="scheduleDeviceMethod", cloud_to_device_method=call, query_condition=condition
            )
        counts = done.device_job_statistics
        assert done.status == "completed"
        assert (counts.device_count, counts.succeeded_count, counts.failed_count) == (2, 1, 1)

    def test_a_twin_s_wishes_reach_a_connected_device(self, emulator):
        name, key = made_device(emulator)
        wishes = Waited()
        with connected(device_client(emulator, name, key)) as client:
            client.on_twin_desired_properties_patch_received = wishes.put
            twin = Twin(etag="*", tags={"stage": "test"}, properties=TwinProperties(desired={"speed": 5}))
            done = job(emulator, type="scheduleUpdateTwin", update_twin=twin, query_condition=f"deviceId = '{name}'")
            assert done.status == "completed" and wishes.until()["speed"] == 5
        assert emulator.registry().get_twin(name).tags == {"stage": "test"}


class TestMessages:
    @pytest.mark.parametrize("transport", TRANSPORTS)
    @pytest.mark.parametrize("principal", [None, "owner-app"], ids=["sas", "entra"])
    def test_one_is_sent_by_either_credential_over_either_transport(self, emulator, transport, principal):
        name, key = made_device(emulator)
        heard, body = Waited(), unique("hello")
        if principal is None:
            text = emulator.hub["service_connection_string"]
            registry = IoTHubRegistryManager.from_connection_string(text, transport_type=transport)
        else:
            credential = emulator.credential(principal)
            registry = IoTHubRegistryManager.from_token_credential(emulator.hub_host, credential, transport)
        with connected(device_client(emulator, name, key)) as client:
            client.on_message_received = heard.put
            registry.send_c2d_message(name, body)
            assert heard.until().data == body.encode()

    def test_feedback_tells_what_became_of_it(self, emulator):
        name, key = made_device(emulator)
        heard, registry = Waited(), emulator.registry()
        with connected(device_client(emulator, name, key)) as client:
            client.on_message_received = heard.put
            registry.send_c2d_message(name, "x", properties={"messageId": unique("m"), "iothub-ack": "full"})
            message = heard.until()
            until(lambda: registry.get_device(name).cloud_to_device_message_count, lambda left: left == 0, "its end")
        runtime = IoTHubHttpRuntimeManager.from_connection_string(emulator.hub["service_connection_string"])
        try:
            emulator.post("/clock", {"advanceSeconds": 16})
            # The SDK hands the answer itself over only where it is asked for the raw one.
            receive = runtime.protocol.cloud_to_device_messages.receive_feedback_notification
            answer = until(lambda: receive(raw=True).response, lambda found: found.status_code == 200, "feedback")
        finally:
            emulator.post("/clock", {"reset": True})
        (record,) = answer.json()
        assert (record["originalMessageId"], record["deviceId"]) == (message.message_id, name)
        assert record["statusCode"] == "Success"
        runtime.complete_feedback_notification(answer.headers["ETag"].strip('"'))
        assert receive(raw=True).response.status_code == 204


def test_a_module_has_methods_and_a_twin_of_its_own(emulator):
    name, _ = made_device(emulator)
    key, registry, wishes = fresh_key(), emulator.registry(), Waited()
    registry.create_module_with_sas(name, "camera", None, key, fresh_key())
    with connected(module_client(emulator, name, "camera", key)) as client:
        answering(client, 200, "cheese")
        client.on_twin_desired_properties_patch_received = wishes.put
        call = CloudToDeviceMethod(method_name="shoot", payload=None, response_timeout_in_seconds=PATIENCE)
        result = registry.invoke_device_module_method(name, "camera", call)
        assert (result.status, result.payload) == (200, {"to": "shoot", "says": "cheese"})
        twin = registry.get_module_twin(name, "camera")
        twin.properties.desired = {"zoom": 2}
        registry.update_module_twin(name, "camera", twin, "*")
        assert wishes.until()["zoom"] == 2
        client.patch_twin_reported_properties({"zoom": 2})
        assert client.get_twin()["reported"]["zoom"] == 2
    assert registry.get_twin(name).properties.reported.get("zoom") is None
