"""When a certificate expires: the one fact that explains the 401 of a server that gives no reason."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import Final

_VERSION: Final = 0xA0
_UTC_TIME: Final = 0x17
_FORMATS: Final = {_UTC_TIME: "%y%m%d%H%M%SZ", 0x18: "%Y%m%d%H%M%SZ"}


def expires_at(pem: str) -> datetime | None:
    """Return `notAfter` of the first certificate of a PEM text, or None when it cannot be told.

    Reads DER as far as RFC 5280, 4.1 has it fixed: Certificate, TBSCertificate, then version, serialNumber, signature
    and issuer are skipped, and validity holds the two times.
    """
    end = pem.find("-----END CERTIFICATE-----")
    try:
        der = ssl.PEM_cert_to_DER_cert(pem[: end + len("-----END CERTIFICATE-----")].strip())
        return _not_after(der)
    except (ValueError, IndexError, KeyError):
        return None


def _not_after(der: bytes) -> datetime:
    _, certificate, _ = _element(der, 0)
    _, at, _ = _element(der, certificate)
    tag, _, end = _element(der, at)
    if tag == _VERSION:
        at = end
    for _ in ("serialNumber", "signature", "issuer"):
        _, _, at = _element(der, at)
    _, not_before, _ = _element(der, at)
    _, _, at = _element(der, not_before)
    tag, start, end = _element(der, at)
    return datetime.strptime(der[start:end].decode("ascii"), _FORMATS[tag]).replace(tzinfo=UTC)


def _element(der: bytes, at: int) -> tuple[int, int, int]:
    """Return the tag of the element at `at`, and where its content begins and ends."""
    length, start = der[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(der[start : start + size], "big"), start + size
    return der[at], start, start + length
