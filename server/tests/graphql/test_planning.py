import pytest
from graphql import GraphQLError

from runkey_server.errors import Error
from runkey_server.graphql import executing
from runkey_server.graphql.planning import MAX_ALIASES, MAX_DEPTH, MAX_FIELDS, Planner

planner = Planner(executing.build())


def plan(text: str, name: str | None = None) -> object:
    return planner.make_plan(text, name)


@pytest.mark.parametrize(
    ("text", "public", "memory", "mutation"),
    [
        ("{ viewer { id } }", False, True, False),
        ("{ serverInfo { features { name } } }", True, True, False),
        ("{ __typename }", True, True, False),
        ('{ __type(name: "Query") { fields { name } } }', True, True, False),
        ("{ __schema { types { name } } }", False, False, False),
        ("{ serverInfo { version } viewer { id } }", False, True, False),
        ("{ viewer { apiKeys { edges { node { id } } } } }", False, False, False),
        ("query Q { ...F } fragment F on Query { viewer { id currentApiKey { id } } }", False, False, False),
        ('{ project(name: "x") { id } }', False, False, False),
        ("mutation { revokeApiKey(input: {}) { apiKey { id } } }", False, False, True),
    ],
)
def test_what_a_plan_says(text: str, public: bool, memory: bool, mutation: bool) -> None:
    made = plan(text)
    assert (made.is_public, made.from_memory, made.is_mutation) == (public, memory, mutation)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        # What is missing is named, as people call it; nothing is guessed of words that nobody knows.
        (
            "mutation { upsertSweep(input: {}) { sweep { id } } }",
            r"^There are no sweeps on this server yet\. \(It was asked for as upsertSweep",
        ),
        ("mutation($s: AlertSeverity) { notifyScriptableRunAlert(input: {severity: $s}) { success } }", "There are no alerts"),
        ('{ project(name: "p") { runQueues { name } } }', "There are no launch queues"),
        ("{ viewer { projects { edges { node { triggers { id } } } } } }", "There are no automations|Cannot query field 'projects'"),
        ("mutation { createTeam(input: {}) { entity { id } } }", "There are no teams"),
        ("", "Unexpected <EOF>"),
        ("{", "Expected Name"),
        ("{ nothing }", "Cannot query field 'nothing'"),
        ("{ viewer { id } } { viewer { id } }", "several"),
        ("fragment F on Query { viewer { id } }", "no operation"),
        ("subscription { x }", "not configured|subscription"),
        ("type Query { a: Int }", "no operation"),
        ("{ viewer { id } } type A { a: Int }", "operations and fragments only"),
        ("{ viewer " * (MAX_DEPTH + 1) + "{ id }" + "}" * (MAX_DEPTH + 1), "nested deeper"),
        ("{" * 3_000 + "}" * 3_000, "Expected Name|nested deeper"),
        ("{ a" * 2_000 + " }" * 2_000, "nested (deeper|too deeply)"),
        ("{ " + "serverInfo { version } " * (MAX_FIELDS // 2 + 1) + "}", "more than"),
        ("{ " + " ".join(f"a{i}: __typename" for i in range(MAX_ALIASES + 1)) + " }", "more than"),
        ("{ ...F } fragment F on Query { ...F }", "Cannot spread fragment 'F' within itself"),
        ("{ viewer { id } } #" + "x" * 70_000, "longer than"),
    ],
)
def test_what_is_refused(text: str, problem: str) -> None:
    with pytest.raises((Error, GraphQLError), match=problem):
        plan(text)


def test_fragments_that_multiply_are_counted_as_what_they_come_to() -> None:
    fragments = " ".join(f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }}" for i in range(30))
    with pytest.raises(Error, match="more than"):
        plan("{ ...F0 } " + fragments + " fragment F30 on Query { __typename }")


def test_a_plan_is_made_once() -> None:
    text = "{ viewer { id name } }"
    assert planner.find_plan(text, None) is None
    made = plan(text)
    assert planner.find_plan(text, None) is made
    assert planner.find_plan(text, "Other") is None


def test_operation_name_chooses() -> None:
    text = "query A { viewer { id } } mutation B { revokeApiKey(input: {}) { apiKey { id } } }"
    assert plan(text, "B").is_mutation
    assert not plan(text, "A").is_mutation
    with pytest.raises(Error, match="several"):
        plan(text)


def test_nobody_without_a_key_pushes_plans_out() -> None:
    planner = Planner(executing.build())
    known = planner.make_plan("{ viewer { id } }", None)
    texts = [f"{{ serverInfo {{ version }} }} # {number}" for number in range(50)]
    for text in texts:
        planner.make_public_plan(text, None)
    assert planner.find_plan("{ viewer { id } }", None) is known
    assert len([text for text in texts if planner.find_plan(text, None)]) == 8, "and it keeps a few of them"


@pytest.mark.parametrize(
    "text",
    [
        "{ __typename } #" + "x" * 2_048,
        "query A { __typename } query B { __typename }",
        "{ viewer { id } }",
        "{ serverInfo { version } viewer { id } }",
        "{ nothing }",
    ],
)
def test_without_a_key_a_document_is_short_and_public(text: str) -> None:
    planner = Planner(executing.build())
    with pytest.raises((Error, GraphQLError)):
        planner.make_public_plan(text, "A" if "query A" in text else None)
    assert planner.find_plan(text, "A" if "query A" in text else None) is None
