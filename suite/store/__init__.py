"""Finished stages of runs on disk: found by key, published whole, checked before use."""

from __future__ import annotations

from suite.store.canonical import Json, canonical, digest, jsonable
from suite.store.closure import closure_digest
from suite.store.digests import file_digest
from suite.store.files import atomic_write, inside, read_json, write_json
from suite.store.jsonl import JsonlWriter, read_jsonl
from suite.store.manifest import Manifest, read_manifest
from suite.store.stage import SCHEMA_VERSION, Build, OnStep, Stage
from suite.store.store import Event, Observer, Store, default_root
from suite.store.verify import Problem

__all__ = [
    "SCHEMA_VERSION",
    "Build",
    "Event",
    "Json",
    "JsonlWriter",
    "Manifest",
    "Observer",
    "OnStep",
    "Problem",
    "Stage",
    "Store",
    "atomic_write",
    "canonical",
    "closure_digest",
    "default_root",
    "digest",
    "file_digest",
    "inside",
    "jsonable",
    "read_json",
    "read_jsonl",
    "read_manifest",
    "write_json",
]
