"""The Senate's eFD site on loopback, as it was recorded: agreement, tokens, session, search pages and reports."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from cyberpi_assets_tests.sources.site import Asked, Reply

HOME = b"""<!DOCTYPE html><html><head><title>eFD: Home</title></head><body><form id="agreement_form" method="post">
<input type="hidden" name="csrfmiddlewaretoken" value="FORMTOKEN-masked"><input type="checkbox"
name="prohibition_agreement" value="1" id="agree_statement"></form></body></html>"""
COOKIE = "COOKIETOKEN"
FIND = "<html><head><title>eFD: Find Reports</title></head><body>search form</body></html>"
DATE = re.compile(r"\d\d/\d\d/\d{4} 00:00:00")


@dataclass
class EfdSite:
    """Answers as the site does. `lapse_after` ends a session after so many answers; `follows` shows the search page
    with HTTP 200 in place of the redirect, as a client that follows redirects would see it."""

    index: list[list[str]]
    documents: dict[str, bytes]
    lapse_after: int | None = None
    follows: bool = False
    sessions: int = 0
    served: int = 0
    stated: int | None = None
    meanwhile: Callable[[list[list[str]]], None] | None = None  # what happens to the index after its first page
    faults: list[Reply] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        if self.faults and asked.path != "/search/home/":
            return self.faults.pop(0)
        if asked.path == "/search/home/":
            return self._home(asked)
        if asked.path.startswith("/media/"):
            return Reply(body=self.documents[asked.path], headers={"Content-Type": "image/gif"})
        if asked.cookies.get("sessionid") != f"s{self.sessions}" or self._lapsed():
            body = FIND.encode() if self.follows else b""
            return Reply(200, body) if self.follows else Reply(302, headers={"Location": "/search/home/"})
        self.served += 1
        if asked.path == "/search/report/data/":
            return self._search(asked)
        if asked.path in self.documents:
            return Reply(body=self.documents[asked.path], headers={"Content-Type": "text/html; charset=utf-8"})
        return Reply(404, b"<html>Not Found</html>")

    def _lapsed(self) -> bool:
        return self.lapse_after is not None and self.served >= self.lapse_after

    def _home(self, asked: Asked) -> Reply:
        if asked.method == "GET":
            return Reply(body=HOME, cookies=(f"csrftoken={COOKIE}; Path=/",))
        good = asked.form.get("csrfmiddlewaretoken") == "FORMTOKEN-masked"
        good &= asked.cookies.get("csrftoken") == COOKIE and asked.headers.get("referer", "").endswith("/search/home/")
        if not good or asked.form.get("prohibition_agreement") != "1":
            return Reply(403, b"<h1>Forbidden</h1><p>CSRF verification failed. Request aborted.</p>")
        self.sessions += 1
        self.served = 0
        return Reply(302, headers={"Location": "/search/"}, cookies=(f"sessionid=s{self.sessions}; Path=/; HttpOnly",))

    def _search(self, asked: Asked) -> Reply:
        form = asked.form
        if asked.headers.get("x-csrftoken") != COOKIE or not asked.headers.get("referer", "").endswith("/search/"):
            return Reply(403, b"<p>CSRF verification failed.</p>")
        start, length = int(form["start"]), int(form["length"])
        if not DATE.fullmatch(form["submitted_start_date"]) or length > 100:
            return Reply(503, b"<html><title>Site Under Maintenance</title></html>")
        until = form["submitted_end_date"] or "12/31/2100 23:59:59"
        listed = [row for row in self.index if _day(form["submitted_start_date"]) <= _day(row[4]) <= _day(until)]
        rows = listed[start:][:length]
        total = len(listed) if self.stated is None else self.stated
        answer = {"draw": int(form["draw"]), "recordsTotal": total, "recordsFiltered": total, "data": rows}
        if self.meanwhile is not None:
            self.meanwhile(self.index)
            self.meanwhile = None
        return Reply(body=json.dumps(answer | {"result": "ok"}).encode(), headers={"Content-Type": "application/json"})


def _day(printed: str) -> dt.date:
    return dt.datetime.strptime(printed[:10], "%m/%d/%Y").date()
