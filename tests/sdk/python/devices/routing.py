"""A hub's routing as tests write it: routes, endpoints and what is added to messages, through Resource Manager."""

from emulator import fresh_key, unique


def route(name, condition="true", to="events", source="DeviceMessages"):
    return {"name": name, "source": source, "condition": condition, "endpointNames": [to], "isEnabled": True}


def set_routing(emulator, routes, endpoints=None, enrichments=(), fallback=True):
    """Writes the hub's whole routing."""
    hub = emulator.hubs().get(emulator.group, emulator.hub["name"])
    hub.properties.routing = {
        "endpoints": endpoints or {},
        "routes": list(routes),
        "enrichments": list(enrichments),
        "fallbackRoute": {**route("$fallback"), "isEnabled": fallback},
    }
    emulator.hubs().begin_create_or_update(emulator.group, emulator.hub["name"], hub).result()


def storage_endpoint(azurite, container, name="archive", **options):
    return {
        "storageContainers": [
            {
                "name": name,
                "connectionString": azurite.connection_string,
                "containerName": container.container_name,
                "batchFrequencyInSeconds": 60,
                **options,
            }
        ]
    }


class Entity:
    """An event hub beside the built-in one, which exists because a hub routes to it."""

    def __init__(self, name="orders"):
        self.name, self._entity, self._key = name, unique("entity"), fresh_key()

    def connection_string(self, key=None, plain=False):
        text = (
            "Endpoint=sb://localhost/;SharedAccessKeyName=reader;"
            f"SharedAccessKey={key or self._key};EntityPath={self._entity}"
        )
        return f"{text};UseDevelopmentEmulator=true" if plain else text

    @property
    def endpoint(self):
        return {"eventHubs": [{"name": self.name, "connectionString": self.connection_string()}]}
