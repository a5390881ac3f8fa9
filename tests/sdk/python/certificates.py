"""Certificates as tests make them: devices' own, authorities and what they issue, and proofs of possession."""

import base64
import datetime

from azure.iot.device import X509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from emulator import unique

_DAY = datetime.timedelta(days=1)


class Certificate:
    """A certificate and its key, as PEM files; self-signed, or issued by another one.

    A device shows its own certificate and the intermediate ones, not the root: that one the hub has.
    """

    def __init__(self, folder, name, issuer=None, authority=False, begins=-_DAY, ends=_DAY, host_names=()):
        self.name, self.key, self.issuer = name, ec.generate_private_key(ec.SECP256R1()), issuer
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + ends)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        key_id = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
        builder = builder.add_extension(key_id, critical=False)
        if issuer:
            known = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
            issued_by = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known)
            builder = builder.add_extension(issued_by, critical=False)
        if host_names:
            names = x509.SubjectAlternativeName([x509.DNSName(host) for host in host_names])
            builder = builder.add_extension(names, critical=False)
        self.certificate = builder.sign(issuer.key if issuer else self.key, hashes.SHA256())
        self.certificate_file, self.key_file = folder / f"{unique('leaf')}.pem", folder / f"{unique('leaf')}.key"
        self.certificate_file.write_bytes(b"".join(each.pem for each in self._shown()))
        self.key_file.write_bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    def _shown(self):
        yield self
        issuer = self.issuer
        while issuer and issuer.issuer:
            yield issuer
            issuer = issuer.issuer

    @property
    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def base64(self):
        """As Resource Manager takes it."""
        return base64.b64encode(self.pem).decode()

    @property
    def thumbprint(self):
        return self.certificate.fingerprint(hashes.SHA1()).hex().upper()

    @property
    def sdk(self):
        return X509(str(self.certificate_file), str(self.key_file))


class House:
    """The emulator's own authority, which every client of a run believes already."""

    issuer = None

    def __init__(self, emulator):
        authority = emulator.ready["ca_certificate"]
        with open(authority, "rb") as file:
            self.certificate = x509.load_pem_x509_certificate(file.read())
        with open(authority.replace("ca.pem", "ca.key"), "rb") as file:
            self.key = serialization.load_pem_private_key(file.read(), password=None)


def registered(emulator, root, proof_of=None):
    """Registers `root` with the hub; with `proof_of` (a function of the verification code) proves that it is ours.

    Answers the authority as the hub shows it then.
    """
    authorities, hub, name = emulator.authorities(), emulator.hub["name"], unique("root")
    body = {"properties": {"certificate": root.base64}}
    made = authorities.create_or_update(emulator.group, hub, name, body)
    if proof_of is None:
        return made
    asked = authorities.generate_verification_code(emulator.group, hub, name, made.etag)
    proof = {"certificate": proof_of(asked.properties.verification_code).base64}
    return authorities.verify(emulator.group, hub, name, asked.etag, proof)
