"""What must be found: a strike whose silence an honest observer must have noticed, being longer than period, grace and one sweep, and
which nothing above it explains rightly. Where two strikes fall together so that nobody can tell them apart, nothing is asked.
"""

from __future__ import annotations

from yuanjiao.simulation.judge import beats
from yuanjiao.simulation.judge.beats import GRACE_S, PERIOD_S, SWEEP_S
from yuanjiao.simulation.judge.bench import Bench
from yuanjiao.simulation.judge.office import MOVE
from yuanjiao.simulation.judge.oracle import Dark
from yuanjiao.simulation.judge.truth import EDGE, LINE, PLAY, SITE, UPLINK, Strike, Truth, sites_of

WAIT_S = PERIOD_S + GRACE_S


def together_s(wait: float) -> float:
    """Silences that begin within this time of each other may rightly be held for one."""
    return 3 * wait


def all_notice_s(wait: float) -> float:
    """A cut of this length is noticed at every site behind it that has this period and grace at the most."""
    return 2 * wait + SWEEP_S + beats.LATE_S


def stayed_s(wait: float) -> float:
    """So long after what is above came back, what is still dark has a cause of its own."""
    return 4 * wait


def edges_of(truth: Truth, code: str) -> list[str]:
    """The edges that an object hangs on, or that hang on it."""
    return truth.edges_on(code) or [edge_of(code)]


def edge_of(code: str) -> str:
    return f"E-{code[2:8]}"


def line_of(code: str) -> str:
    return f"L-{code[2:11]}"


def is_set_apart(truth: Truth, strike: Strike) -> bool:
    """Whether announced work covered the strike from beginning to end, or its site was suspended for a part of it."""
    above = {strike.code, line_of(strike.code), *(code for edge in edges_of(truth, strike.code) for code in (edge, truth.uplinks[edge]))}
    if strike.kind == UPLINK:
        above = {strike.code}
    if any(work.code in above and work.start <= strike.end and strike.start <= work.end for work in truth.works):
        return True
    if strike.kind not in {SITE, PLAY}:
        return False
    acts = [act for act in truth.acts if act.code == strike.code and act.what != MOVE]
    return any(act.holds_from - truth.longest_wait <= strike.end for act in acts)


def must_be_found(bench: Bench, strike: Strike) -> bool:
    """Whether an honest observer must name the struck object as a root."""
    if strike.kind == SITE:
        return _site_must(bench, strike)
    return _line_must(bench, strike) if strike.kind == LINE else _edge_must(bench, strike)


def is_noticeable(bench: Bench, strike: Strike) -> bool:
    """Whether anything fell silent while it lasted."""
    if strike.kind in {EDGE, UPLINK}:
        rows = [dark for edge in bench.truth.edges_on(strike.code) for dark in bench.edge_dark[edge]]
    else:
        sites = [site for site in sites_of(bench.truth, edge_of(strike.code)) if strike.code in {site.code, site.line}]
        rows = [dark for site in sites for dark in bench.stories[site.code][1]]
    return any(dark.start < strike.end and strike.start < dark.end for dark in rows)


def _site_must(bench: Bench, strike: Strike) -> bool:
    """A silence of its own: no cut of its line near it, or one that came well after it was noticed, or that ended well before."""
    line, wait = line_of(strike.code), bench.truth.longest_wait
    cuts = list(bench.truth.broken_of(line))
    for dark in bench.stories[strike.code][1]:
        if not (dark.start < strike.end and strike.start < dark.end) or _another(bench.truth, strike, dark):
            continue
        near = [cut for cut in cuts if cut[0] < dark.end + together_s(wait) and cut[1] > dark.start - together_s(wait)]
        if not near or (strike.start + together_s(wait) < near[0][0] and dark.noticed < near[0][0]):
            return True
        if all(cut[1] + stayed_s(wait) < min(strike.end, dark.end) and cut[0] > strike.start - together_s(wait) for cut in near):
            return True
    return False


def _another(truth: Truth, strike: Strike, dark: Dark) -> bool:
    """Whether another strike on the same site began the silence, or none of this one's time made it."""
    rows = [row for row in truth.strikes_on(strike.code) if row.start < dark.end and dark.start < row.end]
    return max(rows, key=lambda row: row.seconds) != strike


def _line_must(bench: Bench, strike: Strike) -> bool:
    """A cut while its edge listens, long enough for every site behind it, and with at least two sites that fell silent by it."""
    truth, edge = bench.truth, edge_of(strike.code)
    sites = [site for site in sites_of(truth, edge) if site.line == strike.code]
    longest = max((truth.wait(site.code) for site in sites), default=WAIT_S)
    for start, end in beats.listening(truth, edge):
        begin, finish = max(start, strike.start), min(end, strike.end)
        if finish - begin < all_notice_s(longest):
            continue
        near = [(begin - truth.wait(site.code), begin + truth.wait(site.code), bench.stories[site.code][1]) for site in sites]
        if sum(any(first <= dark.start <= last for dark in darks) for first, last, darks in near) >= 2:
            return True
    return False


def _edge_must(bench: Bench, strike: Strike) -> bool:
    """The silence of an edge (of any edge on a cut uplink) near which nothing else befell it, its uplink, or what shares that."""
    truth = bench.truth
    for edge in truth.edges_on(strike.code):
        codes = {edge, truth.uplinks[edge]} | ({*truth.edges_on(strike.code)} if strike.kind == UPLINK else set())
        others = [row for code in codes for row in truth.strikes_on(code) if row != strike]
        for dark in bench.edge_dark[edge]:
            inside = min(dark.end, strike.end) - max(dark.start, strike.start)
            if inside > 0 and not any(row.start < dark.end + WAIT_S and row.end > dark.start - WAIT_S for row in others):
                return True
    return False
