"""Who may ask, and how often."""

import collections
import hashlib
import hmac
import ipaddress
import math
import re
import threading
import time
from collections.abc import Callable

from starlette.requests import Request

from xojl_jax.errors import BadUsage
from xojl_jax.serving.problems import Problem

_PERIODS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}


class RateLimit:
    """So many requests a period from each client, and as many at once.

    The generic cell rate algorithm (ITU-T I.371): of each client one number is kept, the time at
    which its allowance is whole again.

    Args:
      count: requests a period.
      period: seconds.
      clients: that are remembered; beyond, the one that was seen least recently is forgotten.
    """

    def __init__(
        self,
        count: int,
        period: float,
        *,
        clients: int = 100_000,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._period, self._interval = period, period / count
        self._clients, self._clock = clients, clock
        self._whole: collections.OrderedDict[str, float] = collections.OrderedDict()
        self._lock = threading.Lock()

    def wait(self, client: str) -> float:
        """Seconds until the client may ask; 0 if it may now, which is then counted."""
        with self._lock:
            now = self._clock()
            whole = max(self._whole.pop(client, now), now) + self._interval
            early = whole - now - self._period
            # A refused request costs nothing. The tolerance is for sums of rounded numbers.
            self._whole[client] = whole if early <= 1e-6 else whole - self._interval
            if len(self._whole) > self._clients:
                self._whole.popitem(last=False)
        return max(0.0, early) if early > 1e-6 else 0.0


def parse_rate(text: str) -> RateLimit:
    """ "60/minute" -> its limit. Raises BadUsage."""
    match = re.fullmatch(r"(\d{1,9})/(\w+)", text)
    if match is None or match[2] not in _PERIODS or not int(match[1]):
        known = ", ".join(_PERIODS)
        raise BadUsage(f"--rate-limit={text}: write NUMBER/PERIOD, PERIOD one of {known}")
    return RateLimit(int(match[1]), _PERIODS[match[2]])


class Access:
    """Checks a request before anything of its body is read.

    Args:
      keys: SHA-256 digests of the API keys; none: everybody may ask.
      rate: for each key, or for each address where there is no right key; None for no limit.
    """

    def __init__(self, keys: frozenset[bytes] = frozenset(), rate: RateLimit | None = None):
        self._keys, self._rate = keys, rate

    def check(self, request: Request) -> None:
        """Raises Problem 401 or 429."""
        key = self._right_key(request)
        if self._rate is not None:
            seconds = self._rate.wait(key or _address(request))
            if seconds:
                retry = str(math.ceil(seconds))
                detail = f"too many requests of this client: try again in {retry} s"
                raise Problem(429, detail, "rate", {"Retry-After": retry})
        if self._keys and key is None:
            headers = {"WWW-Authenticate": "Bearer"}
            raise Problem(401, "an API key is needed: X-API-Key, or a bearer token", "key", headers)

    def _right_key(self, request: Request) -> str | None:
        """The digest of the request's key, if it is one of ours."""
        given = request.headers.get("x-api-key") or request.headers.get(
            "authorization", ""
        ).removeprefix("Bearer ")
        digest = hashlib.sha256(given.encode("utf-8", "replace")).digest()
        known = any(hmac.compare_digest(digest, key) for key in self._keys)
        return digest.hex() if known else None


def _address(request: Request) -> str:
    """The client's address; of IPv6 its network of 64 bits, which is one customer's."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host
