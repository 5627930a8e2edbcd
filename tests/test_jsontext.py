"""JSON that people and logs are shown."""

from reconciler.jsontext import dump_json


def test_text_is_readable_and_cannot_act_on_a_terminal() -> None:
    text = dump_json({"name": "Zoë 山田", "bad": "\x1b\x7f\x9b\u202e\u2028\ud800\U000e0041"})
    assert "Zoë 山田" in text
    assert '"\\u001b\\u007f\\u009b\\u202e\\u2028\\ud800\\udb40\\udc41"' in text
    assert text.endswith("}\n")
