"""Who may talk to the studio: one pure ASGI layer in front of everything, sockets included.

Two things are defended against. A web page of somebody else that talks to this port from the user's browser: the Host
must be one of ours (DNS rebinding) and the Origin, where a browser sends one, must be the page's own. And, where the
port is reachable from other machines, anybody else: a cookie, a bearer token or a password is needed. On loopback
without --auth the first plain visit of the page is handed the cookie.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import re
import secrets
import socket
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.config import AppConfig

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
OPEN_PATHS = frozenset({"/api/health", "/manifest.json"})
"""They say only that the studio is up, and its name; need the Host, nothing else. Browsers fetch a manifest without cookies."""
PAGE_PATHS = frozenset({"/", ""})
_HOST = re.compile(r"[A-Za-z0-9._\-\[\]:]{1,255}")


class Guard:
    """Lets a request through, hands it the cookie, or turns it away with one sentence."""

    def __init__(self, app: ASGIApp, config: AppConfig, on_entry: Callable[[str], None] = lambda url: None) -> None:
        """`on_entry` gets the path of a fresh one-time link whenever the one before it was used."""
        self.app = app
        self.config = config
        self.cookie = f"anyscene_{config.port}"
        self._on_entry = on_entry
        self._entry = secrets.token_urlsafe(18)
        self._names = LOOPBACK_NAMES | {name.lower() for name in config.allowed_hosts}
        if not config.loopback:
            self._names |= {config.host.lower(), socket.gethostname().lower(), socket.getfqdn().lower()}

    def entry_path(self) -> str:
        """Path and query of the link that lets one browser in, once."""
        return f"/?entry={self._entry}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._foreign(headers)
        if refusal is not None:
            await self._refuse(scope, receive, send, refusal)
        elif scope["path"] in OPEN_PATHS or self._has_cookie(headers) or self._has_bearer(headers):
            await self.app(scope, receive, self._dressed(scope, send, headers))
        elif self._has_password(headers) or (self.config.auth is None and self.config.loopback and self._is_plain_visit(scope, headers)):
            await self.app(scope, receive, self._dressed(scope, send, headers, hand_cookie=True))
        elif scope["type"] == "http" and self._used_entry(scope):
            await self._dress_redirect(scope, receive, send)
        else:
            await self._refuse(scope, receive, send, self._please())

    def _foreign(self, headers: Headers) -> Response | None:
        """A refusal where Host or Origin is not ours."""
        host = headers.get("host", "")
        if not self._is_our_name(host):
            return PlainTextResponse(f"This studio does not answer to the name '{_printable(host)}': open it under its own address.", 403)
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return PlainTextResponse(f"A page from '{_printable(origin)}' may not talk to this studio: open the studio itself.", 403)
        return None

    def _is_our_name(self, host: str) -> bool:
        if not _HOST.fullmatch(host):
            return False
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        # A bare address cannot be rebound by DNS; on loopback only the loopback names make sense all the same.
        return not self.config.loopback

    def _has_cookie(self, headers: Headers) -> bool:
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return False
        return morsel is not None and _same(morsel.value, self.config.token)

    def _has_bearer(self, headers: Headers) -> bool:
        scheme, _, value = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and _same(value.strip(), self.config.token)

    def _has_password(self, headers: Headers) -> bool:
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if self.config.auth is None or scheme.lower() != "basic":
            return False
        try:
            given = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        return _same(given, self.config.auth)

    def _is_plain_visit(self, scope: Scope, headers: Headers) -> bool:
        """The page itself, asked for by the user or by us, not by another site."""
        return (
            scope["type"] == "http"
            and scope["method"] in ("GET", "HEAD")
            and scope["path"] in PAGE_PATHS
            and headers.get("sec-fetch-site", "none") in ("none", "same-origin")
        )

    def _used_entry(self, scope: Scope) -> bool:
        given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("entry", [""])[0]
        if scope["path"] not in PAGE_PATHS or not given or not _same(given, self._entry):
            return False
        self._entry = secrets.token_urlsafe(18)
        self._on_entry(self.entry_path())
        return True

    def _please(self) -> Response:
        if self.config.auth is not None:
            return PlainTextResponse(
                "This studio asks for its user and password.", 401, {"WWW-Authenticate": 'Basic realm="AnyScene Studio", charset="UTF-8"'}
            )
        if self.config.loopback:
            return PlainTextResponse("Open the studio's own page first: type its address, or use the link that the terminal shows.", 401)
        return PlainTextResponse("Use the one-time link that the terminal shows: each link lets one browser in.", 401)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, response: Response) -> None:
        if scope["type"] == "websocket":
            # Before it is accepted, a close is answered as 403 to the handshake.
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await response(scope, receive, send)

    async def _dress_redirect(self, scope: Scope, receive: Receive, send: Send) -> None:
        await RedirectResponse("/", 303)(scope, receive, self._dressed(scope, send, Headers(scope=scope), hand_cookie=True))

    def _dressed(self, scope: Scope, send: Send, headers: Headers, *, hand_cookie: bool = False) -> Send:
        """`send` that adds the security headers, and the cookie where it is handed out."""
        host = headers.get("host", "")
        policy = (
            "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
            f"connect-src 'self' data: blob: ws://{host} wss://{host}; worker-src 'self' blob:; frame-ancestors 'self'; base-uri 'self'; form-action 'self'"
        )

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                out = MutableHeaders(scope=message)
                out["X-Content-Type-Options"] = "nosniff"
                out["Referrer-Policy"] = "same-origin"
                out["Content-Security-Policy"] = policy
                if hand_cookie:
                    secure = "; Secure" if scope.get("scheme") == "https" else ""
                    out.append("set-cookie", f"{self.cookie}={self.config.token}; Path=/; HttpOnly; SameSite=Lax{secure}")
            await send(message)

        return dressed


def _same(given: str, ours: str) -> bool:
    return hmac.compare_digest(given.encode(), ours.encode())


def _printable(text: str) -> str:
    return "".join(character for character in text[:80] if character.isprintable())
