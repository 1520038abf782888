"""Model providers behind one port: ``port`` is what they are asked, ``gateway`` who asks them."""

from responses.gateway.compatible import OpenAIProvider
from responses.gateway.gateway import DEADLINE, Gateway, Rewritten
from responses.gateway.port import Completion, Delta, ModelFailure, ModelProvider, Request, StreamingProvider, Usage
from responses.gateway.upstream import Breaker, NeverOpens, Upstream

__all__ = [
    "DEADLINE",
    "Breaker",
    "Completion",
    "Delta",
    "Gateway",
    "ModelFailure",
    "ModelProvider",
    "NeverOpens",
    "OpenAIProvider",
    "Request",
    "Rewritten",
    "StreamingProvider",
    "Upstream",
    "Usage",
]
