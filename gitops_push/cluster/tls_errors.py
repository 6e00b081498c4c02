"""What a failed TLS handshake means, in words that say what to do."""

from __future__ import annotations

import ssl
from typing import Final

from gitops_push.core.codes import Code
from gitops_push.core.credential import Credential
from gitops_push.core.errors import ClusterError, CredentialError, GitopsPushError, Problem
from gitops_push.core.untrusted import clean_line

_EXPIRED, _NOT_YET_VALID = 10, 9
_UNTRUSTED: Final = frozenset({2, 18, 19, 20, 21})
_WRONG_NAME: Final = frozenset({62, 64})
"""OpenSSL's X509_V_ERR codes."""

_CLIENT_REFUSED: Final = (
    "CERTIFICATE_REQUIRED",
    "ALERT_BAD_CERTIFICATE",
    "ALERT_CERTIFICATE_EXPIRED",
    "ALERT_CERTIFICATE_REVOKED",
    "ALERT_CERTIFICATE_UNKNOWN",
    "ALERT_UNSUPPORTED_CERTIFICATE",
    "ALERT_UNKNOWN_CA",
    "ALERT_DECRYPT_ERROR",
)
_PASSING: Final = ("ALERT_DECODE_ERROR", "ALERT_INTERNAL_ERROR")
_NOT_TLS: Final = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE")


def may_pass(error: ssl.SSLError) -> bool:
    """Return whether a new connection may do better: alerts of a server, or of what stands before it, in trouble."""
    return any(text in (error.reason or "") for text in _PASSING)


def tls_error(credential: Credential, error: ssl.SSLError) -> GitopsPushError:
    """Return the error for a TLS failure between us and the server of `credential`."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _server_certificate(credential, error)
    reason = error.reason or ""
    if any(text in reason for text in _CLIENT_REFUSED):
        what = "client certificate" if credential.client_certificate else "connection without a client certificate"
        message = f"{credential.server} refuses the {what} of {credential.found_in} ({_words(reason)})"
        hint = "it has expired, or comes from another cluster's CA: renew the kubeconfig"
        return CredentialError(Problem(Code.CREDENTIAL_REJECTED, message, hint=hint))
    if any(text in reason for text in _NOT_TLS):
        message = f"{credential.server} does not speak TLS"
        return ClusterError(Problem(Code.SERVER_NOT_KUBERNETES, message, hint="check the port of the server's URL"))
    message = f"no secure connection to {credential.server}: {_words(reason or str(error))}"
    return ClusterError(Problem(Code.SERVER_UNREACHABLE, message))


def _server_certificate(credential: Credential, error: ssl.SSLCertVerificationError) -> ClusterError:
    code = error.verify_code
    if code == _EXPIRED:
        what, hint = "has expired", "renew it on the server; if it was renewed, check this machine's clock"
    elif code == _NOT_YET_VALID:
        what, hint = "is not valid yet", "check this machine's clock"
    elif code in _WRONG_NAME:
        what = f"is for another name ({_words(error.verify_message)})"
        hint = "use a name of the certificate in the kubeconfig's server, or set tls-server-name"
    elif code in _UNTRUSTED:
        what = f"is not signed by the CA of {credential.found_in} ({_words(error.verify_message)})"
        hint = "the kubeconfig is of another cluster, its CA has changed, or something on the way replaces certificates"
    else:
        what, hint = f"is not accepted ({_words(error.verify_message)})", "check certificate-authority-data"
    return ClusterError(Problem(Code.SERVER_UNREACHABLE, f"the certificate of {credential.server} {what}", hint=hint))


def _words(text: str) -> str:
    return clean_line(text[:200]).replace("_", " ").lower()
