"""Judges a custom resource by the definition of its kind, offline, as the API server does when it creates one.

The order is the server's: nulls and defaults, unknown fields (`fieldValidation=Strict`), values, lists, embedded
objects. The source of the rules is k8s.io/apiextensions-apiserver; the judge of them is a real API server (see
tests/cluster/test_definitions_on_a_real_server.py). A server takes no definition with `$ref`, `uniqueItems`,
`patternProperties`, `additionalItems`, `dependencies` or a list of `items`, so these are not known here. Where servers
differ, the judgement is lenient: what a server takes is never refused. Rules in CEL are counted and not evaluated.
"""

from __future__ import annotations

from gitops_push.core.crd_schema.defaults import with_defaults
from gitops_push.core.crd_schema.definitions import Definition, definitions_of
from gitops_push.core.crd_schema.embedded import embedded_faults
from gitops_push.core.crd_schema.faults import Fault, Findings
from gitops_push.core.crd_schema.lists import list_faults
from gitops_push.core.crd_schema.schema import Schema
from gitops_push.core.crd_schema.unchecked import unchecked_rules
from gitops_push.core.crd_schema.unknown_fields import unknown_fields
from gitops_push.core.crd_schema.values import value_faults
from gitops_push.core.objects import Body

__all__ = ["Definition", "Fault", "Findings", "check_object", "definitions_of"]


def check_object(body: Body, schema: Schema) -> Findings:
    """Return all that the schema of its version says against an object, and what of the schema was not checked."""
    whole = with_defaults(body, schema)
    faults = (
        *unknown_fields(whole, schema),
        *embedded_faults(whole, schema),
        *value_faults(whole, schema, ()),
        *list_faults(whole, schema, ()),
    )
    first = {(fault.path, fault.message): fault for fault in reversed(faults)}
    return Findings(tuple(reversed(first.values())), unchecked_rules(whole, schema))
