"""The client of the Hugging Face hub: address, token, certificates, proxies, retries.

    with HubClient() as client:                     # HF_ENDPOINT, HF_TOKEN, ... are read here
        pin = resolve(HubRequest("org/chat", split="train"), client)
        for path, number, row in read(pin, Selection.first(100), client, folder): ...

Use one client per run: it remembers what it has resolved, so that all splits of a data set come from one commit. It is
thread-safe. Creating one sends nothing and imports nothing heavy; the first request imports httpx2, the first
resolution `datasets`.

Certificates: REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, as Azure's clients read them, then SSL_CERT_FILE, SSL_CERT_DIR, then
the system's store. Proxies: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY. HF_HUB_OFFLINE forbids every request. The
token is sent to the endpoint only. Files are downloaded over HTTPS, which every repository supports, never by xet.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from phift.data.hub import environment
from phift.data.hub.environment import Token
from phift.data.hub.errors import Place, Subject, bad_endpoint, bad_proxy, from_answer, not_a_hub, offline

if TYPE_CHECKING:
    from phift.data.hub.answer import Known
    from phift.data.hub.session import Patience, Session

__all__ = ["HubClient"]

_MOST_PAGES = 1000


class HubClient:
    """A connection to one hub. endpoint: its address; "" is HF_ENDPOINT, or https://huggingface.co. patience: how

    often and how long requests are retried.
    """

    def __init__(self, endpoint: str = "", *, patience: Patience | None = None) -> None:
        self.endpoint = (endpoint or environment.endpoint()).rstrip("/")
        self.offline = environment.offline()
        self.cache = environment.cache_folder()
        """The cache of huggingface_hub; its files are used if their content is the pinned one."""
        self._patience = patience
        self._token: Token | None = None
        self._session: Session | None = None
        self._known: dict[Any, Any] = {}
        self._lock = threading.RLock()
        self._asking = threading.RLock()  # separate: `ask` may wait for the libraries, whose user needs _lock

    @property
    def token_source(self) -> str:
        """Where the token comes from: `HF_TOKEN`, `HUGGING_FACE_HUB_TOKEN`, `HF_OIDC_RESOURCE`, the path of the token

        file; "" without one.
        """
        return self._found_token().source

    @property
    def place(self) -> Place:
        """The hub, for error messages."""
        return Place(self.endpoint, self.token_source)

    @property
    def patience(self) -> Patience:
        """How often and how long requests are retried."""
        from phift.data.hub.session import Patience

        with self._lock:
            self._patience = self._patience or Patience()
            return self._patience

    def get(self, subject: Subject, path: str) -> Any:
        """GET a path under the endpoint; returns the JSON. Raises the error of `from_answer` on any other response."""
        response = self._answer(subject, path)
        try:
            return response.json()
        except ValueError:
            raise not_a_hub(self.place) from None

    def content(self, subject: Subject, path: str) -> bytes:
        """GET a path under the endpoint; returns the bytes. Raises the error of `from_answer` on any other response."""
        found: bytes = self._answer(subject, path).content
        return found

    def pages(self, subject: Subject, path: str) -> list[Any]:
        """GET a listing under the endpoint, page by page. Raises the error of `from_answer` on any other response."""
        found: list[Any] = []
        for _ in range(_MOST_PAGES):
            response = self._answer(subject, path)
            try:
                found += response.json()
            except (TypeError, ValueError):
                raise not_a_hub(self.place) from None
            following = response.links.get("next", {}).get("url", "")
            if not following.startswith(f"{self.endpoint}/"):
                return found
            path = following[len(self.endpoint) :]
        raise not_a_hub(self.place)

    def check(self, subject: Subject, path: str) -> None:
        """GET a path for its status. Raises the error of `from_answer` unless it succeeds."""
        self._answer(subject, path)

    def once(self, key: Any, ask: Callable[[], Any]) -> Any:
        """Return the result of `ask`, called once per client and key. Errors are not cached."""
        with self._asking:
            if key not in self._known:
                self._known[key] = ask()
            return self._known[key]

    def file_address(self, id: str, revision: str, path: str) -> str:
        """The URL of a file."""
        return f"{self.endpoint}/datasets/{id}/resolve/{quote(revision, safe='')}/{quote(path)}"

    def session(self, subject: Subject) -> Session:
        """The HTTP session. Raises HubError with HF_HUB_OFFLINE, or when it cannot be set up."""
        self._allow(subject)
        with self._lock:
            if self._session is None:
                self._session = self._new_session(subject)
            return self._session

    @contextmanager
    def libraries(self, subject: Subject, known: Known = lambda method, path, query: None) -> Iterator[Path]:
        """A context in which `datasets` and huggingface_hub use this hub with this client's token and retries.

        known: the Answer to a request that need not be made, or None. Yields a temporary folder for their files. One
        thread at a time; see `phift.data.hub.libraries`.
        """
        from phift.data.hub.libraries import at_work

        self._allow(subject)
        with at_work(self.endpoint, lambda: self._new_session(subject, known), subject) as folder:
            yield folder

    def close(self) -> None:
        """Close the connections. The client stays usable and opens new ones as needed."""
        with self._lock:
            if self._session is not None:
                self._session.close()
            self._session = None

    def __enter__(self) -> HubClient:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _answer(self, subject: Subject, path: str) -> Any:
        from phift.data.hub.session import SUBJECT

        session = self.session(subject)
        response = session.get(f"{self.endpoint}{path}", extensions={SUBJECT: subject})
        if response.status_code >= 400:
            raise from_answer(self.place, subject, response.status_code, response.headers)
        return response

    def _new_session(self, subject: Subject, known: Known | None = None) -> Session:
        from phift.data.hub.session import InvalidURL, Session

        token = self._found_token()
        place = Place(self.endpoint, token.source)
        trusted = environment.certificates()
        try:
            return Session(place, token.value, trusted, self.patience, subject, known)
        except InvalidURL:
            raise bad_endpoint(place) from None
        except (ImportError, ValueError):  # not shown: their text may contain the proxy's password
            raise bad_proxy() from None

    def _found_token(self) -> Token:
        with self._lock:
            if self._token is None:
                self._token = Token() if self.offline else environment.token()
            return self._token

    def _allow(self, subject: Subject) -> None:
        if self.offline:
            raise offline(subject, self.cache)
