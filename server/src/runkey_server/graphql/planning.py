"""A document, made ready once: parsed, held to the limits, validated. What comes of it is kept and used for every later request.

Parsing and validating cost ten times what executing does (measured: 2.8 ms against 0.2 for `viewer`), and clients send the same few
documents for ever. The limits stand before validation, because validation is what a hostile document would make expensive.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
    validate,
)

from runkey_server.errors import Error
from runkey_server.graphql import absent
from runkey_wire import limits

MAX_DEPTH = 15
MAX_FIELDS = 300
MAX_ALIASES = 20
_MAX_TOKENS = 8_000
_MAX_KEPT_PLANS = 500
_MAX_KEPT_CHARACTERS = 4 * 1024 * 1024

MAX_PUBLIC_CHARACTERS = 2_048
"""Of a document from somebody without a key: what anybody may ask is short."""

_MAX_KEPT_PUBLIC_PLANS = 8

# Answered to anybody, when nothing else is asked.
PUBLIC_FIELDS = frozenset({"__typename", "__type", "serverInfo", "createAnonymousEntity"})

# Fields whose resolvers open no transaction; an operation of these alone is answered without a thread.
_MEMORY_ROOTS = (PUBLIC_FIELDS - {"createAnonymousEntity"}) | {"viewer"}
_DATABASE_FIELDS = frozenset({"anonymousUntil", "apiKeys", "claimedEntities", "currentApiKey", "machines"})


@dataclass(frozen=True, slots=True)
class Plan:
    """One operation of a document, ready to run.

    is_public: needs no credential. for_ended_keys: a key that was replaced or has expired may ask it. from_memory: opens no transaction.
    """

    document: DocumentNode
    operation_name: str | None
    root_fields: frozenset[str]
    is_mutation: bool
    is_public: bool
    for_ended_keys: bool
    from_memory: bool


# All that a key may ask for which was replaced or has expired: what writing its open runs to their end takes. Nothing here leads out of
# the run, so a claimed run's old key sees nothing of whoever claimed it.
_RUN: dict[str, Any] = dict.fromkeys(
    "__typename id name displayName description notes config summaryMetrics tags sweepName state stopped group groupName jobType commit "
    "historyLineCount eventsLineCount logLineCount historyTail eventsTail wandbConfig".split()
) | {"project": {"__typename": None, "id": None, "name": None, "entity": {"__typename": None, "id": None, "name": None}}}
_MESSAGE: dict[str, Any] = dict.fromkeys("__typename utfText plainText htmlText messageType messageLevel".split())
_SETTINGS: dict[str, Any] = {"__typename": None, "serverMessages": _MESSAGE}
_ENDED_KEYS_FIELDS: dict[str, Any] = {
    "__typename": None,
    "upsertBucket": {"__typename": None, "inserted": None, "clientMutationId": None, "bucket": _RUN, "serverSettings": _SETTINGS},
    "createRunFiles": {
        "__typename": None,
        "runID": None,
        "uploadHeaders": None,
        "files": {"__typename": None, "name": None, "uploadUrl": None},
    },
}


class Planner:
    """Makes plans, and keeps the last few hundred; apart from those a few that were asked for without a key.

    So nobody without a key can push out what everybody's clients ask for.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        """Plan against a schema."""
        self._schema = schema
        self._kept: OrderedDict[tuple[str, str | None], Plan] = OrderedDict()
        self._kept_characters = 0
        self._kept_public: OrderedDict[tuple[str, str | None], Plan] = OrderedDict()
        self._lock = Lock()

    def find_plan(self, text: str, operation_name: str | None) -> Plan | None:
        """Give a plan that was made before."""
        asked = (text, operation_name)
        return self._kept.get(asked) or self._kept_public.get(asked)

    def make_plan(self, text: str, operation_name: str | None) -> Plan:
        """Parse, limit and validate. Raises Error `invalid` or GraphQLError with what is wrong."""
        plan = self._plan(text, operation_name)
        with self._lock:
            self._kept[(text, operation_name)] = plan
            self._kept_characters += len(text)
            while len(self._kept) > _MAX_KEPT_PLANS or self._kept_characters > _MAX_KEPT_CHARACTERS:
                (dropped, _), _ = self._kept.popitem(last=False)
                self._kept_characters -= len(dropped)
        return plan

    def make_public_plan(self, text: str, operation_name: str | None) -> Plan:
        """Do the same for somebody without a key: a short document of one operation. Raises as `make_plan`."""
        if len(text) > MAX_PUBLIC_CHARACTERS:
            raise Error("invalid", f"Without a key a document has at most {MAX_PUBLIC_CHARACTERS} characters.")
        plan = self._plan(text, operation_name)
        if not plan.is_public or not _is_one_operation(plan.document):
            raise Error("invalid", "Without a key a document has one operation, of fields that anybody may ask for.")
        with self._lock:
            self._kept_public[(text, operation_name)] = plan
            while len(self._kept_public) > _MAX_KEPT_PUBLIC_PLANS:
                self._kept_public.popitem(last=False)
        return plan

    def _plan(self, text: str, operation_name: str | None) -> Plan:
        if len(text.encode("utf-8", "surrogatepass")) > limits.MAX_GRAPHQL_DOCUMENT_BYTES:
            raise Error("invalid", f"The document is longer than {limits.MAX_GRAPHQL_DOCUMENT_BYTES} bytes.")
        try:
            document = parse(text, no_location=True, max_tokens=_MAX_TOKENS)
        except RecursionError:
            raise Error("invalid", f"The document is nested deeper than {MAX_DEPTH} levels.") from None
        operation = _find_operation(document, operation_name)
        _hold_to_limits(document)
        problems = validate(self._schema, document, max_errors=5)
        if problems:
            missing = absent.say(problems)
            if missing is not None:
                raise GraphQLError(missing)
            raise (
                GraphQLError(problems[0].message)
                if len(problems) == 1
                else GraphQLError("; ".join(problem.message for problem in problems))
            )
        if operation.operation is OperationType.SUBSCRIPTION:
            raise Error("invalid", "There are no subscriptions here.")
        roots = frozenset(field.name.value for field in _fields_at_root(operation.selection_set, document))
        names = {field.name.value for field in _all_fields(document)}
        return Plan(
            document=document,
            operation_name=operation.name.value if operation.name else None,
            root_fields=roots,
            is_mutation=operation.operation is OperationType.MUTATION,
            is_public=roots <= PUBLIC_FIELDS,
            for_ended_keys=_stays_within(operation.selection_set, _ENDED_KEYS_FIELDS, _fragments(document)),
            from_memory=roots <= _MEMORY_ROOTS and not names & _DATABASE_FIELDS,
        )


def _is_one_operation(document: DocumentNode) -> bool:
    return sum(isinstance(node, OperationDefinitionNode) for node in document.definitions) == 1


def _find_operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name:
        operations = [node for node in operations if node.name and node.name.value == name]
    if len(operations) != 1:
        raise Error("invalid", "The document has no operation, or several and operationName does not say which one to run.")
    return operations[0]


def _hold_to_limits(document: DocumentNode) -> None:
    """Count what the document comes to with its fragments put in place. Raises Error `invalid` beyond a limit."""
    fragments = _fragments(document)
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            _Counter(fragments).count(node.selection_set, 1, ())
        elif not isinstance(node, FragmentDefinitionNode):
            raise Error("invalid", "A document may hold operations and fragments only.")


class _Counter:
    def __init__(self, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._fields = 0
        self._aliases = 0

    def count(self, selections: SelectionSetNode, depth: int, inside: tuple[str, ...]) -> None:
        if depth > MAX_DEPTH:
            raise Error("invalid", f"The document is nested deeper than {MAX_DEPTH} levels.")
        for selection in selections.selections:
            # Spreads count as fields too, so that fragments of nothing but spreads come to an end.
            self._fields += 1
            if isinstance(selection, FieldNode):
                self._aliases += selection.alias is not None
            if self._fields > MAX_FIELDS or self._aliases > MAX_ALIASES:
                raise Error("invalid", f"The document asks for more than {MAX_FIELDS} fields or {MAX_ALIASES} aliases.")
            if isinstance(selection, FragmentSpreadNode):
                self._count_spread(selection.name.value, depth, inside)
            elif isinstance(selection, FieldNode | InlineFragmentNode) and selection.selection_set:
                self.count(selection.selection_set, depth + isinstance(selection, FieldNode), inside)

    def _count_spread(self, name: str, depth: int, inside: tuple[str, ...]) -> None:
        fragment = self._fragments.get(name)
        # Unknown and circular fragments are validation's to name.
        if fragment is not None and name not in inside:
            self.count(fragment.selection_set, depth, (*inside, name))


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


def _fields_at_root(selections: SelectionSetNode, document: DocumentNode) -> Iterator[FieldNode]:
    for selection in selections.selections:
        if isinstance(selection, FieldNode):
            yield selection
        elif isinstance(selection, InlineFragmentNode):
            yield from _fields_at_root(selection.selection_set, document)
        elif isinstance(selection, FragmentSpreadNode):
            yield from _fields_at_root(_fragments(document)[selection.name.value].selection_set, document)


def _stays_within(selections: SelectionSetNode, allowed: dict[str, Any], fragments: dict[str, FragmentDefinitionNode]) -> bool:
    for selection in selections.selections:
        if isinstance(selection, FieldNode):
            if selection.name.value not in allowed:
                return False
            inner = allowed[selection.name.value]
            if selection.selection_set and (inner is None or not _stays_within(selection.selection_set, inner, fragments)):
                return False
            continue
        spread = fragments[selection.name.value] if isinstance(selection, FragmentSpreadNode) else selection
        if not isinstance(spread, FragmentDefinitionNode | InlineFragmentNode):
            return False
        if not _stays_within(spread.selection_set, allowed, fragments):
            return False
    return True


def _all_fields(document: DocumentNode) -> Iterator[FieldNode]:
    waiting = [node.selection_set for node in document.definitions if isinstance(node, OperationDefinitionNode | FragmentDefinitionNode)]
    while waiting:
        for selection in waiting.pop().selections:
            if isinstance(selection, FieldNode):
                yield selection
            if isinstance(selection, FieldNode | InlineFragmentNode) and selection.selection_set:
                waiting.append(selection.selection_set)
