"""The client of the Hugging Face hub: what is asked of it, and with what address, token, certificates and patience.

    with HubClient() as client:                     # HF_ENDPOINT, HF_TOKEN, ... are read here
        pin = resolve(HubRequest("org/chat", split="train"), client)
        for path, number, row in read(pin, Selection.prefix(100), client, folder): ...

One client a run: what it has learnt of a repository it does not ask again, so that the splits of one data set come from
one commit. Any number of threads may use it. Making one sends nothing and imports nothing heavy; the first request
imports httpx2, the first resolution `datasets`.

Certificates: REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, as Azure's clients read them, then SSL_CERT_FILE, SSL_CERT_DIR, then
the system's store. Proxies: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY. HF_HUB_OFFLINE forbids every request. The
token goes to the endpoint alone. xet is never used: files come over HTTPS, which every repository offers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from phift.data.hub import environment
from phift.data.hub.environment import Token
from phift.data.hub.errors import Place, Subject, from_answer, not_a_hub, offline

if TYPE_CHECKING:
    from phift.data.hub.session import Known, Patience, Session

__all__ = ["HubClient"]


class HubClient:
    """Asks one hub. endpoint: its address; "" is HF_ENDPOINT, or https://huggingface.co. patience: how often and how

    long requests are tried again.
    """

    def __init__(self, endpoint: str = "", *, patience: Patience | None = None) -> None:
        self.endpoint = (endpoint or environment.endpoint()).rstrip("/")
        self.offline = environment.offline()
        self.cache = environment.cache_folder()
        """Where huggingface_hub keeps files, which are used when they are the pinned ones."""
        self._patience = patience
        self._token: Token | None = None
        self._context: list[Any] = []
        self._session: Session | None = None
        self._known: dict[Any, Any] = {}
        self._lock = threading.RLock()
        self._asking = threading.RLock()  # apart: what is asked may wait for the libraries, whose user needs the other

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
        """How often and how long requests are tried again."""
        from phift.data.hub.session import Patience

        with self._lock:
            self._patience = self._patience or Patience()
            return self._patience

    def get(self, subject: Subject, path: str) -> Any:
        """The JSON that GET answers at a path under the endpoint. Raises the error that another answer stands for."""
        return self._json(subject, "GET", path)

    def post(self, subject: Subject, path: str, form: Mapping[str, Any]) -> Any:
        """As `get`, of a POST with a form."""
        return self._json(subject, "POST", path, data=form)

    def check(self, subject: Subject, path: str) -> None:
        """GET that only asks for leave. Raises the error that another answer than success stands for."""
        self._answer(subject, "GET", path)

    def once(self, key: Any, ask: Callable[[], Any]) -> Any:
        """What `ask` returns, asked once in this client's life. An error is not kept."""
        with self._asking:
            if key not in self._known:
                self._known[key] = ask()
            return self._known[key]

    def file_address(self, id: str, revision: str, path: str) -> str:
        """Where a file of a data set is."""
        return f"{self.endpoint}/datasets/{id}/resolve/{quote(revision, safe='')}/{quote(path)}"

    def session(self, subject: Subject) -> Session:
        """The HTTP session, for requests that are not JSON. Raises HubError with HF_HUB_OFFLINE."""
        self._allow(subject)
        with self._lock:
            if self._session is None:
                self._session = self._new_session(subject)
            return self._session

    @contextmanager
    def libraries(self, subject: Subject, known: Known = lambda path: None) -> Iterator[Path]:
        """Within it, `datasets` and huggingface_hub ask this hub, with this client's session, token and retries.

        known: (status, JSON) of a path under the endpoint that need not be asked, else None. Yields a temporary folder
        for their files. One thread at a time. See `phift.data.hub.libraries`.
        """
        from phift.data.hub.libraries import at_work

        self._allow(subject)
        with at_work(self.endpoint, lambda: self._new_session(subject, known)) as folder:
            yield folder

    def close(self) -> None:
        """Closes the connections. The client can go on; it then opens new ones."""
        with self._lock:
            if self._session is not None:
                self._session.close()
            self._session = None

    def __enter__(self) -> HubClient:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _json(self, subject: Subject, method: str, path: str, **body: Any) -> Any:
        response = self._answer(subject, method, path, **body)
        try:
            return response.json()
        except ValueError:
            raise not_a_hub(self.place) from None

    def _answer(self, subject: Subject, method: str, path: str, **body: Any) -> Any:
        from phift.data.hub.session import SUBJECT

        session = self.session(subject)
        response = session.request(method, f"{self.endpoint}{path}", extensions={SUBJECT: subject}, **body)
        if response.status_code >= 400:
            raise from_answer(self.place, subject, response.status_code, response.headers)
        return response

    def _new_session(self, subject: Subject, known: Known | None = None) -> Session:
        from phift.data.hub.session import Session

        token = self._found_token()
        place = Place(self.endpoint, token.source)
        return Session(place, token.value, self._certificates(), self.patience, subject, known)

    def _found_token(self) -> Token:
        with self._lock:
            if self._token is None:
                self._token = Token() if self.offline else environment.token()
            return self._token

    def _certificates(self) -> Any:
        with self._lock:
            if not self._context:
                self._context.append(environment.certificates())
            return self._context[0]

    def _allow(self, subject: Subject) -> None:
        if self.offline:
            raise offline(subject, self.cache)
