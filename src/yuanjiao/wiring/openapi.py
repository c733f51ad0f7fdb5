"""The description of the doors machines knock at (OpenAPI 3.1), made from one table and the structs the doors read and write.

What a door asks for and answers is said here once; `tests/architecture/test_schemathesis.py` lets a server answer thousands of questions
made up from it. Pages for people are not described: their forms are their description.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from yuanjiao.courseware.api import PART
from yuanjiao.flow.blobs.inviting import Ask, Sources
from yuanjiao.flow.blobs.pack_door import MEDIA_TYPE as PACK
from yuanjiao.flow.blobs.ticket import HEADER as TICKET
from yuanjiao.flow.catalogue.bundle import TYPE as BUNDLE
from yuanjiao.flow.journal.receive import Answer as SegmentAnswer
from yuanjiao.flow.wire.join import Question, SignedWelcome
from yuanjiao.flow.wire.parents_time import Told
from yuanjiao.flow.wire.sealing import SEALED
from yuanjiao.flow.wire.signing import CLOCK, NODE, SIGNATURE, TIME
from yuanjiao.network.inputs import Heard, SiteBeat
from yuanjiao.network.rules.batch import COMPACT
from yuanjiao.people.access import machine

JSON, TEXT, HTML, BYTES = "application/json", "text/plain", "text/html", "application/octet-stream"
HLS, SEGMENT = "application/vnd.apple.mpegurl", "video/mp2t"


class Reason(msgspec.Struct, kw_only=True):
    """Why not, in Chinese for whoever reads the log; `retry_s` when it is worth asking again."""

    error: str
    message: str = ""
    retry_s: int | None = None


class NewestItem(msgspec.Struct):
    """The newest programme and the address of its playlist."""

    title: str
    address: str


@dataclass(frozen=True)
class Door:
    """One method of one address. `takes`: media type → struct or schema; `gives`: status → media type → struct, schema or None."""

    method: str
    path: str
    words: str
    gives: Gives
    takes: Mapping[str, Any] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    query: tuple[str, ...] = ()


Gives = dict[int, dict[str, Any]]
ANY: dict[str, Any] = {}
NOTHING: dict[str, Any] = {"": None}
STRING = {"type": "string"}
RAW = {"type": "string", "format": "binary"}
UID = {"type": "string", "format": "uuid"}
CODE = {"type": "string", "maxLength": 30}
WHERE: dict[str, dict[str, Any]] = {
    "uid": UID,
    "profile": {"type": "string", "pattern": "^[a-z0-9]{1,20}$"},
    "what": {"enum": ["started", "finished", "1", "2", "3", "4", "5"]},
    "name": {"type": "string", "pattern": r"^[0-9A-Za-z_.]{1,80}$"},
    "file": {"type": "string", "pattern": r"^[0-9a-z.]{1,40}$", "examples": ["timestamp.json", "1.root.json", "1.snapshot.json"]},
    "scope": {"type": "string", "pattern": r"^(all|[0-9]{12})$"},
    "list": {"enum": ["master", "picture", "sound"]},
    "run": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
    "segment": {"type": "string", "pattern": "^(picture|sound)-[0-9]{6}$"},
}
"""What may stand in the holes of an address."""
ASKED: dict[str, dict[str, Any]] = {
    "site": CODE,
    "key": {"type": "string", "maxLength": 60},
    "after": {"type": "integer", "minimum": 0, "maximum": 2**62},
    "sent_at": STRING,
    "boot_at": STRING,
    "ok": {"enum": ["0", "1"]},
    "step": STRING,
    "item": STRING,
}
QUERY = ASKED | {"after": {"type": "string", "pattern": "^[0-9]{1,18}$"}, "nonce": {"type": "string", "pattern": "^[0-9a-f]{32}$"}}
"""What may stand behind the question mark of an address; of a beat it may be a form as well."""
SIGNED = (NODE, TIME, CLOCK, SIGNATURE)
ACCESS = "Cookie sessionid"
NUMBER = {"type": "string", "pattern": "^[0-9]{1,18}$"}
LABELS: dict[str, dict[str, Any]] = {
    NODE: UID,
    TIME: NUMBER,
    CLOCK: NUMBER,
    SIGNATURE: {"type": "string", "contentEncoding": "base64", "pattern": "^[A-Za-z0-9+/]{86}==$"},
    "Range": {"type": "string", "pattern": "^bytes=[0-9]{0,9}-[0-9]{0,9}$"},
    "If-None-Match": {"type": "string", "pattern": '^"[0-9a-f]{64}"$'},
    TICKET: {"type": "string", "contentEncoding": "base64", "pattern": "^[A-Za-z0-9+/]{187}=$"},
    "Tus-Resumable": {"enum": ["1.0.0"]},
    "Upload-Length": NUMBER,
    "Upload-Offset": NUMBER,
    "Upload-Metadata": {"type": "string", "pattern": "^(filename|courseware|bulk) [A-Za-z0-9+/]{4,40}$"},
}
FORM = {
    "type": "object",
    "properties": {name: kind for name, kind in ASKED.items() if name != "after"},
    "required": ["site", "key"],
    "additionalProperties": False,
}
REASON: dict[str, Any] = {JSON: Reason}
LATER: Gives = {429: REASON, 503: REASON}
BEATS: Gives = {200: {JSON: Heard}, 400: REASON, 401: REASON, 403: REASON, 409: REASON, 413: REASON, **LATER}
PAGE: dict[str, Any] = {JSON: Reason, HTML: None}
MISSING: Gives = {404: {HTML: None, TEXT: None, JSON: None}}
FOUND: Gives = {200: {JSON: ANY}, 304: NOTHING, 404: {HTML: None}}
NOT_HERE: Gives = {302: {HTML: None}, 403: {HTML: None, TEXT: None}}
TUS: Gives = {**NOT_HERE, 400: {TEXT: None}, 404: {TEXT: None, HTML: None}, 409: {TEXT: None}, 412: {TEXT: None}}
LIST_LABELS: Gives = {200: {HLS: None}, **MISSING}
DOORS: tuple[Door, ...] = (
    Door("get", "/healthz", "进程在应答", {200: {TEXT: None}}),
    Door("get", "/readyz", "数据库可用且已升级", {200: {TEXT: None}, 503: {TEXT: None}}),
    Door("get", "/metrics", "Prometheus 指标：凭令牌，或从本机", {200: {TEXT: None}, 403: {TEXT: None}}),
    Door("get", "/api/openapi.json", "本说明", {200: {JSON: ANY}}),
    Door("get", "/beat", "一个站点的心跳，写在地址里", BEATS, query=("site", "key", "sent_at", "boot_at", "ok", "step", "item")),
    Door(
        "post",
        "/beat",
        "一个站点的心跳（JSON 或表单），或一个节点的一批心跳（密封，或请求已签名）",
        BEATS,
        takes={JSON: SiteBeat, "application/x-www-form-urlencoded": FORM, SEALED: RAW, COMPACT: RAW},
    ),
    Door(
        "post",
        "/journal",
        "一个日志段；请求须签名，应答说下一条要从哪里开始",
        {status: {JSON: SegmentAnswer} for status in (200, 400, 403, 404, 409, 422)}
        | {401: REASON, 408: REASON, 413: {JSON: ANY}, 503: REASON, 507: REASON},
        takes={BYTES: RAW},
        headers=SIGNED,
    ),
    Door(
        "get",
        "/journal",
        "把本节点所存的、提问节点自己的日志段还给它：第一个末尾在第 after 条之后的",
        {200: {BYTES: RAW}, 204: NOTHING, 400: REASON, 401: REASON, 503: REASON},
        headers=SIGNED,
        query=("after",),
    ),
    Door(
        "post",
        "/enrol",
        "凭一次性登记码登记一台机器",
        {200: {JSON: SignedWelcome}, 400: PAGE, 403: PAGE, 404: PAGE, 409: PAGE, 422: PAGE, 503: PAGE},
        takes={JSON: Question},
    ),
    Door(
        "get", "/time", "本节点的时刻，按提问者的随机数 nonce（32 位十六进制）签名",
        {200: {JSON: Told}, 400: PAGE}, query=("nonce",),
    ),
    Door(
        "get", "/catalogue/metadata/{file}", "目录的签名文件（TUF），对所有人公开", {**FOUND, 404: NOTHING}, headers=("If-None-Match",)
    ),
    Door(
        "get", "/catalogue/targets/{scope}/{name}", "目录文档或其分块：只给已登记、且在其范围内的节点",
        {**FOUND, 200: {JSON: ANY, BYTES: None, BUNDLE: None}, 401: {TEXT: None}}, headers=SIGNED,
    ),
    Door(
        "get", "/blobs/{name}", "按 SHA-256 取文件，可取一段，可续传",
        {200: {"*/*": None}, 206: {"*/*": None}, 304: NOTHING, 403: {"*/*": None}, 416: {"*/*": None}, 429: NOTHING, **MISSING},
        headers=("Range", "If-None-Match", TICKET),
    ),
    Door(
        "post", "/blobs/pack", "一次取许多小文件；请求须签名，应答是一个文件包（docs/flow.md）",
        {200: {PACK: None}, **dict.fromkeys((400, 401, 408, 413, 429), REASON)}, takes={BYTES: RAW}, headers=SIGNED,
    ),
    Door(
        "post", "/blobs/sources", "同县的哪些机器可能有这些文件；请求须签名，应答附给各机器看的凭条（docs/flow.md）",
        {200: {JSON: Sources}, **dict.fromkeys((400, 401, 413), REASON)}, takes={JSON: Ask}, headers=SIGNED,
    ),
    Door("get", "/play/newest.json", "最新的节目，供站点试播", {200: {JSON: NewestItem}, 204: NOTHING}),
    Door("get", "/play/{uid}/master.m3u8", "节目的主播放列表", {302: {HTML: None}, **LIST_LABELS}),
    Door("get", "/play/{uid}/{profile}.m3u8", "节目一种规格的播放列表", LIST_LABELS),
    Door("get", "/live/{uid}/master.m3u8", "频道的主播放列表", LIST_LABELS),
    Door("get", "/live/{uid}/{profile}.m3u8", "频道一种规格的播放列表", LIST_LABELS),
    Door("get", "/onair/{uid}/{list}.m3u8", "现场直播的播放列表", LIST_LABELS),
    Door("get", "/onair/{uid}/{run}/{segment}.ts", "现场直播的一段", {200: {SEGMENT: None}, **MISSING}),
    Door("get", "/relay/{uid}/{list}.m3u8", "下级节点转播用：直播的播放列表，附本节点的签名", LIST_LABELS),
    Door("get", "/relay/{uid}/{run}/{segment}.ts", "下级节点转播用：直播的一段，附本节点的签名", {200: {SEGMENT: None}, **MISSING}),
    Door("post", "/plays/{uid}/{what}/", "播放器报告开始、播完或评分；不记是谁", {204: NOTHING, 429: {HTML: None}, **MISSING}),
    Door(
        "post", "/courseware/uploads/", "开始一次续传上传（tus 1.0）；须已登录，并带 X-CSRFToken",
        {201: {HTML: None}, 413: {TEXT: None}, **TUS},
        headers=("Tus-Resumable", "Upload-Length", "Upload-Metadata"),
    ),
    Door("head", "/courseware/uploads/{uid}/", "已收到多少字节", {200: {HTML: None}, **TUS}, headers=("Tus-Resumable",)),
    Door(
        "patch", "/courseware/uploads/{uid}/", "接着传一部分",
        {204: NOTHING, 413: {TEXT: None}, 415: {TEXT: None}, 422: {TEXT: None}, 460: {TEXT: None}, **TUS},
        takes={PART: RAW}, headers=("Tus-Resumable", "Upload-Offset"),
    ),
    Door("delete", "/courseware/uploads/{uid}/", "放弃上传", {204: NOTHING, **TUS}, headers=("Tus-Resumable",)),
)  # fmt: skip


@lru_cache(maxsize=1)
def description() -> dict[str, Any]:
    """The whole of it as plain values."""
    structs = list({kind for door in DOORS for kind in _kinds(door)})
    _schemas, components = msgspec.json.schema_components(structs, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for door in DOORS:
        paths.setdefault(door.path, {})[door.method] = _operation(door)
    info = {"title": "远教：机器之间的接口", "version": "1", "description": "字节层面的约定见 docs/flow.md。"}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": {"schemas": components}}


def _kinds(door: Door) -> set[type]:
    said = [*door.takes.values(), *(kind for media in door.gives.values() for kind in media.values())]
    return {kind for kind in said if isinstance(kind, type)}


def _operation(door: Door) -> dict[str, Any]:
    holes = [part.split("}")[0] for part in door.path.split("{")[1:]]
    parameters = [{"name": name, "in": "path", "required": True, "schema": WHERE[name]} for name in holes]
    parameters += [{"name": name, "in": "query", "schema": QUERY[name]} for name in door.query]
    parameters += [{"name": name, "in": "header", "schema": LABELS[name]} for name in door.headers]
    found: dict[str, Any] = {"summary": door.words, "operationId": f"{door.method} {door.path}", "parameters": parameters}
    if door.takes:
        found["requestBody"] = {"required": True, "content": {media: {"schema": _schema(kind)} for media, kind in door.takes.items()}}
    found["responses"] = {str(status): _response(status, media) for status, media in door.gives.items()}
    return found


def _response(status: int, media: Mapping[str, Any]) -> dict[str, Any]:
    content = {name: {} if kind is None else {"schema": _schema(kind)} for name, kind in media.items() if name}
    words = {"description": STATUS_WORDS.get(status, "不接受，应答里有原因")}
    return {**words, "content": content} if content else words


STATUS_WORDS = {
    200: "成功",
    201: "已开始",
    204: "已收到，没有内容",
    206: "所要的一段",
    302: "请登录，或另有新版",
    304: "没有变化",
    401: "签名不被相信；错在时间的，应答里有本机的时间",
    404: "没有，或不在范围内",
    429: "过于频繁，请按所说的秒数再来",
    503: "暂时不能，请稍后再来",
    507: "磁盘空间不足",
}


def _schema(kind: Any) -> Any:
    return {"$ref": f"#/components/schemas/{kind.__name__}"} if isinstance(kind, type) else kind


@machine
@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """The description, for whoever writes a machine that speaks to this one."""
    del request
    return HttpResponse(msgspec.json.encode(description()), content_type=JSON, headers={"Cache-Control": "max-age=300"})
