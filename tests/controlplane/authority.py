"""The certificates, keys and tokens of one control plane, all made at its start and known to nobody else."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import json
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SERVICE_ACCOUNT_ISSUER = "https://kubernetes.default.svc.cluster.local"
SERVER_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
SERVER_ADDRESSES = ("127.0.0.1", "10.96.0.1")


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Authority:
    """The certificate authority that the API server trusts, and the key that signs service account tokens."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    token_key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def certificate_pem(self) -> bytes:
        """The CA certificate, PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def make_authority() -> Authority:
    """Returns a new authority with fresh keys; nothing is written."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("gitops-push test authority", ())
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(name, name, key.public_key(), dt.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key, ec.generate_private_key(ec.SECP256R1()))


def issue_server(authority: Authority) -> KeyPair:
    """Returns a certificate for every server of the control plane: they all listen on loopback."""
    addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in SERVER_ADDRESSES]
    names = x509.SubjectAlternativeName([*(x509.DNSName(name) for name in SERVER_NAMES), *addresses])
    return _issue(authority, _name("kube-apiserver", ()), ExtendedKeyUsageOID.SERVER_AUTH, names)


def issue_client(
    authority: Authority, user: str, groups: tuple[str, ...] = (), valid_for: dt.timedelta | None = None
) -> KeyPair:
    """Returns a client certificate: the API server reads the user from CN and the groups from O.

    `valid_for` is counted from now and may be negative for a certificate that has expired; 30 days when None.
    """
    return _issue(authority, _name(user, groups), ExtendedKeyUsageOID.CLIENT_AUTH, None, valid_for)


def sign_token(authority: Authority, namespace: str, service_account: str, valid_for: dt.timedelta) -> str:
    """Returns a service account token (a JWT, ES256) that the API server would issue, also one of the past."""
    now = dt.datetime.now(dt.UTC)
    claims = {
        "iss": SERVICE_ACCOUNT_ISSUER,
        "aud": [SERVICE_ACCOUNT_ISSUER],
        "sub": f"system:serviceaccount:{namespace}:{service_account}",
        "iat": int((now + min(valid_for, -valid_for)).timestamp()) - 60,
        "exp": int((now + valid_for).timestamp()),
        "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": service_account}},
    }
    signed = f"{_segment({'alg': 'ES256', 'typ': 'JWT'})}.{_segment(claims)}"
    r, s = decode_dss_signature(authority.token_key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{_base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Returns the private key, PEM, unencrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Returns the public key of `key`, PEM."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _issue(
    authority: Authority,
    subject: x509.Name,
    usage: x509.ObjectIdentifier,
    names: x509.SubjectAlternativeName | None,
    valid_for: dt.timedelta | None = None,
) -> KeyPair:
    key = ec.generate_private_key(ec.SECP256R1())
    lifetime = dt.timedelta(days=30) if valid_for is None else valid_for
    builder = _builder(subject, authority.certificate.subject, key.public_key(), lifetime)
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False
    )
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    certificate = builder.sign(authority.key, hashes.SHA256())
    return KeyPair(certificate.public_bytes(serialization.Encoding.PEM), private_pem(key))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, lifetime: dt.timedelta
) -> x509.CertificateBuilder:
    end = dt.datetime.now(dt.UTC) + lifetime
    start = min(end, dt.datetime.now(dt.UTC)) - dt.timedelta(hours=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )


def _name(common_name: str, organizations: tuple[str, ...]) -> x509.Name:
    groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in organizations]
    return x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _segment(value: object) -> str:
    return _base64url(json.dumps(value, separators=(",", ":")).encode())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
