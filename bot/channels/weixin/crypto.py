"""Signatures and encryption of WeChat's and WeCom's callbacks, as their vendor documents them.

The message is AES-256-CBC under the 43 characters of an EncodingAESKey, padded to blocks of 32; the signature is a SHA-1
over the sorted parts. Source: developers.weixin.qq.com, "消息加解密说明"; developer.work.weixin.qq.com/document/path/90968.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 32
"""Bytes to which a plaintext is padded: twice what AES itself needs, so that no library's own unpadding fits."""
RANDOM = 16
"""Bytes of randomness before each message."""
_LENGTH = 4
_AES_KEY = re.compile(r"[A-Za-z0-9]{43}")


class Refused(Exception):
    """A signature, an encryption or an envelope that is not as the platform makes them. It says no more than that."""


def aes_key(encoding_aes_key: str) -> bytes:
    """The 32 bytes of an EncodingAESKey; ``ValueError`` where it is none."""
    if not _AES_KEY.fullmatch(encoding_aes_key):
        raise ValueError("an EncodingAESKey has 43 letters and digits")
    return base64.b64decode(encoding_aes_key + "=")


def signature(token: str, timestamp: str, nonce: str, *encrypted: str) -> str:
    """The hexadecimal SHA-1 over the sorted parts: three in plain mode, with *encrypted* in safe mode."""
    parts = "".join(sorted((token, timestamp, nonce, *encrypted)))
    # SHA-1 is the platform's choice; the token in it is secret.
    return hashlib.sha1(parts.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def check_signature(shown: str, token: str, timestamp: str, nonce: str, *encrypted: str) -> None:
    """Raises ``Refused`` unless *shown* is the signature of the rest, compared in constant time."""
    made = signature(token, timestamp, nonce, *encrypted)
    if not hmac.compare_digest(made.encode(), shown.encode("utf-8", "surrogatepass")):
        raise Refused


def encrypt(message: bytes, key: bytes, receiver: str, random: bytes | None = None) -> str:
    """*message* for *receiver* as base64. *random* is 16 bytes, fresh ones unless a test gives them."""
    random = secrets.token_bytes(RANDOM) if random is None else random
    plain = random + len(message).to_bytes(_LENGTH, "big") + message + receiver.encode()
    fill = BLOCK - len(plain) % BLOCK
    encryptor = _cipher(key).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([fill]) * fill) + encryptor.finalize()).decode()


def decrypt(encrypted: str, keys: Sequence[bytes], receiver: str) -> tuple[bytes, bytes]:
    """The message meant for *receiver*, and which of *keys* opened it: the present one, or the one before.

    Raises ``Refused``, the same for everything that can be wrong. Check the signature first: then whoever sent it knows
    the token, and learns nothing from the padding.
    """
    try:
        sealed = base64.b64decode(encrypted, validate=True)
    except (binascii.Error, ValueError):
        raise Refused from None
    if not sealed or len(sealed) % BLOCK:
        raise Refused
    for key in keys:
        decryptor = _cipher(key).decryptor()
        message = _unpacked(decryptor.update(sealed) + decryptor.finalize(), receiver.encode())
        if message is not None:
            return message, key
    raise Refused


def _unpacked(plain: bytes, receiver: bytes) -> bytes | None:
    fill = plain[-1]
    if not 1 <= fill <= BLOCK or plain[-fill:] != bytes([fill]) * fill:
        return None
    body = plain[RANDOM:-fill]
    length = int.from_bytes(body[:_LENGTH], "big")
    if len(body) != _LENGTH + length + len(receiver):
        return None
    if not hmac.compare_digest(body[_LENGTH + length :], receiver):
        return None
    return body[_LENGTH : _LENGTH + length]


def _cipher(key: bytes) -> Cipher[modes.CBC]:
    # The vendor's choice: the initialisation vector is the key's own beginning, and 16 random bytes come before the text.
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))
