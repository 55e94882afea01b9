"""A certificate authority of the home's own, good for Azure's host names and no others."""

from __future__ import annotations

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["Authority"]

_PERMITTED = (
    "management.azure.com",
    "login.microsoftonline.com",
    "login.microsoft.com",
    "login.windows.net",
    "sts.windows.net",
    "blob.core.windows.net",
    "api.azureml.ms",
    "experiments.azureml.net",
    "modelmanagement.azureml.net",
    "aether.ms",
    "ml.azure.com",
    "prices.azure.com",
    "in.applicationinsights.azure.com",
    "livediagnostics.monitor.azure.com",
    "settings.sdk.monitor.azure.com",
    "services.visualstudio.com",
)
"""DNS subtrees of the name constraint: a stolen key cannot speak for any other site."""

_CA_DAYS = 3650
_LEAF_DAYS = 397  # what clients accept at most of a leaf
_RENEW_BEFORE = timedelta(days=60)


class Authority:
    """The authority kept in a folder (0700, files 0600): created on first use, renewed before it expires."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._key, self._certificate = self._load() or self._create()
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        self.bundle = folder / "bundle.pem"
        """PEM file of the public authorities plus this one, for clients."""
        self._write_bundle()

    def context(self, host: str) -> ssl.SSLContext:
        """A server context with a certificate for `host`, minted at first use."""
        name = host.lower()
        if name not in self._contexts:
            self._contexts[name] = self._mint(name)
        return self._contexts[name]

    def _load(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None:
        try:
            key = serialization.load_pem_private_key((self._folder / "ca.key").read_bytes(), None)
            certificate = x509.load_pem_x509_certificate((self._folder / "ca.pem").read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            return None
        if certificate.not_valid_after_utc - _RENEW_BEFORE < datetime.now(UTC) or not _covers(certificate):
            return None
        return key, certificate

    def _create(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "phift"),
                x509.NameAttribute(NameOID.COMMON_NAME, f"phift embedded Azure ML ({os.urandom(4).hex()})"),
            ]
        )
        certificate = (
            _builder(name, name, key.public_key(), _CA_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.NameConstraints(
                    permitted_subtrees=[x509.DNSName(each) for each in _PERMITTED], excluded_subtrees=None
                ),
                critical=True,
            )
            .sign(key, hashes.SHA256())
        )
        _write(self._folder / "ca.key", _pem(key))
        _write(self._folder / "ca.pem", certificate.public_bytes(serialization.Encoding.PEM))
        return key, certificate

    def _mint(self, host: str) -> ssl.SSLContext:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
        public = self._leaf_key.public_key()
        certificate = (
            _builder(subject, self._certificate.subject, public, _LEAF_DAYS)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        path = self._folder / "leaf.pem"  # load_cert_chain reads files only
        _write(path, _pem(self._leaf_key) + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        path.unlink()
        context.set_alpn_protocols(["http/1.1"])
        return context

    def _write_bundle(self) -> None:
        """The user's own bundle, where one is set, stays in force: company proxies need it."""
        public = Path(certifi.where())
        for variable in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
            named = Path(os.environ.get(variable, "") or "/nonexistent")
            if (
                named.is_file()
                and "phift embedded Azure ML" not in (text := named.read_text(errors="replace"))
                and text
            ):
                public = named
                break
        header = f"# {self._certificate.subject.rfc4514_string()}: phift embedded Azure ML\n".encode()
        own = self._certificate.public_bytes(serialization.Encoding.PEM)
        _write(self.bundle, public.read_bytes() + b"\n" + header + own)


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
    )


def _covers(certificate: x509.Certificate) -> bool:
    """Whether an authority may speak for all hosts: that of an earlier release may not know all of them."""
    constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    return {each.value for each in constraints.permitted_subtrees or ()} >= set(_PERMITTED)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
    temporary.replace(path)
