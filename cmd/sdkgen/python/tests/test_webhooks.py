"""Requests of webhooks: what is accepted, and what is not."""

from __future__ import annotations

import pytest
from chaveiro_sdk import WebhookError, verify_webhook

# The example that Standard Webhooks publishes.
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
AT = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"


def headers(**changes: str) -> dict[str, str]:
    sent = {"Webhook-Id": ID, "webhook-timestamp": str(AT), "WEBHOOK-SIGNATURE": SIGNATURE}
    for name, value in changes.items():
        sent[name.replace("_", "-")] = value
    return sent


@pytest.mark.parametrize("keys", [KEY, [KEY], [OTHER, KEY], KEY.removeprefix("whsec_")])
@pytest.mark.parametrize("now", [AT, AT + 300, AT - 300])
def test_the_example_is_accepted(keys: str | list[str], now: float) -> None:
    assert verify_webhook(BODY, headers(), keys, now=now).id == ID
    assert verify_webhook(BODY.decode(), headers(), keys, now=now).data == {}


def test_any_signature_will_do() -> None:
    sent = {**headers(), "WEBHOOK-SIGNATURE": "v1,AAAA v2,x v1a,% v1,% " + SIGNATURE}
    assert verify_webhook(BODY, sent, KEY, now=AT).type == ""


@pytest.mark.parametrize(
    ("body", "sent", "keys", "now"),
    [
        (BODY, headers(), KEY, AT + 301),
        (BODY, headers(), KEY, AT - 301),
        (BODY, headers(), OTHER, AT),
        (BODY, headers(), [], AT),
        (BODY + b" ", headers(), KEY, AT),
        (BODY, {**headers(), "Webhook-Id": ID + "x"}, KEY, AT),
        (BODY, {**headers(), "Webhook-Id": ""}, KEY, AT),
        (BODY, {**headers(), "webhook-timestamp": str(AT + 1)}, KEY, AT),
        (BODY, {**headers(), "webhook-timestamp": ""}, KEY, AT),
        (BODY, {**headers(), "webhook-timestamp": "x"}, KEY, AT),
        (BODY, {**headers(), "WEBHOOK-SIGNATURE": ""}, KEY, AT),
        (BODY, {**headers(), "WEBHOOK-SIGNATURE": "v2" + SIGNATURE[2:]}, KEY, AT),
        (BODY, {**headers(), "WEBHOOK-SIGNATURE": SIGNATURE[:19]}, KEY, AT),
        (BODY, {**headers(), "WEBHOOK-SIGNATURE": "v1,"}, KEY, AT),
    ],
)
def test_anything_else_is_refused(
    body: bytes, sent: dict[str, str], keys: str | list[str], now: float
) -> None:
    with pytest.raises(WebhookError):
        verify_webhook(body, sent, keys, now=now)


@pytest.mark.parametrize("key", ["whsec_%", "whsec_", "á"])
def test_a_key_has_to_be_readable(key: str) -> None:
    with pytest.raises(ValueError):
        verify_webhook(BODY, headers(), key, now=AT)
