"""Write doors.py anew from the views as they are: run it after adding a view, and read the difference before committing it."""

from __future__ import annotations

from tests.architecture import house
from yuanjiao.people.rules import Permission

HEAD = '''"""The authorisation matrix: each route and what it asks for. Read every change of this file as a change of who may do what."""

from __future__ import annotations

from yuanjiao.people.access import ANYBODY, MACHINE, PUBLIC
from yuanjiao.people.rules import Permission as P

DOORS: dict[str, object] = {
'''

TAIL = """
}

__all__ = ["ANYBODY", "DOORS", "MACHINE", "PUBLIC"]
"""


def main() -> None:
    lines = []
    for name, pattern in sorted(house.views(), key=lambda pair: pair[0]):
        door = getattr(pattern.callback, "door", None)
        if isinstance(door, tuple):
            names = ", ".join(f"P.{Permission(one).name}" for one in door)
            lines.append(f'    "{name}": frozenset({{{names}}}),')
        else:
            lines.append(f'    "{name}": {str(door).upper()},')
    target = house.ROOT / "tests/architecture/doors.py"
    target.write_text(HEAD + "\n".join(lines) + TAIL)


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yuanjiao.wiring.settings")
    import django

    django.setup()
    main()
