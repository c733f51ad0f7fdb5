"""How this device wishes to read: letter size, saving traffic, playing on Wi-Fi only.

Kept in three cookies of the device and nowhere else; nothing here tells who reads (idea 6).
"""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

LETTERS_PX = (18, 22, 24, 30)
"""Sizes of the running text. 18 is the least; 24 and more are the elder version 长辈版 (requirements c8)."""
ELDER_PX = 24
KEPT_S = 400 * 86400
"""Browsers keep a cookie 400 days at most."""


@dataclass(frozen=True)
class Preferences:
    """What the device asked for; the defaults for a device that asked nothing."""

    letters_px: int = LETTERS_PX[0]
    saving: bool = False
    wifi_only: bool = False

    @property
    def elder(self) -> bool:
        return self.letters_px >= ELDER_PX


def preferences_of(request: HttpRequest) -> Preferences:
    letters = request.COOKIES.get("letters", "")
    return Preferences(
        letters_px=int(letters) if letters in map(str, LETTERS_PX) else LETTERS_PX[0],
        saving=request.COOKIES.get("saving") == "1",
        wifi_only=request.COOKIES.get("wifi") == "1",
    )


def keep_preferences(response: HttpResponse, wished: Preferences) -> None:
    """Set the three cookies; a default is kept by having none."""
    values = {
        "letters": str(wished.letters_px) if wished.letters_px != LETTERS_PX[0] else "",
        "saving": "1" if wished.saving else "",
        "wifi": "1" if wished.wifi_only else "",
    }
    for name, value in values.items():
        if value:
            response.set_cookie(name, value, max_age=KEPT_S, samesite="Lax", httponly=name != "wifi")
        else:
            response.delete_cookie(name, samesite="Lax")
