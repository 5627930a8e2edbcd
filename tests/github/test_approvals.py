"""Which approvals count: the rules alone, for any reviews."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconciler.github.approvals import Question, Review, judge

HEAD, OLDER = "a" * 40, "b" * 40
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_TIMES = st.integers(-5, 5).map(lambda minutes: NOON + timedelta(minutes=minutes))
REVIEWS = st.lists(
    st.builds(
        Review,
        st.sampled_from(["ada", "bob", "carl", "dora", ""]),
        st.booleans(),
        st.sampled_from(["APPROVED", "CHANGES_REQUESTED", "DISMISSED", "COMMENTED", "PENDING"]),
        st.sampled_from([HEAD, OLDER]),
        _TIMES,
    ),
    unique_by=lambda one: one.at,
)
QUESTIONS = st.builds(
    Question,
    st.just(HEAD),
    st.just(NOON),
    st.none() | _TIMES,
    st.dictionaries(st.sampled_from(["ada", "bob"]), st.just("opened it")),
)


@given(QUESTIONS, REVIEWS)
def test_every_rule_holds_of_everybody_who_counts(question: Question, reviews: list[Review]) -> None:
    answer = judge(question, reviews)
    assert len(set(answer.approved)) == len(answer.approved)
    for name in answer.approved:
        theirs = [one for one in reviews if one.login == name and one.state not in ("COMMENTED", "PENDING")]
        last = max(theirs, key=lambda one: one.at)
        assert name
        assert last.state == "APPROVED"
        assert last.is_person
        assert last.commit == HEAD
        assert last.at > question.shown
        assert question.edited is None or last.at > question.edited
        assert name not in question.involved


@given(QUESTIONS, REVIEWS)
def test_every_approval_is_counted_or_explained(question: Question, reviews: list[Review]) -> None:
    answer = judge(question, reviews)
    verdicts = [one for one in reviews if one.state in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")]
    latest = {one.login: one.state for one in sorted(verdicts, key=lambda one: one.at)}
    assert len(answer.approved) + len(answer.without) == list(latest.values()).count("APPROVED")


def test_one_more_of_somebody_else_is_one_more() -> None:
    question = Question(HEAD, NOON, None, {})
    one = Review("bob", is_person=True, state="APPROVED", commit=HEAD, at=NOON + timedelta(seconds=1))
    assert judge(question, [one]).approved == ("bob",)
