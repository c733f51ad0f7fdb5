"""The lists that are data: taxonomies and their topics (CW16), the reviewers' checklist (CW19), how many reviews are asked (CW17)."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from yuanjiao.courseware.models import ChecklistLine, ReviewPolicy, Taxonomy, Topic
from yuanjiao.courseware.rules.kinds import MATERIALS
from yuanjiao.courseware.rules.life import MOST_ROUNDS
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Forbidden, Refused
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import Division
from yuanjiao.places.queries import divisions
from yuanjiao.places.rules import Level

USUAL_TOPICS = (
    ("subject", "主题", (
        ("party", "党的建设"), ("policy", "政策法规"), ("farming", "农业技术"), ("trade", "电商营销"), ("health", "卫生健康"),
        ("culture", "文化生活"), ("law", "法治安全"), ("work", "务工就业"), ("school", "学校教育"),
    )),
    ("audience", "受众", (
        ("members", "党员"), ("cadres", "村社干部"), ("farmers", "种养农户"), ("women", "妇女儿童"), ("elders", "老年群众"),
        ("migrants", "外出务工人员"), ("teachers", "教师"), ("pupils", "学生"),
    )),
    ("interaction", "互动形式", (
        ("listen", "讲授"), ("show", "现场示范"), ("talk", "座谈问答"), ("play", "文艺演出"), ("exercise", "动手练习"),
    )),
)  # fmt: skip
USUAL_LINES = (
    ("政治方向正确，表述规范", ""), ("事实、数据准确，有出处", ""), ("没有涉密内容和个人隐私", ""), ("版权和授权手续齐全", ""),
    ("文字、字幕、读音没有差错", ""), ("画面和声音清楚", ""), ("内容适合所标的对象和年龄", ""),
    ("外方教材经过审查，没有不当内容", "joint"), ("符合课程标准和学段要求", "school"),
)  # fmt: skip


@transaction.atomic
def ensure_usual_lists(*, by: Actor, at: datetime) -> int:
    """Lay down the usual topics and checklist where there are none yet; returns how many rows were made."""
    _require_city(by, at)
    made = 0
    for place, (code, name, topics) in enumerate(USUAL_TOPICS, 1):
        taxonomy, _new = Taxonomy.objects.get_or_create(code=code, defaults={"name": name, "order": place * 10})
        for number, (topic, words) in enumerate(topics, 1):
            _row, new = Topic.objects.get_or_create(code=topic, defaults={"taxonomy": taxonomy, "name": words, "order": number * 10})
            made += new
    for number, (text, material) in enumerate(USUAL_LINES, 1):
        _line, new = ChecklistLine.objects.get_or_create(text=text, material=material, defaults={"order": number * 10})
        made += new
    if made:
        write_audit(by=by, action="载入常用清单", subject="课件分类与审核清单", at=at)
    return made


def _require_city(by: Actor, at: datetime) -> None:
    """These lists are one for everybody: who manages the columns of the whole keeps them, not a county that manages its own."""
    by.require(Permission.MANAGE_COLUMNS)
    paths = by.paths(Permission.MANAGE_COLUMNS)
    if "/" not in paths and not divisions(on=local_day(at)).filter(path__in=paths, level__lte=Level.CITY).exists():
        raise Forbidden("主题标签和审核清单全市通用，由市里维护")


@transaction.atomic
def add_topic(*, taxonomy: Taxonomy, name: str, by: Actor, at: datetime) -> Topic:
    """One more label at the end of a taxonomy."""
    _require_city(by, at)
    words = name.strip()
    if not words or len(words) > 20:
        raise Refused("标签最多 20 字，不能为空")
    number = taxonomy.topics.count() + 1
    try:
        with transaction.atomic():
            row = Topic.objects.create(
                code=f"{taxonomy.code}-{number}-{at:%Y%m%d%H%M%S}"[:30], taxonomy=taxonomy, name=words, order=number * 10
            )
    except IntegrityError:
        raise Conflict(f"“{taxonomy.name}”里已有标签“{words}”") from None
    write_audit(by=by, action="增加标签", subject=f"{taxonomy.name}：{words}", at=at)
    return row


@transaction.atomic
def end_topic(*, topic: Topic, ended: bool, by: Actor, at: datetime) -> None:
    """Offer a label no more, or again; items that carry it keep it."""
    _require_city(by, at)
    Topic.objects.filter(pk=topic.pk).update(ended=ended)
    write_audit(by=by, action="停用标签" if ended else "恢复标签", subject=topic.name, at=at)


@transaction.atomic
def add_checklist_line(*, text: str, material: str, by: Actor, at: datetime) -> ChecklistLine:
    """One more question for reviewers: of every item, or of one kind of teaching material."""
    _require_city(by, at)
    words = text.strip()
    if not words or len(words) > 100:
        raise Refused("检查内容最多 100 字，不能为空")
    if material and material not in dict(MATERIALS):
        raise Refused("没有这种教材")
    row, made = ChecklistLine.objects.get_or_create(
        text=words, material=material, defaults={"order": 10 * ChecklistLine.objects.count() + 10}
    )
    if not made and not row.ended:
        raise Conflict("清单里已有这一条")
    ChecklistLine.objects.filter(pk=row.pk).update(ended=False)
    write_audit(by=by, action="增加审核清单", subject=words, at=at)
    return row


@transaction.atomic
def end_checklist_line(*, line: ChecklistLine, by: Actor, at: datetime) -> None:
    """Ask a question no more; answers that were given stay."""
    _require_city(by, at)
    ChecklistLine.objects.filter(pk=line.pk).update(ended=True)
    write_audit(by=by, action="停用审核清单", subject=line.text, at=at)


@transaction.atomic
def set_review_rounds(*, division: Division, rounds: int, by: Actor, at: datetime) -> ReviewPolicy:
    """How many reviews by different persons the items of this division's units need from their next submission on."""
    by.require(Permission.MANAGE_COLUMNS, division.path)
    if not 1 <= rounds <= MOST_ROUNDS:
        raise Refused(f"审核级数为 1 至 {MOST_ROUNDS}")
    row, _made = ReviewPolicy.objects.update_or_create(division=division, defaults={"rounds": rounds})
    write_audit(by=by, action="设定审核级数", subject=f"{division.name} {rounds} 审", at=at)
    return row
