"""A blob service of the tests' own: Azurite, in memory, on a free port, with TLS as the emulator's authority signed it.

TLS, since devices put https:// before the host that they are told.
"""

import subprocess
from contextlib import contextmanager
from pathlib import Path

from azure.storage.blob import BlobServiceClient

from certificates import Certificate, House
from emulator import unique

ACCOUNT = "devstoreaccount1"
# Azurite's own, and public.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_MAIN = Path(__file__).parent.parent / "node" / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"


class Azurite:
    """A running Azurite: the account's address, and the connection string that hubs and clients are given."""

    def __init__(self, port):
        self.service = f"https://localhost:{port}/{ACCOUNT}"
        parts = {
            "DefaultEndpointsProtocol": "https",
            "AccountName": ACCOUNT,
            "AccountKey": KEY,
            "BlobEndpoint": self.service,
        }
        self.connection_string = ";".join(f"{name}={value}" for name, value in parts.items())

    @property
    def client(self):
        return BlobServiceClient.from_connection_string(self.connection_string)

    def container(self):
        """A new container's client."""
        return self.client.create_container(unique("c"))


@contextmanager
def running_azurite(emulator, folder):
    certificate = Certificate(folder, "localhost", issuer=House(emulator), host_names=["localhost"])
    command = ["node", str(_MAIN), "--blobPort", "0", "--inMemoryPersistence", "--skipApiVersionCheck"]
    command += ["--cert", str(certificate.certificate_file), "--key", str(certificate.key_file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder)
    try:
        said = ""
        while "successfully listens on" not in said:
            line = process.stdout.readline()
            assert line, f"Azurite did not start: {said}"
            said += line
        yield Azurite(said.rsplit(":", 1)[1].strip())
    finally:
        process.terminate()
        process.communicate()
