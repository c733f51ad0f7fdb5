"""Small real wheels of a small real server, which stands for this software where the whole of it would only take time.

It keeps numbered entries in an SQLite file in HOME, tells each to a file that stands for the parent, and asks of its database what ours
asks: an older release does not run on a newer one. How it ails says its `AILS`.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "src"
SERVER = """
import http.server, os, shutil, sqlite3, sys, threading, time, uuid
from pathlib import Path

VERSION, SCHEMA, AILS = "{version}", {schema}, "{ails}"
HOME = Path(os.environ["YUANJIAO_HOME"])
PRESENT = HOME / "yuanjiao.sqlite3"


def opened():
    return sqlite3.connect(PRESENT, timeout=10, isolation_level=None)


def migrate():
    with opened() as database:
        if database.execute("PRAGMA user_version").fetchone()[0] > SCHEMA:
            sys.exit("the database is newer than " + VERSION)
        database.execute("CREATE TABLE IF NOT EXISTS entry (seq INTEGER PRIMARY KEY, word TEXT)")
        if SCHEMA > 1:
            database.execute("CREATE TABLE IF NOT EXISTS added (what TEXT)")
        database.execute(f"PRAGMA user_version={{SCHEMA}}")


def record_and_tell():
    database, told = opened(), open(HOME / "parent.txt", "a")
    while True:
        word = VERSION + " " + uuid.uuid4().hex
        seq = database.execute("INSERT INTO entry (word) VALUES (?) RETURNING seq", [word]).fetchone()[0]
        print(seq, word, file=told, flush=True)
        time.sleep(0.02)


class Doors(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(VERSION.encode())

    def log_message(self, *_):
        pass


def serve(arguments):
    if AILS == "dies at once":
        sys.exit("I am not well")
    migrate()
    if AILS == "dies after it has migrated" or (AILS == "dies in earnest" and not (HOME.name == "rehearsal")):
        sys.exit("I migrated and am not well")
    if AILS == "never answers":
        time.sleep(600)
    if "--trial" not in arguments:
        threading.Thread(target=record_and_tell, daemon=True).start()
    port = int(arguments[arguments.index("--port") + 1])
    http.server.ThreadingHTTPServer.allow_reuse_address = True
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Doors).serve_forever()


match sys.argv[1:]:
    case ["serve", *arguments]:
        serve(arguments)
    case ["software", "keep", folder]:
        opened().execute("VACUUM INTO ?", [folder + "/database.sqlite3"])
    case ["software", "put-back", folder]:
        shutil.copy(folder + "/database.sqlite3", HOME / "part")
        for ending in ("-wal", "-shm", "-journal"):
            Path(str(PRESENT) + ending).unlink(missing_ok=True)
        os.replace(HOME / "part", PRESENT)
"""


def contents(version: str, *, schema: int = 1, ails: str = "", migrations: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Files of the package, by their names; `migrations` as `app/name`."""
    found = {"yuanjiao/__init__.py": b"", "yuanjiao/wiring/__init__.py": b""}
    found["yuanjiao/wiring/__main__.py"] = SERVER.format(version=version, schema=schema, ails=ails).encode()
    return found | {f"yuanjiao/{one.replace('/', '/migrations/')}.py": b"" for one in migrations}


def wheel(folder: Path, version: str, *, tag: str = "py3-none-any", name: str = "yuanjiao", needs: str = "", **how: object) -> Path:
    """A wheel as pip takes it."""
    files = contents(version, **how) if name == "yuanjiao" else {f"{name}.py": b"HERE = True\n"}  # type: ignore[arg-type]
    return _packed(folder, name, version, tag, files, f"Requires-Dist: {needs}\n" if needs else "")


def _packed(folder: Path, name: str, version: str, tag: str, files: dict[str, bytes], needs: str) -> Path:
    about = f"{name}-{version}.dist-info"
    files[f"{about}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}".encode()
    files[f"{about}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n".encode()
    lines = [f"{path},sha256={_digest(content)},{len(content)}" for path, content in files.items()]
    files[f"{about}/RECORD"] = "\n".join([*lines, f"{about}/RECORD,,", ""]).encode()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, content in files.items():
            archive.writestr(inside, content)
    return path


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


def environment(folder: Path, version: str, **how: object) -> Path:
    """A release as it lies in the keeper's folder, without the way through pip."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    for inside, content in contents(version, **how).items():  # type: ignore[arg-type]
        (packages / inside).parent.mkdir(parents=True, exist_ok=True)
        (packages / inside).write_bytes(content)
    return folder


def copied(source: Path, target: Path) -> Path:
    """Environments can be moved as long as nobody asks for their scripts."""
    shutil.copytree(source, target, symlinks=True)
    return target


def whole_wheel(folder: Path, version: str, *, instead: dict[str, bytes] | None = None) -> Path:
    """This software as it lies here, as a wheel; `instead`: other bytes for some of its files."""
    files = {str(path.relative_to(SOURCES)): path.read_bytes() for path in sorted(SOURCES.rglob("*")) if path.is_file() and _belongs(path)}
    files |= instead or {}
    project = tomllib.loads((SOURCES.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needs = "".join(f"Requires-Dist: {need}\n" for need in project["dependencies"])
    return _packed(folder, "yuanjiao", version, "py3-none-any", files, needs)


def _belongs(path: Path) -> bool:
    return "__pycache__" not in path.parts and not any(part.endswith(".egg-info") for part in path.parts)
