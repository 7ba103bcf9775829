"""An engine in a process of its own, so that training and the engine do not share memory.

    suite ── socket pair ── python -m suite.engines.vllm.worker
      │  {"op": "load", ...}  ->  {"done": ...}, or {"error": "..."}
      └─ dies, by whatever signal: the kernel ends the child (see `suite.core.parent`)

The child is a fresh interpreter, never a fork: a fork would inherit the locks of the parent's
threads and its CUDA context.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import IO, Any

from suite.core.errors import UserError
from suite.engines.vllm.messages import receive, send


class Child:
    """A running worker. It ends when this object is dropped, at the latest when Python exits."""

    def __init__(self, module: str, environ: Mapping[str, str]) -> None:
        """Start `python -m module` with these environment variables and no others."""
        self.connection, theirs = socket.socketpair()
        self.log = tempfile.TemporaryFile()  # noqa: SIM115  closed with the worker
        self._asked = 0
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, str(theirs.fileno()), str(os.getpid())],
                env=dict(environ),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self.log,
                stderr=self.log,
                # Ctrl-C reaches the suite only, which lets the engine finish its chunk.
                start_new_session=True,
            )
        self.close = weakref.finalize(self, _end, self.process, self.connection, self.log)

    def call(self, op: str, seconds: float | None = None, **arguments: Any) -> dict[str, Any]:
        """Ask for one thing and wait at most `seconds`. A failure ends the child; UserError."""
        (reply,) = self.stream(op, seconds, **arguments)
        return reply

    def stream(
        self, op: str, seconds: float | None = None, **arguments: Any
    ) -> Iterator[dict[str, Any]]:
        """Ask for one thing and yield each reply, the last one holding "done"."""
        self._asked += 1
        number = self._asked
        self.connection.settimeout(seconds)
        with suppress(OSError):  # `_reply` finds out what is wrong
            send(self.connection, {"op": op, "number": number, **arguments})
        while True:
            reply = self._reply(op, seconds)
            if reply["number"] != number:  # of an earlier stream that nobody read to its end
                continue
            yield reply
            if "done" in reply:
                return

    def _reply(self, op: str, seconds: float | None) -> dict[str, Any]:
        try:
            reply = receive(self.connection)
        except TimeoutError:
            raise self._failed(f"{op}: no answer within {seconds:g} s") from None
        if reply is None:
            raise self._failed(f"{op}: its process ended")
        if "error" in reply:
            raise self._failed(f"{op}: {reply['error']}")
        return reply

    def _failed(self, what: str) -> UserError:
        """End the child; return the error, with the last lines that the child wrote."""
        self.log.seek(max(0, self.log.seek(0, os.SEEK_END) - 2000))
        lines = self.log.read().decode(errors="replace").strip().splitlines()[-8:]
        self.close()
        return UserError("\n    ".join([f"--engine: {what}. It wrote last:", *lines]))


def _end(process: subprocess.Popen[bytes], connection: socket.socket, log: IO[bytes]) -> None:
    """Kill the worker and everything it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # it leads a session of its own
    process.wait()
    connection.close()
    log.close()
