"""Asks an application without a server."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import httpx


def in_a_thread(function, *arguments):
    """Runs what has an event loop of its own: in the thread of all tests that of a browser, which
    other tests share, may be running."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *arguments).result()


class Inside:
    """A client of an application without a server.

    Args:
      address: of the client.
    """

    def __init__(self, app, address: str = "127.0.0.1"):
        self._app, self._address = app, address

    def together(self, count: int, path: str, **values) -> list[httpx.Response]:
        """Answers to so many equal POST requests at once."""
        return in_a_thread(asyncio.run, self._ask(count, "POST", path, values))

    async def _ask(self, count: int, method: str, path: str, values) -> list[httpx.Response]:
        transport = httpx.ASGITransport(self._app, client=(self._address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            asked = (client.request(method, path, **values) for _ in range(count))
            return await asyncio.gather(*asked)

    def get(self, path: str) -> httpx.Response:
        return in_a_thread(asyncio.run, self._ask(1, "GET", path, {}))[0]

    def post(self, path: str, **values) -> httpx.Response:
        return self.together(1, path, **values)[0]


def problem(response: httpx.Response, status: int, words: str = "") -> dict:
    """The problem of an answer, which must be one of this status."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    told = response.json()
    assert told["status"] == status and words in told["detail"], told
    return told
