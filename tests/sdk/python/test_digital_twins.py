"""azure-digitaltwins-core against an instance: models, twins, and who may touch them."""

import asyncio
import json
import uuid

import pytest
import requests
from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.digitaltwins.core import DigitalTwinsClient
from azure.digitaltwins.core.aio import DigitalTwinsClient as AsyncDigitalTwinsClient
from azure.identity.aio import ClientSecretCredential as AsyncClientSecretCredential

from emulator import Bearer, fresh_key, sas, unique
from refusals import refused

TWINS = "Microsoft.DigitalTwins/digitalTwinsInstances"
API = "2023-10-31"


@pytest.fixture
def client(emulator):
    return emulator.twins("owner-app")


def model_id(version=1):
    return f"dtmi:com:contoso:M{uuid.uuid4().hex[:12]};{version}"


def room(named=None, **more):
    return {
        "@context": "dtmi:dtdl:context;2",
        "@id": named or model_id(),
        "@type": "Interface",
        "displayName": "Room",
        "contents": [
            {"@type": "Property", "name": "temperature", "schema": "double"},
            {"@type": "Property", "name": "label", "schema": "string"},
            {"@type": "Telemetry", "name": "noise", "schema": "double"},
        ],
        **more,
    }


def twin_of(model, **properties):
    return {"$metadata": {"$model": model}, **properties}


@pytest.fixture
def room_model(client):
    return client.create_models([room()])[0].id


@pytest.fixture
def made(client, room_model):
    """A twin of the room model."""
    return client.upsert_digital_twin(unique("room"), twin_of(room_model, temperature=20.5))


# Models


def test_models_are_uploaded_and_read_with_their_definition(client):
    first, second = room(), room()
    created = client.create_models([first, second])
    assert [model.id for model in created] == [first["@id"], second["@id"]]
    found = client.get_model(first["@id"], include_model_definition=True)
    assert (found.id, found.model, found.decommissioned) == (first["@id"], first, False)
    assert found.upload_time is not None
    assert found.display_name == {"en": "Room"}


def test_a_listing_has_every_model_page_by_page(client):
    ids = {client.create_models([room()])[0].id for _ in range(5)}
    # Not `results_per_page`: the SDK hands that on under a name that its own transport does not know.
    pages = [list(page) for page in client.list_models(headers={"max-items-per-page": "2"}).by_page()]
    assert len(pages[0]) == 2
    assert sorted(model.id for page in pages for model in page) == sorted(ids)


def test_a_listing_follows_dependencies(client):
    base = room()
    derived = {**room(), "extends": base["@id"], "contents": []}
    client.create_models([base, derived])
    client.create_models([room()])
    assert {model.id for model in client.list_models(dependencies_for=[derived["@id"]])} == {base["@id"], derived["@id"]}


def test_a_model_that_is_there_is_refused_and_nothing_of_the_upload_is_kept(client, room_model):
    fresh = room()
    with pytest.raises(ResourceExistsError) as caught:
        client.create_models([fresh, room(room_model)])
    assert caught.value.error.code == "ModelIdAlreadyExists"
    with pytest.raises(ResourceNotFoundError):
        client.get_model(fresh["@id"])


@pytest.mark.parametrize(
    "broken",
    [
        {"@type": "Interface", "@context": "dtmi:dtdl:context;2"},
        {"@id": "not a dtmi", "@type": "Interface", "@context": "dtmi:dtdl:context;2"},
        {"@id": "dtmi:com:contoso:Room;1", "@type": "Interface"},
        {"@id": "dtmi:com:contoso:Room;1", "@type": "Thing", "@context": "dtmi:dtdl:context;2"},
    ],
    ids=["no id", "bad id", "no context", "other type"],
)
def test_a_model_that_is_none_is_refused(client, broken):
    with refused(400):
        client.create_models([broken])
    assert list(client.list_models()) == []


def test_a_model_that_extends_one_that_is_not_there_is_refused(client):
    with refused(400):
        client.create_models([room(extends="dtmi:com:contoso:Nothing;1")])


def test_a_decommissioned_model_takes_no_new_twins_and_keeps_its_old_ones(client, room_model, made):
    client.decommission_model(room_model)
    assert client.get_model(room_model).decommissioned is True
    with pytest.raises(HttpResponseError) as caught:
        client.upsert_digital_twin(unique("room"), twin_of(room_model))
    assert (caught.value.status_code, caught.value.error.code) == (400, "ModelDecommissioned")
    assert client.get_digital_twin(made["$dtId"])["temperature"] == 20.5


def test_a_deleted_model_is_gone_and_one_that_others_need_stays(client):
    base = room()
    derived = {**room(), "extends": base["@id"], "contents": []}
    client.create_models([base, derived])
    with pytest.raises(ResourceExistsError) as caught:
        client.delete_model(base["@id"])
    assert caught.value.error.code == "ModelReferencesNotDeleted"
    client.delete_model(derived["@id"])
    client.delete_model(base["@id"])
    with pytest.raises(ResourceNotFoundError) as caught:
        client.get_model(base["@id"])
    assert caught.value.error.code == "ModelNotFound"


# Twins


def test_a_twin_is_put_and_read_with_its_metadata(client, room_model):
    name = unique("room")
    made = client.upsert_digital_twin(name, twin_of(room_model, temperature=21.5, label="kitchen"))
    assert (made["$dtId"], made["temperature"], made["label"]) == (name, 21.5, "kitchen")
    assert made["$metadata"]["$model"] == room_model
    assert made["$metadata"]["temperature"]["lastUpdateTime"]
    assert made["$etag"].startswith('W/"')
    assert client.get_digital_twin(name) == made


def test_a_put_over_a_twin_replaces_it_unless_none_was_to_be_there(client, room_model, made):
    name = made["$dtId"]
    again = client.upsert_digital_twin(name, twin_of(room_model, label="hall"))
    assert ("temperature" in again, again["label"]) == (False, "hall")
    with pytest.raises(HttpResponseError) as caught:
        client.upsert_digital_twin(name, twin_of(room_model), match_condition=MatchConditions.IfMissing)
    assert (caught.value.status_code, caught.value.error.code) == (412, "PreconditionFailed")
    assert client.get_digital_twin(name)["label"] == "hall"


def test_a_patch_adds_replaces_and_removes(client, made):
    name = made["$dtId"]
    client.update_digital_twin(
        name,
        [
            {"op": "replace", "path": "/temperature", "value": 19.0},
            {"op": "add", "path": "/label", "value": "cellar"},
        ],
    )
    after = client.get_digital_twin(name)
    assert (after["temperature"], after["label"]) == (19.0, "cellar")
    assert after["$etag"] != made["$etag"]
    client.update_digital_twin(name, [{"op": "remove", "path": "/label"}])
    assert "label" not in client.get_digital_twin(name)


def test_a_patch_under_an_old_etag_is_refused_and_changes_nothing(client, made):
    name, change = made["$dtId"], [{"op": "replace", "path": "/temperature", "value": 1.0}]
    client.update_digital_twin(name, change, etag=made["$etag"], match_condition=MatchConditions.IfNotModified)
    with pytest.raises(ResourceModifiedError):
        client.update_digital_twin(
            name,
            [{"op": "replace", "path": "/temperature", "value": 2.0}],
            etag=made["$etag"],
            match_condition=MatchConditions.IfNotModified,
        )
    assert client.get_digital_twin(name)["temperature"] == 1.0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ([{"op": "replace", "path": "/temperature", "value": "warm"}], "ValidationFailed"),
        ([{"op": "add", "path": "/humidity", "value": 1}], "ValidationFailed"),
        ([{"op": "remove", "path": "/label"}], "JsonPatchInvalid"),
    ],
    ids=["wrong type", "unknown property", "no value"],
)
def test_a_patch_that_does_not_fit_is_refused_and_changes_nothing(client, made, change, code):
    with pytest.raises(HttpResponseError) as caught:
        client.update_digital_twin(made["$dtId"], change)
    assert (caught.value.status_code, caught.value.error.code) == (400, code)
    assert client.get_digital_twin(made["$dtId"]) == made


@pytest.mark.parametrize("properties", [{"temperature": "warm"}, {"humidity": 1}], ids=["wrong type", "unknown"])
def test_a_twin_that_does_not_fit_its_model_is_refused(client, room_model, properties):
    name = unique("room")
    with pytest.raises(HttpResponseError) as caught:
        client.upsert_digital_twin(name, twin_of(room_model, **properties))
    assert (caught.value.status_code, caught.value.error.code) == (400, "ValidationFailed")
    with pytest.raises(ResourceNotFoundError):
        client.get_digital_twin(name)


def test_a_twin_of_a_model_that_is_not_there_is_refused(client):
    with refused(400):
        client.upsert_digital_twin(unique("room"), twin_of("dtmi:com:contoso:Nothing;1"))


def test_a_deleted_twin_is_gone(client, made):
    client.delete_digital_twin(made["$dtId"])
    with pytest.raises(ResourceNotFoundError) as caught:
        client.get_digital_twin(made["$dtId"])
    assert caught.value.error.code == "DigitalTwinNotFound"


def test_a_deletion_under_an_old_etag_is_refused(client, made):
    client.update_digital_twin(made["$dtId"], [{"op": "replace", "path": "/temperature", "value": 1.0}])
    with pytest.raises(ResourceModifiedError):
        client.delete_digital_twin(made["$dtId"], etag=made["$etag"], match_condition=MatchConditions.IfNotModified)
    assert client.get_digital_twin(made["$dtId"])


def test_the_async_client_does_the_same(emulator):
    app = emulator.principal("owner-app")

    async def round_trip(name):
        credential = AsyncClientSecretCredential(
            emulator.tenant_id, app["client_id"], app["client_secret"], authority=emulator.authority
        )
        async with credential, AsyncDigitalTwinsClient(emulator.twins_instance["endpoint"], credential) as client:
            models = await client.create_models([room()])
            made = await client.upsert_digital_twin(name, twin_of(models[0].id, temperature=20.5))
            await client.update_digital_twin(name, [{"op": "replace", "path": "/temperature", "value": 21.0}])
            found = await client.get_digital_twin(name)
            listed = [model.id async for model in client.list_models()]
            await client.delete_digital_twin(name)
            return models[0].id, made, found, listed

    model, made, found, listed = asyncio.run(round_trip(unique("room")))
    assert (made["temperature"], found["temperature"], listed) == (20.5, 21.0, [model])


# Who may


def test_a_reader_reads_and_does_not_write(emulator, room_model, made):
    reader = emulator.twins("reader-app")
    assert reader.get_digital_twin(made["$dtId"])["temperature"] == 20.5
    assert reader.get_model(room_model).id == room_model
    for attempt in (
        lambda: reader.delete_digital_twin(made["$dtId"]),
        lambda: reader.create_models([room()]),
        lambda: reader.update_digital_twin(made["$dtId"], [{"op": "remove", "path": "/temperature"}]),
    ):
        with refused(403):
            attempt()
    assert reader.get_digital_twin(made["$dtId"]) == made


@pytest.mark.parametrize("principal", ["no-roles-app", "subscription-owner"])
def test_nobody_without_a_data_role_is_let_in(emulator, made, principal):
    client = emulator.twins(principal)
    for attempt in (lambda: client.get_digital_twin(made["$dtId"]), lambda: list(client.list_models())):
        with refused(403):
            attempt()


def test_a_role_takes_effect_when_it_is_assigned_and_ends_when_it_is_taken(emulator, made):
    client = emulator.twins("no-roles-app")
    scope = emulator.scope(TWINS, "contoso-twins")
    assignment = emulator.assign("Azure Digital Twins Data Reader", "no-roles-app", scope)
    assert client.get_digital_twin(made["$dtId"]) == made
    emulator.authorization().role_assignments.delete_by_id(assignment.id)
    with refused(403):
        client.get_digital_twin(made["$dtId"])


def with_token(emulator, token):
    return DigitalTwinsClient(emulator.twins_instance["endpoint"], Bearer(token))


@pytest.mark.parametrize(
    "flaw", ["expired", "not-yet-valid", "wrong-audience", "wrong-issuer", "bad-signature", "unsigned", "unknown-key"]
)
def test_a_token_with_a_flaw_is_refused(emulator, made, flaw):
    with refused(401):
        with_token(emulator, emulator.token("owner-app", "twins", flaw)).get_digital_twin(made["$dtId"])


@pytest.mark.parametrize("audience", ["dps", "arm"])
def test_a_token_for_another_service_is_refused(emulator, made, audience):
    with refused(401):
        with_token(emulator, emulator.token("owner-app", audience)).get_digital_twin(made["$dtId"])


def test_a_token_for_the_services_application_id_is_taken(emulator, made):
    token = emulator.token("owner-app", "0b07f429-9f4b-4714-9392-cc5e8e80c8b0")
    assert with_token(emulator, token).get_digital_twin(made["$dtId"]) == made


def test_a_shared_access_signature_is_refused(emulator):
    key = emulator.hubs().get_keys_for_key_name(emulator.group, "contoso-hub", "iothubowner").primary_key
    host = emulator.twins_instance["endpoint"].removeprefix("https://")
    for token in (sas(host, key, "iothubowner"), sas(host, fresh_key(), "owner")):
        answer = requests.get(
            f"{emulator.twins_instance['endpoint']}/models",
            params={"api-version": API},
            headers={"Authorization": token},
        )
        assert answer.status_code == 401


def test_the_refusal_is_explained_with_the_role_that_would_do(emulator, made):
    with refused(403):
        emulator.twins("no-roles-app").get_digital_twin(made["$dtId"])
    text = json.dumps(emulator.last_decision())
    assert "Microsoft.DigitalTwins/digitaltwins/read" in text
    assert "Azure Digital Twins Data Reader" in text
