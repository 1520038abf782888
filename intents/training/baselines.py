"""What any model has to beat: words counted and weighed, and an encoder used as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import nn

from intents.training.measures import OUTSIDE, Reading
from intents.training.model import mean_state
from intents.training.rows import Row

Reader = Callable[[str], Reading]
"""Reads one message."""

_WORD = r"(?u)[a-z0-9']+|[^\sa-z0-9]"
"""A Latin word, a number, or any other character: one Han character is a word."""

_STRENGTHS = (1.0, 10.0, 100.0)
"""Inverse penalties of the logistic regression that are tried on held-out rows."""


def tfidf(train: Sequence[Row], valid: Sequence[Row]) -> Reader:
    """TF-IDF of words (1–2) and characters (2–5, Han 1–3 among them) with logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union

    grams = make_union(
        TfidfVectorizer(analyzer="word", ngram_range=(1, 2), sublinear_tf=True, token_pattern=_WORD),
        TfidfVectorizer(analyzer="char", ngram_range=(1, 5), sublinear_tf=True, min_df=2),
    )
    grams.fit([row.text.lower() for row in train])
    return _regression(train, valid, lambda texts: grams.transform([text.lower() for text in texts]))


def frozen(train: Sequence[Row], valid: Sequence[Row], encoder: nn.Module, tokenizer: Tokenizer) -> Reader:
    """The mean of *encoder*'s states with logistic regression: what is best while examples are few."""
    return _regression(train, valid, lambda texts: embed(encoder, tokenizer, texts))


def embed(encoder: nn.Module, tokenizer: Tokenizer, texts: Sequence[str]) -> NDArray[np.float32]:
    """The mean state of each of *texts*, ``[N, width]``, of unit length."""
    encoder.eval()
    found = np.zeros((len(texts), encoder.config.hidden_size), dtype=np.float32)
    encodings = tokenizer.encode_batch(list(texts))
    order = sorted(range(len(texts)), key=lambda at: len(encodings[at].ids))
    for start in range(0, len(order), 64):
        chunk = order[start : start + 64]
        with torch.no_grad():
            found[chunk] = mean_state(encoder, [encodings[at] for at in chunk]).numpy()
    return found


def _regression(train: Sequence[Row], valid: Sequence[Row], features: Callable[[Sequence[str]], object]) -> Reader:
    from sklearn.linear_model import LogisticRegression

    inputs, classes = features([row.text for row in train]), [row.intent for row in train]
    trials, right = features([row.text for row in valid]), np.array([row.intent for row in valid])
    best, learner = -1.0, None
    for strength in _STRENGTHS:
        candidate = LogisticRegression(C=strength, max_iter=300).fit(inputs, classes)
        score = float((candidate.predict(trials) == right).mean())
        if score > best:
            best, learner = score, candidate
    assert learner is not None
    names = [str(name) for name in learner.classes_]

    def read(text: str) -> Reading:
        chances = learner.predict_proba(features([text]))[0]
        top = int(chances.argmax())
        inside = max(chance for name, chance in zip(names, chances, strict=True) if name not in OUTSIDE)
        return Reading((names[top],), float(chances[top]), 1 - float(inside))

    return read
