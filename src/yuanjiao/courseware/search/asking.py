"""What a person typed, as a query of the index. Every run of letters must be found; how exactly decides the rank."""

from __future__ import annotations

from collections.abc import Sequence

from tantivy import Occur, Query, Schema

from yuanjiao.courseware.search.words import characters, coarse_words, runs, sounds

MUST, SHOULD = Occur.Must, Occur.Should
TITLE, TEXT, WORDS, SOUND, SPELLED = "title", "text", "words", "sound", "spelled"
TITLE_COUNTS, WORD_COUNTS = 3.0, 1.5
SPLIT_UP_TO = 12
"""A longer run is a sentence: cut by jieba only, and most of its words will do."""
FUZZY_FROM = 5
"""Letters typed; shorter ones have too many neighbours."""


def exact(schema: Schema, text: str) -> Query | None:
    """Items that hold every run of the text, as a whole or as two or more words; None when there is no letter in it."""
    wanted = [_run(schema, run) for run in runs(text)]
    return Query.boolean_query([(MUST, one) for one in wanted]) if wanted else None


def alike(schema: Schema, text: str) -> Query | None:
    """Items whose words sound like the text: a wrong character of the right sound."""
    wanted = [_phrase(schema, SOUND, sounds(word)) for run in runs(text) for word in coarse_words(run)]
    return Query.boolean_query([(MUST, one) for one in wanted]) if wanted else None


def _run(schema: Schema, run: str) -> Query:
    if run.isascii():
        return _letters(schema, run)
    if len(run) > SPLIT_UP_TO:
        return _sentence(schema, run)
    cuts = [[run], coarse_words(run), *([run[:at], run[at:]] for at in range(1, len(run)))]
    held = [(SHOULD, _all_of(schema, cut)) for cut in cuts if len(cut) == 1 or min(map(len, cut)) > 1 or cut is cuts[1]]
    return Query.boolean_query([(MUST, Query.boolean_query(held)), *_ranked(schema, cuts[1])])


def _all_of(schema: Schema, cut: Sequence[str]) -> Query:
    return Query.boolean_query([(MUST, _anywhere(schema, word)) for word in cut])


def _anywhere(schema: Schema, word: str) -> Query:
    tokens = characters(word)
    title = Query.boost_query(_phrase(schema, TITLE, tokens), TITLE_COUNTS)
    return Query.boolean_query([(SHOULD, title), (SHOULD, _phrase(schema, TEXT, tokens))])


def _sentence(schema: Schema, run: str) -> Query:
    """At least three quarters of the words of a long run."""
    cut = coarse_words(run)
    least = -(-3 * len(cut) // 4)
    return Query.boolean_query([(SHOULD, _anywhere(schema, word)) for word in cut], minimum_number_should_match=least)


def _ranked(schema: Schema, cut: Sequence[str]) -> list[tuple[Occur, Query]]:
    """Whole words count more than the same characters across two words."""
    return [(SHOULD, Query.boost_query(Query.term_query(schema, WORDS, word), WORD_COUNTS)) for word in cut]


def _letters(schema: Schema, run: str) -> Query:
    """A Latin word of the text, or the spelling of Chinese words; one letter may be wrong in a long one."""
    distance = 1 if len(run) >= FUZZY_FROM and not run.isdigit() else 0
    spelled = Query.fuzzy_term_query(schema, SPELLED, run, distance=distance, prefix=True)
    near = Query.fuzzy_term_query(schema, TEXT, run, distance=distance, prefix=True)
    return Query.boolean_query([(SHOULD, _anywhere(schema, run)), (SHOULD, spelled), (SHOULD, near)])


def _phrase(schema: Schema, field: str, tokens: list[str]) -> Query:
    if len(tokens) == 1:
        return Query.term_query(schema, field, tokens[0])
    return Query.phrase_query(schema, field, list(tokens))
