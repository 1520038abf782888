"""A model's reply, sentence by sentence through the gates: what is verified leaves at once, and is never taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from responses.draft import Draft, Filled, fill, joined
from responses.gates.refusal import Refusal
from responses.gateway import Completion, Gateway, ModelFailure, Rewritten
from responses.mask import Vault
from responses.prompting import Prompt
from responses.pruning import Prune, unpruned
from responses.reply import Verdict
from responses.rest import behind, rest_of
from responses.sentences import Incoming
from responses.streaming import Listener

ATTEMPTS = 2
"""How often a model is asked for one reply while nothing of it has left."""
MISSING = frozenset({"placeholder_missing"})
"""What a beginning may lack: it is accounted for at the end."""
UNDECIDED = frozenset({"cut", "language", "empty", "placeholder_order"})
"""What the sentences to come may yet put right: until then nothing leaves."""

Check = Callable[[str], Sequence[Refusal]]


@dataclass
class Mouth:
    """Says the beginning of a text to *listener*, behind *before*, which leaves with the first of it. *vault* holds what was
    kept from the model: what is said stands for itself again."""

    listener: Listener
    before: Filled
    source: Draft
    vault: Vault = field(default_factory=Vault)

    async def say(self, text: str) -> bool:
        """Let *text* (with placeholders) be heard as far as it was not; ``False`` where nobody listens any more."""
        return await say_up_to(self.listener, joined([self.before, fill(self.source, self.vault.restore(text))], ""))


async def say_up_to(listener: Listener, whole: Filled) -> bool:
    """Let what *listener* has not heard of *whole* leave."""
    start = len(listener.heard.text)
    if start >= len(whole.text):
        return True
    evidence = tuple(span.evidence() for span in whole.spans if span.start >= start)
    return await listener.hear(whole.text[start:], evidence)


@dataclass
class _Gate:
    """The sentences of one stream: ``said`` have left, ``held`` are not refused and wait for what comes."""

    mouth: Mouth
    check: Check
    prune: Prune
    said: str = ""
    held: str = ""
    refused: list[Refusal] = field(default_factory=list)
    cut: list[Refusal] = field(default_factory=list)
    closed: bool = False

    async def take(self, sentence: str, *, last: bool = False) -> bool:
        """Verify *sentence* behind those before it, or leave it out; ``False`` ends the stream."""
        pruned = self.prune(sentence)
        self.cut += pruned.cut
        sentence = pruned.text
        if not sentence and not last:
            return True
        text = (self.said + self.held + sentence).lstrip() if not self.said else self.said + self.held + sentence
        found = [refusal for refusal in self.check(text.rstrip()) if last or refusal.rule not in MISSING]
        undecided = not last and all(_is_undecided(refusal, text.rstrip()) for refusal in found)
        if found and not undecided:
            self.refused += found
            return False
        if found:
            self.held = text[len(self.said) :]
            return True
        self.said, self.held = text, ""
        self.closed = not await self.mouth.say(text.rstrip())
        return not self.closed


async def tell(
    prompt: Prompt,
    gateway: Gateway,
    mouth: Mouth,
    check: Check,
    *,
    capability: str = "",
    seed: int = 0,
    prune: Prune = unpruned,
) -> Rewritten:
    """What a model made of *prompt*, each sentence heard as soon as *check* passes it behind those before; what *prune* leaves
    out is not heard.

    Before anything has left a refused beginning is asked for once more, the error named. When a later sentence is refused,
    or the stream breaks off, the template's own sentences end the text: verdict ``mended``. *check* sees the tokens of the
    mouth's vault, the listener and the text that is returned what they stand for.
    """
    until = asyncio.get_running_loop().time() + gateway.deadline
    refused: list[Refusal] = []
    generator, verdict = gateway.upstreams[0].name, "unavailable"
    attempts = 0
    while attempts < ATTEMPTS:
        attempts += 1
        gate, sentences, whole = _Gate(mouth, check, prune), Incoming(), ""
        ended = False
        try:
            stream = gateway.stream(prompt, capability=capability, seed=seed, vault=mouth.vault, until=until)
            async with aclosing(stream) as pieces:
                async for piece in pieces:
                    generator = piece.generator
                    if isinstance(piece, Completion):
                        ended = await gate.take(sentences.rest(), last=True)
                        break
                    whole += piece.text
                    for sentence in sentences.take(piece.text):
                        if not await gate.take(sentence):
                            break
                    if gate.refused or gate.closed:
                        break
        except ModelFailure:
            pass
        refused += [*gate.cut, *gate.refused]
        if ended:
            whole_verdict: Verdict = "pruned" if gate.cut else "passed"
            return Rewritten(
                mouth.vault.restore(gate.said.rstrip()), generator, attempts, tuple(refused), whole_verdict
            )
        if gate.said:
            said = gate.said.rstrip()
            left = rest_of(mouth.source, said, check, prompt.language)
            text = behind(said, left, prompt.language)
            await mouth.say(text)
            return Rewritten(mouth.vault.restore(text), generator, attempts, tuple(refused), "mended")
        if not gate.refused:
            break
        verdict = "refused"
        prompt = prompt.again(whole, [_tellable(refusal, whole) for refusal in (*gate.refused, *gate.cut)])
    verdict_: Verdict = "refused" if verdict == "refused" else "unavailable"
    return Rewritten(None, generator, attempts, tuple(refused), verdict_)


def _is_undecided(refusal: Refusal, text: str) -> bool:
    """Whether more of the text may put it right; a denial that is owed is told of as the whole text."""
    owed = refusal.rule == "polarity" and (refusal.start, refusal.end) == (0, len(text))
    return owed or refusal.rule in UNDECIDED


def _tellable(refusal: Refusal, said: str) -> Refusal:
    """*refusal* as a model may be told of it: words that are not its own come from the filled text, and hold values."""
    return refusal if refusal.span in said else replace(refusal, span="")
