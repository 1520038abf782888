"""Trains the gate that knows how an honest sentence reads: ``python -m responses.hostile.fit`` writes its weights."""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from responses.gates.bare import MARK, as_draft, bare
from responses.gates.novelty import FILE, SIZE, features, grams, score, sentences
from responses.hostile.cases import LANGUAGES, Honest, drafts_of, written_pairs
from responses.hostile.lies import OPENED
from responses.library import library, wording
from responses.reply import Language

HERE = Path(__file__).parent
DRAFTS = HERE.parent.parent / "tests" / "data" / "honest_drafts.jsonl"
"""Drafts that gates may be mended on, where the checkout has them."""
REFUSED, DOUBTED = 0.005, 0.06
"""Shares of the honest replies, each quarter judged by what was learned from the rest, that are refused for how they read
alone, and that read doubtfully enough for a weak sign to decide."""
LEFT_OUT = 0.3
"""Share of their sentences without a fact, and not the template's own, that are left out: what it costs a model's warmth that
hardly a lie is said."""
_EPOCHS, _RATE, _DECAY, _LIE_WEIGHT, _PHRASE_TIMES, _CONTRAST_TIMES, _FOLDS = 10, 0.5, 1e-4, 0.5, 3, 2, 4

Example = tuple[NDArray[np.int64], int]


def learned_from() -> list[Honest]:
    """Every other pair of the writer's, and the drafts that may be mended on; the other pairs only measure."""
    pairs = [honest for place, honest in enumerate(written_pairs()) if place % 2 == 0]
    return pairs + (drafts_of(DRAFTS) if DRAFTS.is_file() else [])


def _template(text: str) -> str:
    return bare(as_draft(text)).text


def _sources(honest: Honest) -> list[frozenset[str]]:
    variants = wording(honest.capability, honest.outcome).variants(honest.language, elder=False)
    return [grams(_template(text), honest.language) for text in variants]


def _of_reply(text: str, known: frozenset[str], language: Language) -> list[NDArray[np.int64]]:
    return [features(sentence, known, language) for sentence in _sentences(text)]


def _sentences(text: str) -> list[str]:
    folded = bare(text).text
    return [folded[start:end] for start, end in sentences(folded)]


def _of_templates(rng: random.Random) -> Iterator[NDArray[np.int64]]:
    """Each sentence of a template beside another wording of the same outcome."""
    for file in library().values():
        for said in file.outcomes.values():
            for language in LANGUAGES:
                texts = [_template(text) for text in said.variants(language, elder=False)]
                for text in texts:
                    known = grams(rng.choice(texts), language)
                    yield from (features(text[start:end], known, language) for start, end in sentences(text))


def contrasts() -> list[tuple[str, str, Language]]:
    """Lies, each beside an honest sentence in nearly the same words."""
    found: list[tuple[str, str, Language]] = []
    for path in sorted((HERE / "contrasts").glob("*.yml")):
        for block in yaml.safe_load(path.read_text("utf-8")):
            found += [(lie, honest, language) for language in LANGUAGES for lie, honest in block[language]]
    return found


def _lies() -> list[tuple[str, Language]]:
    found: list[tuple[str, Language]] = [(lie, language) for lie, _, language in contrasts()] * _CONTRAST_TIMES
    for name in ("phrases.yml", *OPENED):
        loaded: dict[str, dict[str, Any]] = yaml.safe_load((HERE / name).read_text("utf-8"))
        for language in LANGUAGES:
            found += [(text, language) for spec in loaded.values() for text in spec.get(language, ())] * _PHRASE_TIMES
    for block in yaml.safe_load((HERE / "grammar.yml").read_text("utf-8")):
        for language, (first, second) in block.items():
            found += [(one + other, language) for one in first for other in second]
    return found


def _honest() -> list[tuple[str, Language]]:
    loaded: dict[str, Any] = yaml.safe_load((HERE / "honest.yml").read_text("utf-8"))
    found: list[tuple[str, Language]] = [
        (text, language) for language in LANGUAGES for text in loaded[language] * _PHRASE_TIMES
    ]
    found += [(honest, language) for _, honest, language in contrasts()]
    for block in loaded["blocks"]:
        for language, (first, second) in block.items():
            found += [(one + other, language) for one in first for other in second]
    return found


def fit(examples: Sequence[Example], seed: int = 0) -> tuple[NDArray[np.float64], float]:
    """Weights and bias by AdaGrad (Duchi et al., 2011); honest sentences and lies weigh by their numbers."""
    lies = sum(lie for _, lie in examples)
    heavier = _LIE_WEIGHT * (len(examples) - lies) / max(1, lies)
    weights, squares = np.zeros(SIZE), np.full(SIZE, 1e-6)
    bias, bias_squares = 0.0, 1e-6
    rng = np.random.default_rng(seed)
    for _ in range(_EPOCHS):
        for place in rng.permutation(len(examples)):
            found, lie = examples[place]
            scale = 1 / np.sqrt(len(found) + 1)
            guess = 1 / (1 + np.exp(-(weights[found].sum() * scale + bias)))
            error = (guess - lie) * (heavier if lie else 1.0)
            step = error * scale + _DECAY * weights[found]
            squares[found] += step * step
            weights[found] -= _RATE * step / np.sqrt(squares[found])
            bias_squares += error * error
            bias -= _RATE * error / np.sqrt(bias_squares)
    return weights, float(bias)


def train(seed: int = 0) -> dict[str, float]:
    """Fits, chooses the threshold by cross-validation, and writes the weights; gives what it chose."""
    rng = random.Random(seed)  # noqa: S311
    replies = learned_from()
    rng.shuffle(replies)
    sources = [_sources(honest) for honest in replies]
    beside = [rng.choice(variants) for variants in sources]
    own = [
        [(found, 0) for found in _of_reply(honest.text, known, honest.language)]
        for honest, known in zip(replies, beside, strict=True)
    ]
    known_of: dict[Language, list[frozenset[str]]] = {
        language: [known for honest, known in zip(replies, beside, strict=True) if honest.language == language]
        for language in LANGUAGES
    }
    lies = [
        (found, 1)
        for text, language in _lies()
        for found in _of_reply(text.strip(), rng.choice(known_of[language]), language)
    ]
    templates = [(found, 0) for found in _of_templates(rng)]
    templates += [
        (found, 0)
        for text, language in _honest()
        for found in _of_reply(text.strip(), rng.choice(known_of[language]), language)
    ]
    worst: list[float] = []
    alone: list[float] = []
    for fold in range(_FOLDS):
        kept = [each for place, examples in enumerate(own) if place % _FOLDS != fold for each in examples]
        weights, bias = fit([*kept, *lies, *templates], seed)
        halves = weights.astype(np.float32)
        for honest, variants in itertools.islice(zip(replies, sources, strict=True), fold, None, _FOLDS):
            read = [_of_reply(honest.text, known, honest.language) for known in variants]
            worst.append(min(max(score(halves, bias, found) for found in sentences) for sentences in read))
            beside_one = zip(_sentences(honest.text), rng.choice(read), strict=True)
            alone += [score(halves, bias, found) for text, found in beside_one if MARK not in text]
    sure, doubtful = (float(np.quantile(worst, 1 - share)) for share in (REFUSED, DOUBTED))
    vouched = float(np.quantile(alone, 1 - LEFT_OUT))
    weights, bias = fit([*(each for examples in own for each in examples), *lies, *templates], seed)
    np.savez_compressed(
        FILE, weights=weights.astype(np.float16), bias=bias, sure=sure, doubtful=doubtful, vouched=vouched
    )
    return {
        "replies": len(replies),
        "lies": len(lies),
        "templates": len(templates),
        "sure": round(sure, 3),
        "doubtful": round(doubtful, 3),
        "vouched": round(vouched, 3),
    }


if __name__ == "__main__":
    sys.stdout.write(f"{train()}\n")
