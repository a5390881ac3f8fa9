"""azure-iot-hub against a hub: identities, twins, queries, configurations, statistics and direct methods."""

import json

import pytest
from azure.iot.hub.models import (
    AuthenticationMechanism,
    CloudToDeviceMethod,
    Configuration,
    ConfigurationContent,
    ConfigurationMetrics,
    ConfigurationQueriesTestInput,
    ExportImportDevice,
    QuerySpecification,
    SymmetricKey,
    Twin,
    TwinProperties,
)

from emulator import fresh_key, unique
from refusals import refused


@pytest.fixture(params=["sas", "token"])
def registry(request, emulator):
    """The registry by either credential: what an operation answers does not depend on it."""
    return emulator.registry(None if request.param == "sas" else "owner-app")


@pytest.fixture
def by_sas(emulator):
    return emulator.registry()


def new_device(registry, device_id=None, status="enabled"):
    return registry.create_device_with_sas(device_id or unique("device"), fresh_key(), fresh_key(), status)


def query(registry, text, page_size=None):
    """Every item of a query, page by page."""
    items, token = [], None
    while True:
        page = registry.query_iot_hub(QuerySpecification(query=text), token, page_size)
        items.extend(page.items)
        token = page.continuation_token
        if not token:
            return items


# Device identities


def test_a_device_is_created_with_the_keys_it_was_given(registry):
    primary, secondary, device_id = fresh_key(), fresh_key(), unique("device")
    made = registry.create_device_with_sas(device_id, primary, secondary, "enabled", status_reason="new")
    assert (made.device_id, made.status, made.status_reason) == (device_id, "enabled", "new")
    assert made.authentication.type == "sas"
    keys = made.authentication.symmetric_key
    assert (keys.primary_key, keys.secondary_key) == (primary, secondary)
    assert (made.connection_state, made.cloud_to_device_message_count) == ("Disconnected", 0)
    assert made.etag and made.generation_id
    found = registry.get_device(device_id)
    assert found.authentication.as_dict() == made.authentication.as_dict()
    assert (found.etag, found.generation_id) == (made.etag, made.generation_id)


def test_a_device_without_keys_gets_fresh_ones(by_sas):
    first = by_sas.create_device_with_sas(unique("device"), None, None, "enabled").authentication.symmetric_key
    second = by_sas.create_device_with_sas(unique("device"), None, None, "enabled").authentication.symmetric_key
    assert len({first.primary_key, first.secondary_key, second.primary_key, second.secondary_key}) == 4


def test_a_device_signs_in_by_thumbprint_or_authority_where_it_was_made_so(by_sas):
    pinned = by_sas.create_device_with_x509(unique("device"), "A" * 40, "B" * 40, "enabled")
    assert pinned.authentication.type == "selfSigned"
    assert pinned.authentication.x509_thumbprint.primary_thumbprint == "A" * 40
    trusted = by_sas.create_device_with_certificate_authority(unique("device"), "enabled")
    assert trusted.authentication.type == "certificateAuthority"


def test_an_edge_device_has_a_scope_that_its_children_name(by_sas):
    edge = by_sas.create_device_with_sas(unique("edge"), None, None, "enabled", iot_edge=True)
    assert edge.capabilities.iot_edge
    assert edge.device_scope.startswith(f"ms-azure-iot-edge://{edge.device_id}-")
    child = by_sas.create_device_with_sas(unique("leaf"), None, None, "enabled", device_scope=edge.device_scope)
    assert child.device_scope == edge.device_scope
    assert child.parent_scopes == [edge.device_scope]


def test_a_device_is_updated_under_its_etag(registry):
    made = new_device(registry)
    keys = made.authentication.symmetric_key
    changed = registry.update_device_with_sas(
        made.device_id, made.etag, keys.primary_key, keys.secondary_key, "disabled", status_reason="maintenance"
    )
    assert (changed.status, changed.status_reason) == ("disabled", "maintenance")
    assert changed.etag != made.etag
    assert changed.generation_id == made.generation_id


def test_an_update_under_an_old_etag_is_refused_and_changes_nothing(by_sas):
    made = new_device(by_sas)
    keys = made.authentication.symmetric_key
    first = by_sas.update_device_with_sas(made.device_id, made.etag, keys.primary_key, keys.secondary_key, "disabled")
    with refused(412) as refusal:
        by_sas.update_device_with_sas(made.device_id, made.etag, keys.primary_key, keys.secondary_key, "enabled")
    assert refusal.headers["iothub-errorcode"] == "PreconditionFailed"
    assert by_sas.get_device(made.device_id).as_dict() == first.as_dict()


def test_a_device_changes_how_it_signs_in(by_sas):
    made = new_device(by_sas)
    pinned = by_sas.update_device_with_x509(made.device_id, made.etag, "A" * 64, "B" * 64, "enabled")
    assert (pinned.authentication.type, pinned.authentication.x509_thumbprint.secondary_thumbprint) == (
        "selfSigned",
        "B" * 64,
    )
    trusted = by_sas.update_device_with_certificate_authority(made.device_id, pinned.etag, "enabled")
    assert trusted.authentication.type == "certificateAuthority"
    again = by_sas.update_device_with_sas(made.device_id, trusted.etag, fresh_key(), fresh_key(), "enabled")
    assert (again.authentication.type, again.generation_id) == ("sas", made.generation_id)


def test_a_second_device_of_the_same_id_is_refused(by_sas):
    made = new_device(by_sas)
    with refused(409) as refusal:
        new_device(by_sas, made.device_id)
    assert refusal.body["Message"].startswith("ErrorCode:DeviceAlreadyExists;")


def test_a_device_that_is_not_there_is_not_found(registry):
    with refused(404) as refusal:
        registry.get_device("nobody")
    assert refusal.body["Message"] == "ErrorCode:DeviceNotFound;nobody"
    assert refusal.body["ExceptionMessage"].startswith("Tracking ID:")
    assert refusal.headers["iothub-errorcode"] == "DeviceNotFound"


def test_ids_keep_their_case_and_every_character_that_the_service_allows(by_sas):
    device_id = unique("Dev") + "-:.+%_#*?!(),=@$'"
    new_device(by_sas, device_id)
    assert by_sas.get_device(device_id).device_id == device_id
    with refused(404):
        by_sas.get_device(device_id.lower())


@pytest.mark.parametrize("device_id", ["a" * 129, "with space", "slash/inside", "naïve"])
def test_an_id_that_breaks_the_rules_is_refused(by_sas, device_id):
    with refused(400) as refusal:
        new_device(by_sas, device_id)
    assert refusal.headers["iothub-errorcode"] in ("ArgumentInvalid", "IotHubFormatError")
    assert by_sas.get_devices() == []


@pytest.mark.parametrize("key", ["not base64!", "c2hvcnQ="])
def test_a_key_that_is_none_is_refused(by_sas, key):
    with refused(400):
        by_sas.create_device_with_sas(unique("device"), key, fresh_key(), "enabled")
    assert by_sas.get_devices() == []


def test_a_deleted_device_is_gone_with_its_twin_and_modules(registry):
    made = new_device(registry)
    registry.create_module_with_sas(made.device_id, "module", "", None, None)
    registry.delete_device(made.device_id)
    for ask in (registry.get_device, registry.get_twin, lambda device: registry.get_module(device, "module")):
        with refused(404):
            ask(made.device_id)


def test_a_deletion_under_an_old_etag_is_refused(by_sas):
    made = new_device(by_sas)
    with refused(412):
        by_sas.delete_device(made.device_id, "AAAAAAAAAAA=")
    by_sas.delete_device(made.device_id, made.etag)
    with refused(404):
        by_sas.get_device(made.device_id)


def test_a_new_device_of_an_old_id_is_another_generation(by_sas):
    first = new_device(by_sas)
    by_sas.delete_device(first.device_id)
    assert new_device(by_sas, first.device_id).generation_id != first.generation_id


def test_a_listing_has_every_device_or_as_many_as_asked_for(by_sas):
    ids = {new_device(by_sas).device_id for _ in range(5)}
    assert {device.device_id for device in by_sas.get_devices()} == ids
    assert len(by_sas.get_devices(2)) == 2


# Modules


def test_a_module_lives_and_dies_on_its_device(registry):
    device = new_device(registry)
    made = registry.create_module_with_sas(device.device_id, "meter", "tests", fresh_key(), fresh_key())
    assert (made.device_id, made.module_id, made.managed_by) == (device.device_id, "meter", "tests")
    keys = made.authentication.symmetric_key
    changed = registry.update_module_with_sas(
        device.device_id, "meter", "others", made.etag, keys.primary_key, keys.secondary_key
    )
    assert changed.managed_by == "others"
    assert [module.module_id for module in registry.get_modules(device.device_id)] == ["meter"]
    registry.delete_module(device.device_id, "meter")
    assert registry.get_modules(device.device_id) == []


def test_a_module_update_under_an_old_etag_is_refused(by_sas):
    device = new_device(by_sas)
    by_sas.create_module_with_sas(device.device_id, "meter", "tests", None, None)
    with refused(412):
        by_sas.update_module_with_sas(device.device_id, "meter", "x", "AAAAAAAAAAA=", fresh_key(), fresh_key())


def test_a_module_of_a_device_that_is_not_there_is_refused(by_sas):
    with refused(404) as refusal:
        by_sas.create_module_with_sas("nobody", "meter", "tests", None, None)
    assert refusal.headers["iothub-errorcode"] == "DeviceNotFound"


def test_a_second_module_of_the_same_id_is_refused(by_sas):
    device = new_device(by_sas)
    by_sas.create_module_with_sas(device.device_id, "meter", "", None, None)
    with refused(409):
        by_sas.create_module_with_sas(device.device_id, "meter", "", None, None)


def test_an_edge_device_brings_its_system_modules(by_sas):
    edge = by_sas.create_device_with_sas(unique("edge"), None, None, "enabled", iot_edge=True)
    assert {module.module_id for module in by_sas.get_modules(edge.device_id)} == {"$edgeAgent", "$edgeHub"}


# Twins


def test_a_new_device_has_an_empty_twin(registry):
    device = new_device(registry)
    twin = registry.get_twin(device.device_id)
    assert (twin.device_id, twin.status, twin.connection_state) == (device.device_id, "enabled", "Disconnected")
    assert (twin.authentication_type, twin.version, twin.tags) == ("sas", 2, None)
    assert (twin.properties.desired["$version"], twin.properties.reported["$version"]) == (1, 1)


def test_a_twin_update_merges_and_counts_versions(registry):
    device = new_device(registry)
    before = registry.get_twin(device.device_id)
    registry.update_twin(device.device_id, Twin(tags={"site": {"city": "Delft", "floor": 3}}), before.etag)
    after = registry.update_twin(
        device.device_id,
        Twin(tags={"site": {"floor": None}}, properties=TwinProperties(desired={"interval": 5, "led": {"on": True}})),
    )
    assert after.tags == {"site": {"city": "Delft"}}
    desired = after.properties.desired
    assert (desired["interval"], desired["led"], desired["$version"]) == (5, {"on": True}, 2)
    assert desired["$metadata"]["led"]["on"]["$lastUpdatedVersion"] == 2
    assert after.version == before.version + 2
    assert after.etag != before.etag


def test_a_twin_replacement_drops_what_it_does_not_name(by_sas):
    device = new_device(by_sas)
    by_sas.update_twin(device.device_id, Twin(tags={"a": 1}, properties=TwinProperties(desired={"x": 1, "y": 2})))
    replaced = by_sas.replace_twin(device.device_id, Twin(tags={"b": 2}, properties=TwinProperties(desired={"y": 3})))
    assert replaced.tags == {"b": 2}
    assert "x" not in replaced.properties.desired
    assert (replaced.properties.desired["y"], replaced.properties.desired["$version"]) == (3, 3)


def test_a_twin_update_under_an_old_etag_is_refused_and_changes_nothing(by_sas):
    device = new_device(by_sas)
    old = by_sas.get_twin(device.device_id)
    by_sas.update_twin(device.device_id, Twin(tags={"a": 1}), old.etag)
    with refused(412) as refusal:
        by_sas.update_twin(device.device_id, Twin(tags={"a": 2}), old.etag)
    assert refusal.headers["iothub-errorcode"] == "PreconditionFailed"
    assert by_sas.get_twin(device.device_id).tags == {"a": 1}


def test_the_twin_of_a_device_that_is_not_there_is_not_found(by_sas):
    with refused(404) as refusal:
        by_sas.get_twin("nobody")
    assert refusal.headers["iothub-errorcode"] == "DeviceNotFound"


@pytest.mark.parametrize("tags", [{"dotted.name": 1}, {"$dollar": 1}, {"blank name": 1}, {"text": "x" * 5000}])
def test_a_tag_that_breaks_the_limits_is_refused(by_sas, tags):
    device = new_device(by_sas)
    with refused(400):
        by_sas.update_twin(device.device_id, Twin(tags=tags))
    assert by_sas.get_twin(device.device_id).tags is None


def test_a_module_has_a_twin_of_its_own(registry):
    device = new_device(registry)
    registry.create_module_with_sas(device.device_id, "meter", "", None, None)
    registry.update_module_twin(device.device_id, "meter", Twin(properties=TwinProperties(desired={"range": 10})))
    twin = registry.get_module_twin(device.device_id, "meter")
    assert (twin.module_id, twin.properties.desired["range"]) == ("meter", 10)
    replaced = registry.replace_module_twin(
        device.device_id, "meter", Twin(tags={"unit": "mm"}, properties=TwinProperties(desired={"step": 1}))
    )
    assert (replaced.tags, "range" in replaced.properties.desired) == ({"unit": "mm"}, False)
    assert registry.get_twin(device.device_id).tags is None


# Queries


def test_a_query_finds_devices_by_tag_and_property(registry):
    for city, interval in (("Delft", 5), ("Delft", 60), ("Utrecht", 5)):
        device = new_device(registry)
        registry.update_twin(
            device.device_id,
            Twin(tags={"city": city}, properties=TwinProperties(desired={"interval": interval})),
        )
    found = query(registry, "SELECT * FROM devices WHERE tags.city = 'Delft' AND properties.desired.interval < 10")
    assert [(twin.tags["city"], twin.properties.desired["interval"]) for twin in found] == [("Delft", 5)]


def test_a_query_goes_on_where_its_page_ended(registry):
    ids = {new_device(registry).device_id for _ in range(7)}
    first = registry.query_iot_hub(QuerySpecification(query="SELECT * FROM devices"), None, 3)
    assert (len(first.items), first.type) == (3, "Twin")
    assert first.continuation_token
    found = query(registry, "SELECT * FROM devices", 3)
    assert sorted(twin.device_id for twin in found) == sorted(ids)


def rows(emulator, text):
    """The rows of a query as they are sent: the SDK makes a twin of each, and drops the columns that twins have not."""
    token = emulator.token("owner-app", "hub")
    answer = emulator.hub_request("POST", "/devices/query", f"Bearer {token}", json={"query": text})
    assert (answer.status_code, answer.headers["x-ms-item-type"]) == (200, "Raw"), answer.text
    return answer.json()


def test_a_query_answers_rows_where_it_selects_columns(emulator, by_sas):
    device = new_device(by_sas)
    text = f"SELECT deviceId, status AS state FROM devices WHERE deviceId = '{device.device_id}'"
    assert rows(emulator, text) == [{"deviceId": device.device_id, "state": "enabled"}]


def test_a_query_counts(emulator, by_sas):
    new_device(by_sas)
    new_device(by_sas, status="disabled")
    counted = rows(emulator, "SELECT status, COUNT() AS number FROM devices GROUP BY status")
    assert sorted((row["status"], row["number"]) for row in counted) == [("disabled", 1), ("enabled", 1)]


def test_a_query_finds_modules(by_sas):
    device = new_device(by_sas)
    by_sas.create_module_with_sas(device.device_id, "meter", "", None, None)
    found = query(by_sas, "SELECT * FROM devices.modules WHERE moduleId = 'meter'")
    assert [(twin.device_id, twin.module_id) for twin in found] == [(device.device_id, "meter")]


@pytest.mark.parametrize("text", ["SELECT FROM", "SELECT * FROM nowhere", "SELECT * FROM devices WHERE", ""])
def test_a_query_that_cannot_be_read_is_refused(by_sas, text):
    with refused(400):
        by_sas.query_iot_hub(QuerySpecification(query=text))


# Bulk


def imported(device_id, mode, **more):
    keys = AuthenticationMechanism(
        type="sas", symmetric_key=SymmetricKey(primary_key=fresh_key(), secondary_key=fresh_key())
    )
    return ExportImportDevice(id=device_id, import_mode=mode, status="enabled", authentication=keys, **more)


def test_a_bulk_request_creates_updates_and_deletes(registry):
    ids = [unique("bulk") for _ in range(3)]
    made = registry.bulk_create_or_update_devices([imported(device_id, "create") for device_id in ids])
    assert (made.is_successful, made.errors) == (True, [])
    changes = [imported(ids[0], "delete"), imported(ids[1], "update", status_reason="bulk")]
    assert registry.bulk_create_or_update_devices(changes).is_successful
    left = {device.device_id: device.status_reason for device in registry.get_devices()}
    assert left == {ids[1]: "bulk", ids[2]: None}


def test_a_bulk_request_tells_which_devices_it_could_not_take(registry):
    taken, free = new_device(registry).device_id, unique("bulk")
    result = registry.bulk_create_or_update_devices([imported(taken, "create"), imported(free, "create")])
    assert result.is_successful is False
    assert [(error.device_id, int(error.error_code)) for error in result.errors] == [(taken, 409001)]
    assert registry.get_device(free).device_id == free


# Configurations


def test_a_configuration_is_created_read_updated_and_deleted(emulator):
    configurations, configuration_id = emulator.configurations(), unique("configuration")
    made = configurations.create_configuration(
        Configuration(
            id=configuration_id,
            schema_version="1.0",
            labels={"stage": "test"},
            content=ConfigurationContent(device_content={"properties.desired.interval": 5}),
            target_condition="tags.city = 'Delft'",
            priority=10,
            metrics=ConfigurationMetrics(queries={"slow": "SELECT deviceId FROM devices WHERE status = 'enabled'"}),
        )
    )
    assert (made.id, made.priority, made.target_condition) == (configuration_id, 10, "tags.city = 'Delft'")
    assert made.content.device_content == {"properties.desired.interval": 5}
    made.priority = 20
    changed = configurations.update_configuration(made, made.etag)
    assert configurations.get_configuration(configuration_id).priority == 20
    with refused(412):
        configurations.delete_configuration(configuration_id, made.etag)
    assert [known.id for known in configurations.get_configurations()] == [configuration_id]
    configurations.delete_configuration(configuration_id, changed.etag)
    with refused(404) as refusal:
        configurations.get_configuration(configuration_id)
    assert refusal.headers["iothub-errorcode"] == "ConfigurationNotFound"


def test_a_configurations_queries_are_tried(emulator):
    answer = emulator.configurations().test_configuration_queries(
        ConfigurationQueriesTestInput(
            target_condition="tags.city = ", custom_metric_queries={"good": "SELECT deviceId FROM devices"}
        )
    )
    assert answer.target_condition_error
    assert not (answer.custom_metric_query_errors or {}).get("good")


def test_content_is_applied_to_one_edge_device(emulator, by_sas):
    edge = by_sas.create_device_with_sas(unique("edge"), None, None, "enabled", iot_edge=True)
    emulator.configurations().apply_configuration_on_edge_device(
        edge.device_id,
        ConfigurationContent(
            modules_content={
                "$edgeAgent": {"properties.desired": {"modules": {"meter": {"status": "running"}}}},
                "$edgeHub": {"properties.desired": {"routes": {}}},
                "meter": {"properties.desired": {"range": 10}},
            }
        ),
    )
    assert by_sas.get_module_twin(edge.device_id, "meter").properties.desired["range"] == 10


# Statistics and methods


def test_statistics_count_devices_by_status(registry):
    new_device(registry)
    new_device(registry, status="disabled")
    counted = registry.get_device_registry_statistics()
    assert (counted.total_device_count, counted.enabled_device_count, counted.disabled_device_count) == (2, 1, 1)
    assert registry.get_service_statistics().connected_device_count == 0


def test_a_method_of_a_device_that_is_not_connected_is_refused_as_offline(registry):
    device = new_device(registry)
    with refused(404) as refusal:
        registry.invoke_device_method(
            device.device_id,
            CloudToDeviceMethod(
                method_name="reboot", payload={"delay": 5}, response_timeout_in_seconds=5, connect_timeout_in_seconds=0
            ),
        )
    inner = json.loads(refusal.body["Message"])
    assert inner["errorCode"] == 404103
    assert refusal.headers["iothub-errorcode"] == "DeviceNotOnline"


def test_a_method_of_a_module_that_is_not_connected_is_refused_as_offline(by_sas):
    device = new_device(by_sas)
    by_sas.create_module_with_sas(device.device_id, "meter", "", None, None)
    with refused(404) as refusal:
        by_sas.invoke_device_module_method(
            device.device_id, "meter", CloudToDeviceMethod(method_name="zero", payload=None)
        )
    assert json.loads(refusal.body["Message"])["errorCode"] == 404103


def test_a_method_of_a_device_that_is_not_there_is_not_found(by_sas):
    with refused(404) as refusal:
        by_sas.invoke_device_method("nobody", CloudToDeviceMethod(method_name="reboot"))
    assert "404001" in refusal.text
