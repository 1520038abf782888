"""What is said when a turn could not be run at all: a reply of the usual shape that states nothing."""

from __future__ import annotations

from typing import Any

from responses.reply import How, Language, QuickReply, Reply

_TEXT: dict[Language, str] = {
    "zh": "非常抱歉，系统刚才出了点问题，您的这条消息没有处理成功。请您稍后再发一次；如需人工客服，回复“转人工”即可。",
    "en": "I'm very sorry, something went wrong on our side and this message was not processed. "
    "Please send it again in a moment, or reply “agent” and a colleague will help you.",
}
_HUMAN: dict[Language, str] = {"zh": "转人工", "en": "Agent"}


def apology(language: str) -> dict[str, Any]:
    """The reply as ``Turn.wire`` gives it, in ``zh`` or ``en``: without its ``seq``, and with nothing understood."""
    spoken: Language = "en" if language == "en" else "zh"
    reply = Reply(
        text=_TEXT[spoken],
        language=spoken,
        evidence=(),
        quick_replies=(QuickReply(title=_HUMAN[spoken], payload=_HUMAN[spoken]),),
        how=How(generator="apology", verdict="template", rules="none"),
    )
    return {
        **reply.model_dump(mode="json"),
        "understood": {"intents": [], "act": "ask", "slots": [], "in_scope": False},
        "decisions": [],
    }
