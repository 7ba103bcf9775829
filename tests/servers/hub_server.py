"""A real HTTP server on loopback with the endpoints of the Hugging Face hub that uploading calls.

    with HubServer() as server:
        server.repositories["dataset", "me/answers"] = {}     it is there already
        ... HF_ENDPOINT=server.url, HF_TOKEN=TOKEN ...
    server.repositories["model", "me/npo"]["README.md"]       the bytes that were committed

Large files travel as Git LFS objects, as to the hub (with HF_HUB_DISABLE_XET). Content
without the digest that was announced is refused, and so is a commit of an object that never came.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

TOKEN = "hf_right"
READ_ONLY = "hf_read_only"
LARGE = (".safetensors", ".jsonl")
"""Files that travel as LFS objects."""
COMMIT = "0123456789abcdef0123456789abcdef01234567"

Body = dict[str, Any]
Key = tuple[str, str]
"""("model", "owner/name")."""


class HubServer:
    """Serves until its context ends."""

    def __init__(self) -> None:
        self.repositories: dict[Key, dict[str, bytes]] = {}
        self.private: set[Key] = set()
        self.objects: dict[str, bytes] = {}
        self.seen: list[str] = []
        """Method and path of every request."""
        self.fails: dict[str, tuple[int, str]] = {}
        """End of a path -> the status and the reason that it is refused with."""

    def __enter__(self) -> HubServer:
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Refused(Exception):
    """(status, reason, the hub's code)."""


class _Handler(BaseHTTPRequestHandler):
    hub: ClassVar[HubServer]

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self._read())

    def do_PUT(self) -> None:
        self._answer(self._read())

    def _read(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, body: bytes) -> None:
        path = self.path.partition("?")[0]
        self.hub.seen.append(f"{self.command} {path}")
        try:
            for end, (status, reason) in self.hub.fails.items():
                if path.endswith(end):
                    raise _Refused(status, reason, "")
            self._send(200, self._route(path, body), {})
        except _Refused as refused:
            status, reason, code = refused.args
            headers = {"X-Error-Message": reason, "X-Error-Code": code}
            self._send(status, {"error": reason}, headers)

    def _send(self, status: int, answer: Body, headers: dict[str, str]) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(content)

    def _route(self, path: str, body: bytes) -> Body:
        if path.startswith("/objects/"):  # by its address alone, as storage in the cloud
            return self._store_object(path.removeprefix("/objects/"), body)
        self._check_token()
        if path == "/api/whoami-v2":
            return {"type": "user", "name": "me", "orgs": []}
        if path == "/api/validate-yaml":
            return self._validate(json.loads(body))
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path.endswith("/info/lfs/objects/batch"):
            return self._batch(json.loads(body))
        return self._of_repository(path, body)

    def _check_token(self) -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in (TOKEN, READ_ONLY):
            raise _Refused(401, "Invalid credentials in Authorization header", "")
        if token == READ_ONLY and self.command == "POST":
            raise _Refused(403, "You don't have the rights to create a model under me", "")

    def _validate(self, asked: Body) -> Body:
        if not asked["content"].startswith("---\n"):
            return {"warnings": [{"message": "empty or missing yaml metadata"}]}
        return {"errors": [], "warnings": []}

    def _create(self, asked: Body) -> Body:
        owner = asked["organization"] or "me"
        key = (asked.get("type", "model"), f"{owner}/{asked['name']}")
        if key in self.hub.repositories:
            raise _Refused(409, "You already created this repo", "")
        self.hub.repositories[key] = {}
        if asked.get("private") or asked.get("visibility") == "private":
            self.hub.private.add(key)
        return {"url": f"{self.hub.url}/{key[1]}", "name": key[1]}

    def _batch(self, asked: Body) -> Body:
        objects = []
        for each in asked["objects"]:
            place = {"upload": {"href": f"{self.hub.url}/objects/{each['oid']}"}}
            known = each["oid"] in self.hub.objects
            objects.append({**each, **({} if known else {"actions": place})})
        return {"transfer": "basic", "objects": objects}

    def _store_object(self, digest: str, content: bytes) -> Body:
        if hashlib.sha256(content).hexdigest() != digest:
            raise _Refused(400, "content and digest differ", "")
        self.hub.objects[digest] = content
        return {}

    def _of_repository(self, path: str, body: bytes) -> Body:
        _, _, kinds, owner, name, *rest = path.split("/")
        key = (kinds.removesuffix("s"), f"{owner}/{name}")
        if key not in self.hub.repositories:
            raise _Refused(404, "Repository not found", "RepoNotFound")
        if not rest:
            return {"id": key[1], "sha": COMMIT, "private": key in self.hub.private}
        if rest[0] == "preupload":
            return {"files": [self._mode(key, each) for each in json.loads(body)["files"]]}
        assert rest[0] == "commit", path
        return self._commit(key, [json.loads(line) for line in body.splitlines()])

    def _mode(self, key: Key, file: Body) -> Body:
        mode = "lfs" if file["path"].endswith(LARGE) else "regular"
        return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": None}

    def _commit(self, key: Key, lines: list[Body]) -> Body:
        files = {}
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
        self.hub.repositories[key] |= files  # all of them, or none
        address = f"{self.hub.url}/{key[1]}/commit/{COMMIT}"
        return {"commitUrl": address, "commitOid": COMMIT, "success": True}
