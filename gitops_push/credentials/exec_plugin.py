"""Credential plugins of a kubeconfig (`exec`), as EKS, GKE and AKS use them: run only where they are allowed by name.

Protocol: Kubernetes documentation, "client-go credential plugins" (client.authentication.k8s.io/v1 and v1beta1). A
kubeconfig is text that we did not write: so the program must be allowed by whoever deploys, is looked for outside of
the checkout, and gets nothing of our environment but what clouds need to know who we are.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from pathlib import Path, PurePath
from typing import Any, Final

from gitops_push.core.codes import Code
from gitops_push.core.credential import ClientCertificate
from gitops_push.core.errors import CredentialError, DocumentError
from gitops_push.core.secret_text import SecretText
from gitops_push.core.untrusted import clean_line
from gitops_push.credentials.kubeconfig_entry import Entry
from gitops_push.credentials.pem import certificates_in, private_key_in
from gitops_push.documents.reader import Dialect, read_one
from gitops_push.system.process import Completed, ProcessError, find_program, run

_VERSIONS: Final = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_FIELDS: Final = (
    "command",
    "args",
    "env",
    "apiVersion",
    "installHint",
    "provideClusterInfo",
    "interactiveMode",
)
_TIMEOUT_SECONDS: Final = 30.0
_OUTPUT_BYTES: Final = 1 << 20
_EARLY: Final = timedelta(seconds=30)
"""A token that expires this soon is not used any more."""

_PASSED_ON: Final = re.compile(
    r"HOME|USER|LOGNAME|LANG|TZ|SSL_CERT_FILE|SSL_CERT_DIR|(?:HTTPS?|ALL|NO)_PROXY|(?:https?|all|no)_proxy"
    r"|(?:AWS|GOOGLE|CLOUDSDK|GCP|AZURE|AAD|MSI|IDENTITY|ACTIONS_ID_TOKEN_REQUEST)_[A-Z0-9_]+"
)
"""What plugins of the three big clouds read to find out who we are, and how to get out."""

_SECRET: Final = re.compile(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL|PROXY", re.IGNORECASE)
"""What variables and options are called whose value is a secret, like --oidc-client-secret."""

_STEERS: Final = re.compile(r"(?:LD|DYLD|PYTHON|NODE|PERL5?|RUBY|BASH|GIT|JAVA)_?.*|PATH|IFS|ENV|SHELLOPTS|HOME|CDPATH")
"""Variables by which whoever writes a kubeconfig could make an allowed program run something else."""


@dataclass(frozen=True, slots=True)
class PluginRules:
    """Which plugins may run, and what they get.

    `allowed` are names on the PATH or absolute paths. `environ` are our own variables, of which a few are passed on;
    programs below `checkout_root` never run.
    """

    allowed: frozenset[str] = frozenset()
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    checkout_root: Path | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def path(self) -> str:
        """Return the PATH without folders that are not absolute or lie in the checkout."""
        folders = self.environ.get("PATH", "").split(os.pathsep)
        return os.pathsep.join(folder for folder in folders if self._is_outside(folder))

    def _is_outside(self, folder: str) -> bool:
        if not folder.startswith("/"):
            return False
        root = self.checkout_root
        return root is None or not Path(folder).resolve().is_relative_to(root.resolve())


NO_PLUGINS: Final = PluginRules()


@dataclass(frozen=True, slots=True)
class Issued:
    """What a plugin gave: a token, a client certificate, or both. `expires_at` None: it holds as long as we run."""

    token: SecretText | None = field(default=None, repr=False)
    certificate: ClientCertificate | None = field(default=None, repr=False)
    expires_at: datetime | None = None


class ExecPlugin:
    """One plugin, run at most once for each credential that it gives. Used by many threads."""

    def __init__(self, entry: Entry, rules: PluginRules) -> None:
        self._entry = entry
        self._rules = rules
        self._lock = threading.Lock()
        self._program = _allowed_program(entry, rules)
        self._spec = _spec(entry)
        self._issued = self._run()

    @property
    def issued(self) -> Issued:
        """Return what the plugin gave last."""
        return self._issued

    def token(self, refresh: bool) -> SecretText:
        """Return the token; the plugin runs again where it has (nearly) expired, or to `refresh` a rejected one."""
        with self._lock:
            if refresh or _is_over(self._issued, self._rules.now()):
                self._issued = self._run()
            return self._issued.token or SecretText("")

    def _run(self) -> Issued:
        spec, name = self._spec, PurePath(self._program).name
        environment = _environment(self._entry, spec, self._rules)
        try:
            done = run(
                [self._program, *spec.get("args", ())],
                cwd=PurePath("/"),
                environment=environment,
                timeout_seconds=_TIMEOUT_SECONDS,
                output_limit_bytes=_OUTPUT_BYTES,
            )
        except ProcessError as error:
            raise _failed(self._entry, f"the plugin {name} did not run: {error.reason}", spec) from None
        if done.returncode:
            said = _last_words(done, {*_secret_values(environment), *_secret_arguments(spec.get("args", ()))})
            raise _failed(self._entry, f"the plugin {name} failed with exit code {done.returncode}{said}", spec)
        return _issued(self._entry, done.stdout, spec, name)


def _exec_of(entry: Entry) -> Mapping[str, Any]:
    spec = entry.fields.get("exec")
    if not isinstance(spec, Mapping):
        raise entry.invalid("exec must be a mapping")
    command = spec.get("command")
    if not isinstance(command, str) or not command:
        raise entry.invalid("exec has no command")
    return spec


def _spec(entry: Entry) -> Mapping[str, Any]:
    """Return the checked `exec` of a user."""
    spec = _exec_of(entry)
    unknown = sorted(str(key) for key in spec if key not in _FIELDS)
    if unknown:
        raise entry.invalid(f"exec has unknown fields: {', '.join(unknown):.200}")
    arguments = spec.get("args") or []
    if not isinstance(arguments, list) or not all(isinstance(item, str) and "\0" not in item for item in arguments):
        raise entry.invalid("exec.args must be a list of texts")
    if spec.get("apiVersion") not in _VERSIONS:
        raise entry.invalid(f"exec.apiVersion must be {' or '.join(_VERSIONS)}", "make the kubeconfig anew")
    if spec.get("interactiveMode") == "Always":
        raise entry.invalid("exec.interactiveMode is Always, and a plugin gets no terminal here")
    return {**spec, "args": arguments}


def _allowed_program(entry: Entry, rules: PluginRules) -> str:
    """Return the file of the plugin, if one of the allowed programs is that very file."""
    spec = _exec_of(entry)
    command, path = str(spec["command"]), rules.path
    name = PurePath(command).name
    if command not in rules.allowed and name not in rules.allowed:
        raise _not_allowed(entry, command, name)
    if "/" in command and not command.startswith("/"):
        raise entry.invalid(f"exec.command {command!r:.100} is a relative path", "name the program, or its whole path")
    try:
        program = find_program(command, path)
        if command not in rules.allowed and not Path(program).samefile(find_program(name, path)):
            raise entry.invalid(f"exec.command {command!r:.100} is another program than the allowed {name}")
    except ProcessError as error:
        raise _failed(entry, f"the plugin {name}: {error.reason}", spec) from None
    root = rules.checkout_root
    if root is not None and Path(program).resolve().is_relative_to(root.resolve()):
        raise entry.invalid(f"the plugin {name} lies in the config repo, and is not run")
    return program


def _not_allowed(entry: Entry, command: str, name: str) -> CredentialError:
    what = f"exec is not allowed: it would run the program {command!r:.100}"
    hint = (
        f"if you know the program and trust this kubeconfig: --allow-exec {clean_line(name)[:100]}, or the name under "
        "`exec:` in the cluster's credentials"
    )
    return CredentialError(entry.problem(Code.CREDENTIAL_FEATURE_REFUSED, what, hint))


def _environment(entry: Entry, spec: Mapping[str, Any], rules: PluginRules) -> dict[str, str]:
    info: dict[str, Any] = {"apiVersion": spec["apiVersion"], "kind": "ExecCredential", "spec": {"interactive": False}}
    passed = {name: value for name, value in rules.environ.items() if _PASSED_ON.fullmatch(name)}
    return {**passed, "PATH": rules.path, **_own_variables(entry, spec), "KUBERNETES_EXEC_INFO": json.dumps(info)}


def _own_variables(entry: Entry, spec: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    variables = spec.get("env") or []
    if not isinstance(variables, list):
        raise entry.invalid("exec.env must be a list")
    for variable in variables:
        name = variable.get("name") if isinstance(variable, Mapping) else None
        value = variable.get("value", "") if isinstance(variable, Mapping) else None
        if not isinstance(name, str) or not isinstance(value, str) or "\0" in value:
            raise entry.invalid("exec.env must be a list of names and values")
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or _STEERS.fullmatch(name):
            raise entry.invalid(f"exec.env sets {name!r:.60}, which could make the plugin run something else")
        found[name] = value
    return found


def _issued(entry: Entry, output: bytes, spec: Mapping[str, Any], name: str) -> Issued:
    """Return what an ExecCredential holds. No message quotes it."""
    try:
        credential = read_one(output, f"the output of {name}", Dialect.KUBECTL).value
    except DocumentError:
        raise _failed(entry, f"the plugin {name} printed no ExecCredential: it is no JSON", spec) from None
    if not isinstance(credential, Mapping) or credential.get("kind") != "ExecCredential":
        raise _failed(entry, f"the plugin {name} printed no ExecCredential", spec)
    if credential.get("apiVersion") != spec["apiVersion"]:
        raise _failed(entry, f"the plugin {name} printed an ExecCredential of another apiVersion", spec)
    status = credential.get("status")
    status = status if isinstance(status, Mapping) else {}
    given = {key: status.get(key) for key in ("token", "clientCertificateData", "clientKeyData", "expirationTimestamp")}
    if not all(value is None or isinstance(value, str) for value in given.values()):
        raise _failed(entry, f"the plugin {name} printed an ExecCredential whose status is not text", spec)
    token, chain, key, expiry = (str(value or "") for value in given.values())
    if not token and not (chain and key):
        raise _failed(entry, f"the plugin {name} gave neither a token nor a certificate with its key", spec)
    certificate = None
    if chain and key:
        certificate = ClientCertificate(
            SecretText(certificates_in(entry, "clientCertificateData", chain)),
            SecretText(private_key_in(entry, "clientKeyData", key)),
        )
    return Issued(SecretText(token.strip()) if token else None, certificate, _time(entry, expiry, spec, name))


def _time(entry: Entry, text: str, spec: Mapping[str, Any], name: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise _failed(entry, f"the plugin {name} gave an expirationTimestamp that is no time", spec) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _is_over(issued: Issued, now: datetime) -> bool:
    return issued.expires_at is not None and issued.expires_at - _EARLY <= now


def _secret_values(environment: Mapping[str, str]) -> Iterator[str]:
    return (value for name, value in environment.items() if _SECRET.search(name))


def _secret_arguments(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the values of options that are named like a secret, written as `--option=value` or in two arguments."""
    for argument, following in zip_longest(arguments, arguments[1:], fillvalue=""):
        name, is_one, value = argument.partition("=")
        if name.startswith("-") and _SECRET.search(name):
            yield value if is_one else following


def _last_words(done: Completed, secrets: Iterable[str]) -> str:
    """Return the last line that a plugin wrote to standard error, without the secrets that it was given."""
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    text = lines[-1] if lines else ""
    for value in sorted((value for value in secrets if len(value) >= 6), key=len, reverse=True):
        text = text.replace(value, "***")
    return f": {clean_line(text)[:300]}" if text else ""


def _failed(entry: Entry, what: str, spec: Mapping[str, Any]) -> CredentialError:
    hint = spec.get("installHint")
    advice = clean_line(" ".join(hint.split()))[:300] if isinstance(hint, str) and hint else None
    return CredentialError(entry.problem(Code.CREDENTIAL_PROGRAM_FAILED, what, advice))
