"""The writes of one turn: what ends, what begins, who is told and with which verdict."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from django.db.models import F, Max

from yuanjiao.network.counting.reading import Epoch
from yuanjiao.network.diagnosis import holds, playing, plays
from yuanjiao.network.diagnosis.absorb import Absorbed, Ended, Past, end_silence
from yuanjiao.network.diagnosis.late import as_matter, join_groups, late_ones
from yuanjiao.network.diagnosis.news import News
from yuanjiao.network.diagnosis.past import Group, past_groups
from yuanjiao.network.diagnosis.picture import DOWN, EVIDENCE, HOLDS, MAINTENANCE, UNSTABLE, UP, Matter, Picture, batches
from yuanjiao.network.diagnosis.record import change, end_outages, insert_children, moment
from yuanjiao.network.diagnosis.roots import Decision, decide, rule_of
from yuanjiao.network.diagnosis.settle import name_uplinks, settle_edges, settle_line, unsettled
from yuanjiao.network.diagnosis.sighting import Heard, see
from yuanjiao.network.diagnosis.verdicts import CLASS_OF, Ruling, Told, keep, names_of, rule_on, wanted_names
from yuanjiao.network.diagnosis.weighing import is_time_to_weigh, weigh_again, weigh_all
from yuanjiao.network.models import Liveness, Outage, Sign
from yuanjiao.network.rules.causes import EDGE, LINE, SITE, Findings, Mask, Places, Rule
from yuanjiao.network.rules.evidence import play_verdict


class Turn:
    """One turn on one picture at one moment."""

    def __init__(self, picture: Picture, at: datetime, heard: Heard) -> None:
        self.picture, self.at, self.now, self.heard = picture, at, at.timestamp(), heard
        self.changed = False
        self.rulings: list[Ruling] = []
        self.told: list[Told] = []
        self.anyone_heard = True
        self.windows = holds.maintained(picture, at)
        self._settled: list[Ruling] = []

    # what ends

    def agree_with_states(self, news: News) -> None:
        """After a start: outages of what left service end now; of what is up with nothing new about it, when it came up. What is down
        without an outage (it was out of service when it fell silent) is silent since then."""
        picture, found = self.picture, Absorbed()
        up = self._unless_new(~np.isnan(picture.silent) & (picture.state == UP), news)
        for place, (since, _) in self._since(up).items():
            end_silence(picture, place, since, found)
        self.end(found.ended)
        down = self._unless_new((picture.state == DOWN) & np.isnan(picture.silent), news)
        for place, (since, last) in self._since(down).items():
            picture.silent[place], picture.lo[place], picture.hi[place] = since, min(last, since), since + picture.forest.period[place]
        self._end_out_of_service()

    def _unless_new(self, wanted: Mask, news: News) -> Places:
        places = np.flatnonzero(wanted)
        answer: Places = places[~np.isin(places, news.place)]
        return answer

    def _since(self, places: Places) -> dict[int, tuple[float, float]]:
        """Place → since when it is in its state, and when it was last heard."""
        ids, found = self.picture.forest.ids, {}
        where = dict(zip(ids[places].tolist(), places.tolist(), strict=True))
        for part in batches(where):
            rows = Liveness.objects.filter(object__in=part).values_list("object_id", Epoch(F("since")), Epoch(F("last_heard_at")))
            found.update({where[pk]: (float(since), float(since if last is None else last)) for pk, since, last in rows})
        return found

    def _end_out_of_service(self) -> None:
        rows = dict(Outage.objects.filter(ended_at=None).exclude(object__lifecycle="in_service").values_list("pk", "started_at"))
        end_outages((pk, max(self.now, started.timestamp())) for pk, started in rows.items())
        change(rows, held=False, held_for="")
        for pk in rows:
            if pk in self.picture.matters:
                self.picture.matters[pk].ended = self.now
        self.picture.unsettled = unsettled(self.picture, self.at)
        self.changed |= bool(rows)

    def end(self, ended: Sequence[Ended]) -> None:
        """Write the ends; roots get their last verdict, and those who explain learn who is back."""
        end_outages((one.outage, one.ended) for one in ended)
        self.changed |= bool(ended)
        for one in ended:
            self._came_or_went(one.place, one.ended)
            if one.root in self.picture.matters:
                self.picture.matters[one.root].backs.append(one.ended)
            elif not one.root and one.outage in self.picture.matters:
                self._end_matter(self.picture.matters[one.outage], one.ended, one.hold)

    def _came_or_went(self, place: int, at: float) -> None:
        if place in self.picture.unstable:
            pk, changed = self.picture.unstable[place]
            self.picture.unstable[place] = pk, max(at, changed)

    def _end_matter(self, matter: Matter, ended: float, hold: int) -> None:
        matter.ended = ended
        if hold == EVIDENCE:
            change([matter.pk], held=False, held_for="")
        if not matter.rule:
            if matter.derived and not len(matter.members):
                self._members_from_rows(matter)
            rule, of = matter.found or self._rule_from_rows(matter)
            self.told.append(Told(matter, rule, of, matter.members))
            holds.note_drop(self.picture, matter, self.at)
        if self.picture.forest.kind[matter.place] == EDGE and not matter.derived and not matter.settled and not matter.play:
            self.picture.unsettled.append(matter)

    def _members_from_rows(self, matter: Matter) -> None:
        """A start lay between: whom it darkened is in the rows of its children."""
        ids = Outage.objects.filter(root=matter.pk).values_list("object_id", flat=True)
        places = self.picture.forest.places(list(ids))
        matter.members = np.sort(places[places >= 0])

    def _rule_from_rows(self, matter: Matter) -> tuple[Rule, int]:
        """It ended before the rules were asked about it since the start: what it is and what it explained say which rule found it."""
        forest, place = self.picture.forest, matter.place
        below = forest.kind[place + 1 : forest.end[place]]
        if not matter.derived:
            return (Rule.EDGE_SILENT, int((below == SITE).sum())) if forest.kind[place] == EDGE else (Rule.SITE_ALONE, 1)
        if (forest.kind[matter.members] == EDGE).sum() >= 2:
            return Rule.EDGES_SHARE_UPLINK, int((below == EDGE).sum())
        return Rule.ALL_SITES_OF_EDGE if forest.kind[place] == EDGE else Rule.SITES_SHARE_LINE, int((below == SITE).sum())

    # whether anything can follow

    def is_quiet(self, news: News, *, fresh: bool) -> bool:
        """Nothing is new, nothing waits: the roots stand as they are."""
        picture = self.picture
        waits = bool(picture.hold.any()) or bool(picture.unstable) or bool(picture.unsettled) or bool(self.told)
        ended = any(matter.ended is not None for matter in picture.matters.values())
        return not (fresh or len(news) or self.changed or waits or ended or is_time_to_weigh(picture, self.now))

    # what cannot play

    def play(self) -> None:
        """Failed tests of sites that beat, and passed ones of those that could not play."""
        failed, passed = plays.read_tests(self.picture)
        self._plays_again(passed)
        begun = [test for test in failed if plays.begins(self.picture, test)]
        self._cannot_play(playing.common_causes(self.picture, begun))
        under = {test.place: playing.standing(self.picture, test) for test in begun}
        names = names_of(self.picture, [test.place for test in begun])
        matters = self._create([(test.place, test.at, test.at, test.at, Sign.PLAY.value) for test in begun])
        for test, matter in zip(begun, matters, strict=True):
            if under[test.place]:
                self._explain_play(under[test.place], [test.place])
                continue
            fault, confidence = play_verdict(test.step)
            step = plays.STEP_NAMES.get(test.step, test.step or "播放")
            text = f"{names.get(test.place, '')}有心跳，但试播失败，断在{step}"
            self.rulings.append(Ruling(matter, fault, Rule.PLAY_FAILED, text, confidence))
            self._release(matter)

    def _plays_again(self, passed: Sequence[tuple[int, float]]) -> None:
        """Sites whose test went well; what explained more than half of such ends with them."""
        picture, ends = self.picture, []
        for place, at in passed:
            if picture.play[place] and at >= picture.started[place]:
                pk, root = int(picture.outage[place]), int(picture.root[place])
                ends.append(Ended(place, pk, root, float(picture.started[place]), at, int(picture.hold[place])))
                picture.forget(place)
        self.end(ends)
        for matter in [picture.matters[pk] for pk in {one.root for one in ends} if pk in picture.matters]:
            if matter.ended is None and len(matter.backs) >= len(picture.explained_by(matter.pk)):
                hold, started = int(picture.hold[matter.place]), float(picture.started[matter.place])
                picture.forget(matter.place)
                self.end([Ended(matter.place, matter.pk, 0, started, max(min(matter.backs), started), hold)])
        self._end_explained_lines()

    def _cannot_play(self, causes: Sequence[playing.Common]) -> None:
        """One root for what many sites share; those that were told apart before are explained by it now."""
        picture = self.picture
        wanted = [(one.place, one.since, one.since, one.since, Sign.PLAY.value) for one in causes]
        for common, matter in zip(causes, self._create(wanted), strict=True):
            sites = picture.forest.places(common.shared.sites)
            names = names_of(picture, [common.place, *sites.tolist()])
            text = playing.sentence(names.get(common.place, ""), common, [names.get(int(place), "") for place in sites])
            matter.fault, matter.play = common.fault, True
            self.rulings.append(Ruling(matter, common.fault, Rule.PLAYS_FAIL_TOGETHER, text, playing.SURE))
            self._release(matter)
            self._explain_play(matter.pk, [int(place) for place in sites if picture.play[place]])
            self._affects(matter.pk, len(sites))

    def _explain_play(self, pk: int, places: Sequence[int]) -> None:
        if places:
            self._hang(pk, places)
            self.picture.root[list(places)], self.picture.hold[list(places)] = pk, 0

    # new rows of roots

    def _create(self, wanted: Sequence[tuple[int, float, float, float, str]], *, derived: bool = False, past: bool = False) -> list[Matter]:
        """Rows of roots: place, started, lo, hi, sign. They wait for evidence until they are told; `past`: they are over already."""
        forest = self.picture.forest
        rows = [
            Outage(
                object_id=int(forest.ids[place]),
                started_at=moment(started),
                started_lo=moment(lo),
                started_hi=moment(hi),
                detected_at=self.at,
                held=True,
                held_for=HOLDS[EVIDENCE],
                sign=sign,
            )
            for place, started, lo, hi, sign in wanted
        ]
        Outage.objects.bulk_create(rows, batch_size=500)
        self.changed |= bool(rows)
        matters = [Matter(row.pk, place, started, derived=derived) for row, (place, started, _, _, _) in zip(rows, wanted, strict=True)]
        picture = self.picture
        picture.matters.update((matter.pk, matter) for matter in matters)
        for matter, (place, started, _, _, sign) in zip(matters, () if past else wanted, strict=not past):
            picture.outage[place], picture.started[place], picture.root[place] = matter.pk, int(started), 0
            picture.hold[place], picture.play[place] = EVIDENCE, sign == Sign.PLAY.value
        return matters

    # what stands

    def join_late(self, findings: Findings, told_below: Mask) -> None:
        """Sites that were noticed only now, though what was above them when their beat was due may have ended: it keeps them."""
        for key, (above, places) in late_ones(self.picture, findings, told_below, self.now).items():
            matter = self.picture.matters.setdefault(key, as_matter(above))
            self.picture.root[places] = key
            self._affects(key, matter.affected + len(places))

    def decide(self, findings: Findings) -> None:
        """Bring the roots to what the findings say."""
        self.anyone_heard = findings.anyone_heard
        decision = decide(self.picture, findings, self.now)
        self._shared_roots(decision)
        self._own_roots(decision)
        self._explain(decision)
        for matter, ended in decision.over:
            self._end_derived(matter, ended)
        for matter, place in decision.taken:
            self._give_up(matter, place)
        self._end_explained_lines()
        self._tell(decision, findings)
        self._count_affected()
        self._release_held()
        self._forget_ended()

    def _shared_roots(self, decision: Decision) -> None:
        """Outages of lines and of edges without a node: after every last beat of the children, before the first missed one."""
        picture, new = self.picture, []
        for place, members in decision.shared.items():
            if picture.outage[place] == 0:
                latest = float(picture.silent[members].max())
                lo, hi = float(picture.lo[members].max()), max(latest, float(picture.hi[members].min()))
                new.append((place, latest, lo, hi, Sign.SILENCE.value))
            elif picture.root[place]:
                self._make_root(place)
        self._create(new, derived=True)

    def _own_roots(self, decision: Decision) -> None:
        picture = self.picture
        roots = decision.dark[(decision.top == decision.dark) & (decision.under == 0)]
        fresh = roots[picture.outage[roots] == 0]
        columns = (picture.silent, picture.lo, picture.hi)
        self._create([(int(place), *(float(column[place]) for column in columns), Sign.SILENCE.value) for place in fresh])  # type: ignore[misc]
        for place in roots[picture.root[roots] > 0].tolist():
            self._make_root(place, behind=picture.forest.kind[place] == SITE)

    def _make_root(self, place: int, *, behind: bool = False) -> None:
        """What was explained is a root now, and waits until it may be told."""
        picture, pk = self.picture, int(self.picture.outage[place])
        picture.root[place], picture.hold[place] = 0, EVIDENCE
        derived = bool(np.isnan(picture.silent[place]))
        picture.matters[pk] = Matter(pk, place, float(picture.started[place]), derived=derived, behind=behind)
        change([pk], root=None, held=True, held_for=HOLDS[EVIDENCE])
        self.changed = True

    def _explain(self, decision: Decision) -> None:
        """Children get the key of their root; those without a row get theirs later, in one piece."""
        picture = self.picture
        key = np.where(decision.under > 0, decision.under, picture.outage[decision.top])
        child = (decision.under > 0) | (decision.top != decision.dark)
        place, key = decision.dark[child], key[child]
        moved = place[(picture.root[place] != key) & (picture.outage[place] > 0)]
        keys = dict(zip(place.tolist(), key.tolist(), strict=True)) if len(moved) else {}
        for pk in {keys[int(one)] for one in moved}:
            self._hang(pk, [int(one) for one in moved if keys[int(one)] == pk])
        picture.root[place], picture.hold[place] = key, 0

    def _hang(self, pk: int, places: Sequence[int]) -> None:
        keys = [int(self.picture.outage[place]) for place in places]
        change(keys, root=pk, held=False, held_for="", fault_class=self._class(pk))
        for key in keys:
            self.picture.matters.pop(key, None)
        self.changed = True

    def _class(self, pk: int) -> str:
        matter = self.picture.matters.get(pk)
        return matter.fault if matter is not None else ""

    def _end_derived(self, matter: Matter, ended: float) -> None:
        end_outages([(matter.pk, ended)])
        hold = int(self.picture.hold[matter.place])
        self._came_or_went(matter.place, ended)
        self.picture.forget(matter.place)
        self._end_matter(matter, ended, hold)
        self._settle_derived(matter)
        self.changed = True

    def _settle_derived(self, matter: Matter) -> None:
        if self.picture.forest.kind[matter.place] == LINE:
            ruling = settle_line(matter, names_of(self.picture, [matter.place]).get(matter.place, ""))
            if ruling is not None:
                self.rulings.append(ruling)

    def _give_up(self, matter: Matter, place: int) -> None:
        """A line taken for the root until what is above fell silent too: never told, it is forgotten; told, it is explained."""
        picture, root = self.picture, int(self.picture.outage[place])
        if picture.hold[matter.place] == EVIDENCE:
            Outage.objects.filter(pk=matter.pk).delete()
            picture.forget(matter.place)
            picture.matters.pop(matter.pk, None)
        elif root:
            self._hang(root, [matter.place])
            picture.root[matter.place] = root
        self.changed = True

    def _end_explained_lines(self) -> None:
        """Derived outages that a higher one explains end with it."""
        picture = self.picture
        for place in np.flatnonzero((picture.outage > 0) & (picture.root > 0) & np.isnan(picture.silent)).tolist():
            above = picture.matters.get(int(picture.root[place]))
            if above is None or above.ended is not None:
                ended = self.now if above is None or above.ended is None else above.ended
                end_outages([(int(picture.outage[place]), max(ended, float(picture.started[place])))])
                picture.forget(place)
                self.changed = True

    # who is told

    def _tell(self, decision: Decision, findings: Findings) -> None:
        """Roots that need not wait any longer get their verdict; the others remember what was found, should they end before."""
        picture = self.picture
        for place in np.flatnonzero((picture.hold == EVIDENCE) & (picture.outage > 0) & (picture.root == 0)).tolist():
            matter = picture.matters[int(picture.outage[place])]
            if picture.play[place]:
                self._release(matter)
                continue
            matter.derived &= bool(np.isnan(picture.silent[place]))
            self._remember(matter, decision, findings)
            if matter.found is None or decision.waiting[place] or decision.settling[place]:
                continue
            self.told.append(Told(matter, *matter.found, matter.members, stayed=matter.behind))
            self._release(matter)

    def _remember(self, matter: Matter, decision: Decision, findings: Findings) -> None:
        """By which rule, and for whom, should it end before it is told."""
        if findings.of[matter.place]:
            matter.found = rule_of(findings, matter.place)
        mine = decision.shared.get(matter.place, decision.dark[(decision.top == matter.place) | (decision.under == matter.pk)])
        if len(mine) > len(matter.members):
            matter.members = mine

    def _release(self, matter: Matter) -> None:
        """Tell it, unless it belongs to a matter that is told already or to announced work."""
        place = matter.place
        again = holds.note_drop(self.picture, matter, self.at)
        hold = UNSTABLE if again else MAINTENANCE if holds.in_maintenance(self.picture, matter, self.windows[1]) else 0
        self.picture.hold[place] = hold
        change([matter.pk], held=hold > 0, held_for=HOLDS[hold])
        self.changed = True

    def _release_held(self) -> None:
        """Work that is over, or an object that came and went and is now steadily dark: what still stands is told, once it is heard of."""
        picture = self.picture
        freed = [place for place in holds.close_steady(picture, self.at) if picture.hold[place] == UNSTABLE]
        kept = np.flatnonzero(picture.hold == MAINTENANCE)
        freed += [place for place in kept[~self.windows[0][kept]].tolist() if not holds.unheard(picture, place, self.now)]
        picture.hold[freed] = 0
        change([int(picture.outage[place]) for place in freed], held=False, held_for="")

    def _count_affected(self) -> None:
        """How many sites each open root darkens; of an edge that speaks for itself, all below it. It never shrinks."""
        picture = self.picture
        sites = np.flatnonzero((picture.forest.kind == SITE) & ~np.isnan(picture.silent))
        own = np.where(picture.root[sites] > 0, picture.root[sites], picture.outage[sites])
        keys, counts = np.unique(own, return_counts=True)
        for key, count in zip(keys.tolist(), counts.tolist(), strict=True):
            self._affects(key, count)
        for told in self.told:
            if picture.forest.kind[told.matter.place] == EDGE and not told.matter.derived:
                self._affects(told.matter.pk, told.of)

    def _affects(self, key: int, count: int) -> None:
        matter = self.picture.matters.get(key)
        if matter is not None and count > matter.affected:
            matter.affected = count
            change([key], affected_count=count)

    def _forget_ended(self) -> None:
        """Ended roots that explain nothing any more, or whose patience is over."""
        picture = self.picture
        used = set(np.unique(picture.root[picture.root > 0]).tolist())
        for pk in [pk for pk, matter in picture.matters.items() if matter.ended is not None and pk not in used]:
            del picture.matters[pk]

    # what is past already

    def tell_past(self, past: Sequence[Past]) -> None:
        """Silences that came with a late record, ended meanwhile: they have their roots as if they had been seen."""
        if past:
            sight = see(self.picture, self.heard, self.at)
            groups, joined = join_groups(self.picture, list(past_groups(self.picture, sight, past)), sight.told_below)
            for group in groups:
                self._write_group(group)
            for key, members in joined.items():
                self._write_late(key, members)

    def _write_late(self, key: int, members: Sequence[Past]) -> None:
        """Past silences that were noticed late; the outage that explains them is in the rows."""
        ids, row = self.picture.forest.ids, Outage.objects.get(pk=key)
        insert_children(
            [(int(ids[one.place]), one.started, one.lo, one.hi, one.ended, key, row.fault_class, "silence") for one in members], self.at
        )
        change([key], affected_count=row.affected_count + len(members))
        if key in self.picture.matters:
            matter = self.picture.matters[key]
            matter.backs += [one.ended for one in members]
            matter.affected = row.affected_count + len(members)
        self.changed = True

    def _write_group(self, group: Group) -> None:
        times, place = (group.started, group.lo, group.hi), group.place
        (matter,) = self._create([(place, *times, Sign.SILENCE.value)], derived=group.derived, past=True)
        end_outages([(matter.pk, group.ended)])
        matter.backs = [one.ended for one in group.members] if group.derived else []
        self.told.append(Told(matter, group.rule, group.of, np.array([one.place for one in group.members], np.int64)))
        self._end_matter_told(matter, group.ended)
        fault = CLASS_OF[group.rule][0].value
        ids = self.picture.forest.ids
        rows = [one for one in group.members if one.place != place or group.derived]
        insert_children(
            [(int(ids[one.place]), one.started, one.lo, one.hi, one.ended, matter.pk, fault, "silence") for one in rows], self.at
        )
        if group.still:
            self._hang(matter.pk, [one for one in group.still if self.picture.outage[one]])
            self.picture.root[group.still] = matter.pk
        if group.derived:
            self._settle_derived(matter)

    def _end_matter_told(self, matter: Matter, ended: float) -> None:
        matter.ended = ended
        again = holds.note_drop(self.picture, matter, self.at)
        hold = UNSTABLE if again else MAINTENANCE if holds.in_maintenance(self.picture, matter, self.windows[1]) else 0
        change([matter.pk], held=hold > 0, held_for=HOLDS[hold], affected_count=max(len(matter.backs), 1))
        if self.picture.forest.kind[matter.place] == EDGE and not matter.derived:
            self.picture.unsettled.append(matter)

    # verdicts

    def settle(self) -> None:
        """Last verdicts on edges that are back."""
        waiting = self.picture.unsettled
        names = names_of(self.picture, [matter.place for matter in waiting])
        rulings, self.picture.unsettled = settle_edges(self.picture, waiting, names, self.at)
        self._settled = rulings

    def keep_rulings(self) -> None:
        """First verdicts, then last ones; what they explain has the same class."""
        wanted = {place for told in self.told for place in wanted_names(self.picture, told)}
        names = names_of(self.picture, wanted)
        weighed = weigh_all(self.picture, self.told, self.heard, self.at)
        first = [
            rule_on(self.picture, told, names, weighed.get(told.matter.pk), anyone_heard=self.anyone_heard)
            for told in self.told
            if told.matter.rule == "" or told.stayed
        ]
        rulings = [*first, *self.rulings, *self._settled]
        keep(rulings, self.at)
        later = weigh_again(self.picture, self.heard, self.at)
        keep(later, self.at)
        rulings += later
        self._spread({ruling.matter.pk: ruling.fault for ruling in rulings})
        name_uplinks(self.picture, self._settled, self.at)

    def _spread(self, classes: dict[int, str]) -> None:
        for fault in set(classes.values()):
            keys = [pk for pk, one in classes.items() if one == fault]
            change(keys, fault_class=fault)
            for start in range(0, len(keys), 500):
                Outage.objects.filter(root__in=keys[start : start + 500]).exclude(fault_class=fault).update(fault_class=fault)

    # children

    def children(self) -> Places:
        """Places of dark objects that another explains and that have no row yet."""
        return np.flatnonzero(~np.isnan(self.picture.silent) & (self.picture.outage == 0) & (self.picture.root > 0))

    def write_children(self, places: Places) -> None:
        """Their rows, with the class that their root has or will have; then the keys the database gave them."""
        if not len(places):
            return
        picture, classes = self.picture, {pk: self._coming_class(pk) for pk in np.unique(self.picture.root[places]).tolist()}
        before = Outage.objects.aggregate(newest=Max("pk"))["newest"] or 0
        columns = (picture.forest.ids, picture.silent, picture.lo, picture.hi, picture.root)
        rows = zip(*(column[places].tolist() for column in columns), strict=True)
        insert_children([(pk, at, lo, hi, None, root, classes[root], "silence") for pk, at, lo, hi, root in rows], self.at)
        fresh = np.array(list(Outage.objects.filter(pk__gt=before, ended_at=None).values_list("object_id", "pk")), np.int64).reshape(-1, 2)
        where = picture.forest.places(fresh[:, 0])
        picture.outage[where], picture.started[where] = fresh[:, 1], picture.silent[where]
        picture.hold[where] = 0
        self.changed = True

    def _coming_class(self, pk: int) -> str:
        matter = self.picture.matters.get(pk)
        if matter is None:
            return ""
        return matter.fault or (CLASS_OF[matter.found[0]][0].value if matter.found else "")
