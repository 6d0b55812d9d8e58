"""Plain requests, for what no SDK would send or show."""

import http.client
import json

from .launch import MockProvider

KEY = {"authorization": "Bearer sk-test"}


def post(provider: MockProvider, path: str, body: bytes | dict, headers: dict = KEY):
    """Sends one plain request and returns the status, the headers and the body."""
    connection = http.client.HTTPConnection("127.0.0.1", provider.port, timeout=30)
    try:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request("POST", path, sent, headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()
