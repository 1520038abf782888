"""What the adapters say by themselves, where no turn is run: greetings, and kind words for what cannot be read."""

from __future__ import annotations

GREETING = (
    "您好，我是云杉银行的智能客服，由人工智能为您服务。汇率、理财、网点，直接问我就好；"
    "查询账户前，请先绑定您的客户身份。\n"
    "Hello, I am Spruce Bank's AI assistant. Ask me about exchange rates, products or branches at any time."
)
TO_BIND = "登录网上银行后生成绑定链接，再发到这里，即可查询您的账户：{url}"
TO_BIND_EN = "To ask about your accounts, sign in on the bank's page, make a link there, and send it here: {url}"
TO_CONTINUE = "请在银行页面登录办理：{url}"
TO_CONTINUE_EN = "Sign in on the bank's page to do it: {url}"
BOUND = "绑定成功，现在可以在这里查询您的账户了。需要解除时，回复“解除绑定”即可。"
LINK_IS_OVER = "这个绑定链接已失效。请登录网上银行重新生成一个，十分钟内发到这里。"
UNBOUND = "已解除绑定，这里不再能查询您的账户。需要时可以随时重新绑定。"
NOT_BOUND = "您还没有绑定客户身份，不需要解除。"
BUSY = "您的消息有点多，我这会儿没能收下这一条，麻烦您稍等一分钟再发。"
NO_VOICE = "抱歉，这段语音我没有听清，麻烦您用文字告诉我，好吗？"
NO_PICTURE = "图片我暂时看不了，麻烦您用文字说说想问的事。为了您的安全，也请不要发送身份证或银行卡的照片。"
NO_SUCH_FORM = "这种消息我暂时看不懂，麻烦您用文字告诉我。需要人工客服，回复“转人工”就好。"
MORE = "内容较多，其余部分请在云杉银行手机银行查看。"
MORE_EN = "There is more: please see the rest in the Spruce Bank app."
UNBIND = frozenset({"解除绑定", "解绑", "取消绑定", "unbind"})
"""Messages that, alone, take the binding away."""
KINDLY = {
    "voice": NO_VOICE,
    "image": NO_PICTURE,
    "video": NO_PICTURE,
    "shortvideo": NO_PICTURE,
    "file": NO_PICTURE,
}
"""What is said to the forms of message that cannot be read."""
