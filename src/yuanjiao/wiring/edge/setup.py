"""`yuanjiao edge setup`: from an empty machine to an edge that is enrolled and starts with it; again and again, with the same end.

1. Nothing is written before everything was looked at. 2. Whatever is as it should be is left alone and said so.
3. What was chosen is kept and holds the next time too, where nothing else is said.
4. The code is used once and kept nowhere; enrolment runs as the service's own user, so that key and database are its own.
"""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from yuanjiao.lib.errors import Refused
from yuanjiao.wiring.edge.checks import checks, runs_here
from yuanjiao.wiring.edge.chosen import CHOSEN, Chosen
from yuanjiao.wiring.edge.files import Step, Wanted, below, settings_text, settle
from yuanjiao.wiring.edge.fronts import Front, front_files, settings_of
from yuanjiao.wiring.edge.unit import CLOCK_NAME, HIDDEN, NAME, TIMER, TIMER_NAME, clock_unit_text, software_folder, unit_text

SETTINGS = Path("/etc/yuanjiao/yuanjiao.env")
START_S = 30
"""How long a start may take until it answers."""
WRAPPER = Path("/usr/local/sbin/yuanjiao-edge")
WRAPPER_TEXT = """\
#!/bin/sh
# 以本边缘服务器的设置和用户运行 yuanjiao 命令，如 yuanjiao-edge journal status
set -a; . {settings}; [ ! -f {settings_here} ] || . {settings_here}; set +a
python={executable}
[ ! -x {current}/bin/python ] || python=$(readlink -f {current})/bin/python
cd {home} && exec runuser -u {user} -- "$python" -m yuanjiao.wiring "$@"
"""


@dataclass(frozen=True)
class Plan:
    """What whoever installs has asked for. `root` is `/`, or where an image or a test is built."""

    chosen: Chosen
    code: str
    root: Path
    start: bool

    def __post_init__(self) -> None:
        self.front  # noqa: B018  what cannot stand in front is refused before anything is looked at
        ca = self.chosen.parent_ca
        if ca and (not ca.startswith("/") or (self.on_this_machine and ca.startswith((*HIDDEN, "/tmp/", "/var/tmp/")))):
            raise Refused(f"服务看不见 {ca}：请把上级的根证书放到 /etc/yuanjiao/ 之下，用绝对路径写明")

    @property
    def parent(self) -> str:
        return self.chosen.parent

    @property
    def home(self) -> Path:
        return Path(self.chosen.home)

    @property
    def user(self) -> str:
        return self.chosen.user

    @property
    def port(self) -> int:
        return self.chosen.port

    @property
    def name(self) -> str:
        return self.chosen.name

    @property
    def front(self) -> Front | None:
        """The server in front. Refused when something of it is missing."""
        its = self.chosen
        if its.tls == "none":
            return None
        return Front(its.tls, its.host, its.port, public=its.public, certificate=its.certificate, key=its.certificate_key)

    @property
    def on_this_machine(self) -> bool:
        return self.root == Path("/")

    @property
    def address(self) -> str:
        """Behind a server in front nobody but it is answered; without one the local network is."""
        return "127.0.0.1" if self.front else "0.0.0.0"


def set_up(plan: Plan) -> Iterator[Step]:
    """Do all of it, saying each step; stops after the checks when one of them is not well."""
    home, its = below(plan.root, plan.home), plan.chosen
    found = list(
        checks(root=plan.root, home=home, parent=plan.parent, code=plan.code, address=plan.address, port=plan.port, ca=its.parent_ca)
    )
    yield from found
    if not all(step.ok for step in found):
        return
    joined_there, former = _joined(plan, home), _environment(plan.root).get("YUANJIAO_PARENT", "")
    if not (joined_there or plan.code):
        yield Step("还没有登记，什么都没有写：请向上级要一个登记码，加 --code 再运行一次", False, "上级管理员")
        return
    if plan.on_this_machine:
        yield _user(plan)
    has_caddyfile = below(plan.root, Path("/etc/caddy/Caddyfile")).exists()
    settled = list(settle(plan.root, files(plan, has_caddyfile=has_caddyfile)))
    yield from settled
    if plan.front and plan.front.kind == "caddy" and has_caddyfile:
        yield _caddyfile(plan)
    joined = Step(f"已在上级 {plan.parent} 登记") if joined_there else _join(plan, home, former)
    yield joined
    if joined.ok:
        yield from _start(plan, changed=not joined_there or any(step.changed for step in settled))


def files(plan: Plan, *, has_caddyfile: bool = False) -> Iterator[Wanted]:
    """Everything that is written on the machine."""
    values = {"ROLE": "edge", "HOME": str(plan.home), "PARENT": plan.parent, "NAME": plan.name}
    values |= {"PARENT_CA": plan.chosen.parent_ca} if plan.chosen.parent_ca else {}
    values |= settings_of(plan.front) if plan.front else {"HOSTS": "*"}  # boxes of the local network name it as they like
    unit = unit_text(user=plan.user, home=plan.home, settings=SETTINGS, address=plan.address, port=plan.port)
    wrapper = WRAPPER_TEXT.format(
        settings=SETTINGS,
        settings_here=SETTINGS.with_name("local.env"),
        home=plan.home,
        user=plan.user,
        executable=sys.executable,
        current=software_folder(plan.home) / "current",
    )
    yield Wanted(plan.home, None, 0o750, plan.user, plan.user)
    yield Wanted(SETTINGS, settings_text(values), 0o640, "root", plan.user)
    yield Wanted(CHOSEN, plan.chosen.text(), 0o644)
    yield Wanted(Path("/etc/systemd/system") / NAME, unit, 0o644)
    yield Wanted(WRAPPER, wrapper, 0o755)
    if plan.chosen.set_clock:
        folder, clock = Path("/etc/systemd/system"), clock_unit_text(user=plan.user, home=plan.home, settings=SETTINGS)
        yield Wanted(folder / CLOCK_NAME, clock, 0o644)
        yield Wanted(folder / TIMER_NAME, TIMER, 0o644)
    if plan.front:
        yield from front_files(plan.front, has_caddyfile=has_caddyfile)


def _user(plan: Plan) -> Step:
    if not _is_there(plan.user):
        shell = "/usr/sbin/nologin"
        line = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", str(plan.home), "--shell", shell, plan.user]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Refused(f"不能建立用户 {plan.user}：{done.stderr.strip()}")
        return Step(f"用户 {plan.user}：已建立")
    return Step(f"用户 {plan.user}：已有")


def _is_there(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _caddyfile(plan: Plan) -> Step:
    text = below(plan.root, Path("/etc/caddy/Caddyfile")).read_text(encoding="utf-8")
    if "import yuanjiao.caddy" in text or "import /etc/caddy/yuanjiao.caddy" in text:
        return Step("/etc/caddy/Caddyfile：已引入 yuanjiao.caddy")
    return Step("/etc/caddy/Caddyfile 里已有别的内容，没有改动：请在其中加一行 import yuanjiao.caddy", False, "装机的人")


def _joined(plan: Plan, home: Path) -> bool:
    """Whether this HOME is enrolled, and at that parent: by the settings as they were, and by what its database says."""
    settings = below(plan.root, SETTINGS)
    same = settings.is_file() and f"YUANJIAO_PARENT='{plan.parent}'\n" in settings.read_text(encoding="utf-8")
    database = (home / "yuanjiao.sqlite3").exists() or _environment(plan.root).get("YUANJIAO_DATABASE")
    if not (same and database and (home / "node.key").exists()):
        return False
    said = _run(plan, home, "nodes", "list").stdout
    return any(line.startswith("上级\t") for line in said.splitlines())


def _join(plan: Plan, home: Path, former: str) -> Step:
    """Enrol; a machine that has a parent elsewhere (`--change --parent`) moves from there instead."""
    asked = ("--parent", plan.parent, "--code", plan.code)
    has_parent = any(line.startswith("上级\t") for line in _run(plan, home, "nodes", "list").stdout.splitlines()) if former else False
    done = _run(plan, home, "nodes", "move", *asked, "--from", former) if has_parent else _run(plan, home, "enrol", *asked)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["没有说明原因"]
        again = f"；改好后运行 yuanjiao-edge nodes move --parent {plan.parent} --from {former} --code 登记码" if has_parent else ""
        return Step(f"登记没有成功：{reason[0].removeprefix('CommandError: ')}{again}", False, "上级管理员")
    return Step(done.stdout.strip().splitlines()[-1].split("。")[0])


def _run(plan: Plan, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A `yuanjiao` command of this edge, as its user."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("YUANJIAO_")}
    environment |= _environment(plan.root)
    environment |= {"YUANJIAO_HOME": str(home), "YUANJIAO_ROLE": "edge", "YUANJIAO_PARENT": plan.parent, "YUANJIAO_NAME": plan.name}
    line = [_python(home), "-m", "yuanjiao.wiring", *arguments]
    owner = plan.user if plan.on_this_machine and _is_there(plan.user) else None
    extra: list[str] | None = [] if owner else None
    return subprocess.run(
        line, env=environment, cwd=home, capture_output=True, text=True, check=False, user=owner, group=owner, extra_groups=extra
    )


def _python(home: Path) -> str:
    """Of the release that serves: its database may be newer than this installation."""
    current = (software_folder(home) / "current").resolve() / "bin/python"
    return str(current) if current.exists() else sys.executable


def _environment(root: Path) -> dict[str, str]:
    """What both settings files say, as the service reads them: a database of its own stands in local.env."""
    said = dict[str, str]()
    for path in (below(root, SETTINGS), below(root, SETTINGS.with_name("local.env"))):
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
            name, equals, value = line.strip().partition("=")
            if equals and not name.startswith(("#", ";")):
                said[name.removeprefix("export ").strip()] = _unquoted(value, path)
    return said


def _unquoted(value: str, path: Path) -> str:
    try:
        return " ".join(shlex.split(value))
    except ValueError:
        raise Refused(f"{path} 中有一行引号不成对：{value}") from None


def _start(plan: Plan, *, changed: bool) -> Iterator[Step]:
    systemctl = shutil.which("systemctl")
    if not (plan.start and plan.on_this_machine and systemctl and Path("/run/systemd/system").is_dir()):
        yield Step("没有启动：在那台机器上运行 systemctl daemon-reload && systemctl enable --now yuanjiao")
        return
    begun = list(_bring_up(systemctl, plan.port, changed=changed))
    yield from begun
    yield _keep_clock(systemctl, set_clock=plan.chosen.set_clock)
    if plan.front and all(step.ok for step in begun):
        yield Step(f"请让前面的服务器读入新配置：systemctl reload {plan.front.kind}")


def _bring_up(systemctl: str, port: int, *, changed: bool) -> Iterator[Step]:
    """Started again only when something is other than it was; installed is what answers."""
    runs = subprocess.run([systemctl, "is-active", "--quiet", NAME], check=False).returncode == 0
    for line in (["daemon-reload"], ["enable", NAME], *([["restart", NAME]] if changed or not runs else [])):
        done = subprocess.run([systemctl, *line], capture_output=True, text=True, check=False)
        if done.returncode:
            yield Step(f"systemctl {' '.join(line)}：{done.stderr.strip()}", False, "装机的人")
            return
    if _answers(port):
        yield Step("服务已启动并有应答，开机时自动启动")
    else:
        yield Step(f"服务已启动，但 {START_S} 秒内没有应答：请看 journalctl -u yuanjiao -n 50", False, "装机的人")


def _keep_clock(systemctl: str, *, set_clock: bool) -> Step:
    """The timer runs when it was asked for, and not when it was asked for no longer."""
    if set_clock:
        done = subprocess.run([systemctl, "enable", "--now", TIMER_NAME], capture_output=True, text=True, check=False)
        words = "本机时钟按上级校正，每半小时一次" if done.returncode == 0 else f"systemctl enable {TIMER_NAME}：{done.stderr.strip()}"
        return Step(words, done.returncode == 0, "装机的人")
    if Path("/etc/systemd/system", TIMER_NAME).exists():
        subprocess.run([systemctl, "disable", "--now", TIMER_NAME], capture_output=True, check=False)
        return Step("本机时钟不再按上级校正")
    return Step("本机时钟不由远教校正（要的话加 --set-clock）")


def _answers(port: int) -> bool:
    until = time.monotonic() + START_S
    while not runs_here(port):
        if time.monotonic() > until:
            return False
        time.sleep(1)
    return True
