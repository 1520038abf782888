"""Model providers behind one port: ``port`` is what they are asked, ``gateway`` who asks them."""

from responses.gateway.compatible import OpenAIProvider
from responses.gateway.gateway import DEADLINE, Gateway, Rewritten
from responses.gateway.port import Completion, Delta, ModelFailure, ModelProvider, Request, StreamingProvider, Usage
from responses.gateway.upstream import Breaker, NeverOpens, Upstream
from responses.gateway.usage import Meter, Price

__all__ = [
    "DEADLINE",
    "Breaker",
    "Completion",
    "Delta",
    "Gateway",
    "Meter",
    "ModelFailure",
    "ModelProvider",
    "NeverOpens",
    "OpenAIProvider",
    "Price",
    "Request",
    "Rewritten",
    "StreamingProvider",
    "Upstream",
    "Usage",
]
