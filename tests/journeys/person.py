"""A person at a browser without script: opens pages, fills in forms as they stand there, presses buttons. Real HTTP, nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
from lxml import html


class Person:
    """One log-in at one address."""

    def __init__(self, address: str) -> None:
        self.client = httpx.Client(base_url=address, timeout=120, follow_redirects=True, trust_env=False)
        self.answer: httpx.Response | None = None
        self.tree: Any = None

    def log_in(self, username: str, password: str) -> Person:
        self.open("/account/login/")
        self.submit("", username=username, password=password)
        assert "login" not in str(self.answer.url), self.text[:300]  # type: ignore[union-attr]
        return self

    def open(self, address: str) -> Person:
        """Open a page; it must answer 200."""
        return self._arrive(self.client.get(address))

    def status(self, address: str) -> int:
        return self.client.get(address).status_code

    @property
    def text(self) -> str:
        """What can be read on the page, white space folded."""
        return re.sub(r"\s+", " ", self.tree.text_content())

    def link(self, words: str) -> str:
        """The address of the first link whose text contains the words."""
        for link in self.tree.xpath("//a[@href]"):
            if words in link.text_content():
                return urljoin(str(self.answer.url), link.get("href"))  # type: ignore[union-attr]
        raise AssertionError(f"no link “{words}” on {self.answer.url}")  # type: ignore[union-attr]

    def follow(self, words: str) -> Person:
        return self.open(self.link(words))

    def submit(self, action: str, button: str = "", files: dict[str, Path] | None = None, **fields: Any) -> Person:
        """Fill in the form whose action contains `action` (or that has a button with these words) and send it."""
        form = self._form(action, button, set(fields))
        data: dict[str, Any] = {}
        for name, value in form.form_values():
            data.setdefault(name, []).append(value)
        data.update(fields)
        pressed = [one for one in form.xpath(".//button[@name]") if button and button == one.text_content().strip()]
        if pressed:
            data[pressed[0].get("name")] = pressed[0].get("value", "")
        target = urljoin(str(self.answer.url), form.get("action") or "")  # type: ignore[union-attr]
        headers = {"Referer": str(self.answer.url)}  # type: ignore[union-attr]
        if (form.get("method") or "get").lower() == "get":
            return self._arrive(self.client.get(target, params=data))
        opened = {name: (path.name, path.read_bytes()) for name, path in (files or {}).items()}
        return self._arrive(self.client.post(target, data=data, files=opened or None, headers=headers))

    def _form(self, action: str, button: str, names: set[str]) -> Any:
        for form in self.tree.xpath("//form"):
            has = {element.get("name") for element in form.xpath(".//*[@name]")}
            words = " ".join(one.text_content() for one in form.xpath(".//button"))
            if action in (form.get("action") or "") and (not button or button in words) and names <= has:
                return form
        shown = [(form.get("action"), sorted({e.get("name") for e in form.xpath(".//*[@name]")})) for form in self.tree.xpath("//form")]
        raise AssertionError(f"no form with action “{action}”, button “{button}”, fields {names} on {self.answer.url}: {shown}")  # type: ignore[union-attr]

    def _arrive(self, answer: httpx.Response) -> Person:
        assert answer.status_code == 200, f"{answer.request.method} {answer.url}: {answer.status_code}\n{_readable(answer)[:1500]}"
        self.answer = answer
        self.tree = html.fromstring(answer.text) if "html" in answer.headers.get("content-type", "") else None
        return self


def _readable(answer: httpx.Response) -> str:
    if "html" not in answer.headers.get("content-type", ""):
        return answer.text
    return re.sub(r"\s+", " ", str(html.fromstring(answer.text).text_content()))
