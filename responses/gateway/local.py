"""A language model in this process: a ``transformers`` directory, one text at a time in a thread of its own.

torch and transformers are imported when such a provider is opened, and nowhere else: they are in the extra ``local``.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from responses.gateway.port import Completion, Delta, ModelFailure, Request, Usage
from responses.gateway.thoughts import Thoughts
from responses.gateway.upstream import tokens_at_most

if TYPE_CHECKING:
    from responses.gateway.providers import Entry


class _End(NamedTuple):
    """The end of a text: what it took, and whether the model itself ended it."""

    usage: Usage
    ended: bool


_Tell = Callable[[str | _End | Exception], object]


class LocalModel:
    """The causal language model in *folder*, with its chat template. Nothing is fetched and no code of the folder is run.

    Raises ``OSError`` where the folder holds no model.
    """

    def __init__(self, folder: Path, *, called: str, temperature: float = 0.8) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.name = called
        self._temperature = temperature
        where: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        self._tokenizer = AutoTokenizer.from_pretrained(folder, **where)
        self._model = AutoModelForCausalLM.from_pretrained(folder, **where).eval()
        if torch.cuda.is_available():
            self._model.to("cuda")
        # One, and one text at a time: the seed is torch's own and would be another's.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"model-{called}")

    async def complete(self, request: Request) -> Completion:
        """The end of the stream, which has all of it."""
        pieces = [piece async for piece in self.stream(request)]
        whole = pieces[-1]
        assert isinstance(whole, Completion)
        return whole

    async def stream(self, request: Request) -> AsyncGenerator[Delta | Completion]:
        """The model's words as they are made, without its thoughts. It stops when nobody listens any more, or time is up."""
        loop = asyncio.get_running_loop()
        told: asyncio.Queue[str | _End | Exception] = asyncio.Queue()
        stop = threading.Event()
        self._thread.submit(self._speak, request, lambda item: loop.call_soon_threadsafe(told.put_nowait, item), stop)
        thoughts, said = Thoughts(), ""
        try:
            while isinstance(item := await told.get(), str):
                if words := thoughts.without(item):
                    said += words
                    yield Delta(words, self.name)
        finally:
            stop.set()
        if isinstance(item, Exception):
            raise item
        if rest := thoughts.rest():
            said += rest
            yield Delta(rest, self.name)
        if not item.ended or not said.strip():
            raise ModelFailure("cut" if said else "no content", usage=item.usage)
        yield Completion(said, self.name, item.usage)

    async def close(self) -> None:
        """Lets the thread go."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _speak(self, request: Request, tell: _Tell, stop: threading.Event) -> None:
        try:
            tell(self._generate(request, tell, stop))
        except Exception as error:  # raised where somebody waits for it
            tell(error)

    def _generate(self, request: Request, tell: _Tell, stop: threading.Event) -> _End:
        """In the thread: the text, told as it is made."""
        import torch
        from transformers import StoppingCriteria, StoppingCriteriaList, TextStreamer

        ends = time.monotonic() + request.seconds

        class Telling(TextStreamer):  # type: ignore[misc]
            def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
                if text:
                    tell(text)

        class Enough(StoppingCriteria):  # type: ignore[misc]
            def __call__(self, input_ids: Any, scores: Any, **given: Any) -> Any:
                over = stop.is_set() or time.monotonic() > ends
                return torch.full((len(input_ids),), over, device=input_ids.device)

        prompt = self._tokenizer.apply_chat_template(
            [{"role": each.role, "content": each.content} for each in request.prompt.messages],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        ).to(self._model.device)
        torch.manual_seed(request.seed)
        sampling = {"do_sample": True, "temperature": self._temperature} if self._temperature else {"do_sample": False}
        with torch.inference_mode():
            made = self._model.generate(
                **prompt,
                **sampling,
                max_new_tokens=tokens_at_most(request),
                streamer=Telling(self._tokenizer, skip_prompt=True, skip_special_tokens=True),
                stopping_criteria=StoppingCriteriaList([Enough()]),
            )[0, prompt["input_ids"].shape[1] :]
        last = int(made[-1]) if len(made) else None
        return _End(Usage(prompt["input_ids"].shape[1], len(made)), last in self._endings())

    def _endings(self) -> set[int | None]:
        given = self._model.generation_config.eos_token_id
        return {*given} if isinstance(given, list) else {given}


def open_model(entry: Entry) -> LocalModel:
    """The model in the folder that *entry* of the file of providers names."""
    assert entry.path is not None
    if not (entry.path / "config.json").is_file():
        # Told before torch is imported, which takes seconds.
        raise FileNotFoundError(entry.path)
    return LocalModel(entry.path, called=entry.name, temperature=entry.temperature)
