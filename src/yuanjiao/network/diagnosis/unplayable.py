"""What beats and cannot play, and what plays again."""

from __future__ import annotations

from collections.abc import Sequence

from yuanjiao.network.diagnosis import playing, plays
from yuanjiao.network.diagnosis.absorb import Ended
from yuanjiao.network.diagnosis.acts import affects, create, hang, release
from yuanjiao.network.diagnosis.ends import end_all, end_explained_lines
from yuanjiao.network.diagnosis.turn import Turn
from yuanjiao.network.diagnosis.verdicts import Ruling, names_of
from yuanjiao.network.models import Sign
from yuanjiao.network.rules.causes import Rule
from yuanjiao.network.rules.evidence import play_verdict


def see_plays(turn: Turn) -> None:
    """Failed tests of sites that beat, and passed ones of those that could not play."""
    failed, passed = plays.read_tests(turn.picture)
    plays_again(turn, passed)
    begun = [test for test in failed if plays.begins(turn.picture, test)]
    cannot_play(turn, playing.common_causes(turn.picture, begun))
    under = {test.place: playing.standing(turn.picture, test) for test in begun}
    names = names_of(turn.picture, [test.place for test in begun])
    matters = create(turn, [(test.place, test.at, test.at, test.at, Sign.PLAY.value) for test in begun])
    for test, matter in zip(begun, matters, strict=True):
        if under[test.place]:
            explain_play(turn, under[test.place], [test.place])
            continue
        fault, confidence = play_verdict(test.step)
        step = plays.STEP_NAMES.get(test.step, test.step or "播放")
        text = f"{names.get(test.place, '')}有心跳，但试播失败，断在{step}"
        turn.rulings.append(Ruling(matter, fault, Rule.PLAY_FAILED, text, confidence))
        release(turn, [matter])


def plays_again(turn: Turn, passed: Sequence[tuple[int, float]]) -> None:
    """Sites whose test went well; what explained more than half of such ends with them."""
    picture, ends = turn.picture, []
    for place, at in passed:
        if picture.play[place] and at >= picture.started[place]:
            pk, root = int(picture.outage[place]), int(picture.root[place])
            ends.append(Ended(place, pk, root, float(picture.started[place]), at, int(picture.hold[place])))
            picture.forget(place)
    end_all(turn, ends)
    for matter in [picture.matters[pk] for pk in {one.root for one in ends} if pk in picture.matters]:
        if matter.ended is None and len(matter.backs) >= len(picture.explained_by(matter.pk)):
            hold, started = int(picture.hold[matter.place]), float(picture.started[matter.place])
            picture.forget(matter.place)
            end_all(turn, [Ended(matter.place, matter.pk, 0, started, max(min(matter.backs), started), hold)])
    end_explained_lines(turn)


def cannot_play(turn: Turn, causes: Sequence[playing.Common]) -> None:
    """One root for what many sites share; those that were told apart before are explained by it now."""
    picture = turn.picture
    wanted = [(one.place, one.since, one.since, one.since, Sign.PLAY.value) for one in causes]
    for common, matter in zip(causes, create(turn, wanted), strict=True):
        sites = picture.forest.places(common.shared.sites)
        names = names_of(picture, [common.place, *sites.tolist()])
        text = playing.sentence(names.get(common.place, ""), common, [names.get(int(place), "") for place in sites])
        matter.fault, matter.play = common.fault, True
        turn.rulings.append(Ruling(matter, common.fault, Rule.PLAYS_FAIL_TOGETHER, text, playing.SURE))
        release(turn, [matter])
        explain_play(turn, matter.pk, [int(place) for place in sites if picture.play[place]])
        affects(turn, matter.pk, len(sites))


def explain_play(turn: Turn, pk: int, places: Sequence[int]) -> None:
    if places:
        hang(turn, pk, places)
        turn.picture.root[list(places)], turn.picture.hold[list(places)] = pk, 0
