"""The vectors in PostgreSQL with the pgvector extension: one index for all replicas, and for more than memory holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncEngine

from backends.knowledge.vectors import Vector, unit

_TABLE = "bank_knowledge_vectors"
_SCHEMA = (
    "CREATE EXTENSION IF NOT EXISTS vector",
    f"CREATE TABLE IF NOT EXISTS {_TABLE} "
    "(model text NOT NULL, key text NOT NULL, embedding vector NOT NULL, PRIMARY KEY (model, key))",
)
# <#> is the negative inner product: for vectors of length 1 it is the cosine, and cheaper than <=>.
_PUT = text(
    f"INSERT INTO {_TABLE} (model, key, embedding) VALUES (:model, :key, CAST(:embedding AS vector)) "  # noqa: S608
    "ON CONFLICT (model, key) DO UPDATE SET embedding = excluded.embedding"
)
_LIKENESS = text(
    f"SELECT key, -(embedding <#> CAST(:embedding AS vector)) FROM {_TABLE} "  # noqa: S608
    "WHERE model = :model AND key IN :keys"
).bindparams(bindparam("keys", expanding=True))


class PgVectors:
    """A ``VectorIndex`` in the database behind *engine*; *model* keeps one embedder's vectors apart from another's."""

    def __init__(self, engine: AsyncEngine, model: str) -> None:
        self._engine = engine
        self._model = model

    async def prepare(self) -> None:
        """Make the extension and the table where they are not there; the extension needs a role that may."""
        async with self._engine.begin() as connection:
            for statement in _SCHEMA:
                await connection.exec_driver_sql(statement)

    async def put(self, vectors: Mapping[str, Vector]) -> None:
        """See ``VectorIndex``."""
        rows = [{"model": self._model, "key": key, "embedding": _literal(vector)} for key, vector in vectors.items()]
        if rows:
            async with self._engine.begin() as connection:
                await connection.execute(_PUT, rows)

    async def likeness(self, vector: Vector, among: Sequence[str]) -> dict[str, float]:
        """See ``VectorIndex``."""
        if not among:
            return {}
        given = {"model": self._model, "embedding": _literal(vector), "keys": list(among)}
        async with self._engine.connect() as connection:
            return {key: float(cosine) for key, cosine in await connection.execute(_LIKENESS, given)}


def _literal(vector: Vector) -> str:
    """The vector, at length 1, as pgvector reads it."""
    return "[" + ",".join(format(float(number), ".7g") for number in unit(vector)) + "]"
