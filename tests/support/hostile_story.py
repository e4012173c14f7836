"""A story whose every text tries to break out of where it is shown."""

from typing import Any

import yaml

from storyodds import Story, load_story, load_text
from storyodds.scenarios.serialize import to_data

TEXTS = {"title", "summary", "claim", "note", "cite", "specification", "desirability", "source"}
# Ends a script, opens an element, closes an attribute, ends CDATA, a comment and a style, and
# says something in the marks of Markdown and of the terminal; if any of it runs, it leaves a trace.
ATTACK = (
    "</script><script>window.broken=1</script>"
    '"\'><img src=x onerror="window.broken=2"><svg onload=window.broken=3>'
    "]]>--></style></title><style>body{display:none}</style>"
    "{{7*7}}${7*7}|`code`[link](javascript:window.broken=4)[bold]&lt;b&gt;"
)


def hostile_story(bundled: str = "rlhf-assistant", attack: str = ATTACK) -> Story:
    """A bundled story with the attack at the head of every text that it may hold."""
    story = load_text(
        yaml.safe_dump(_planted(to_data(load_story(bundled)), attack), allow_unicode=True),
        "hostile",
    )
    assert attack in story.title
    return story


def _planted(value: Any, attack: str, key: str = "") -> Any:
    if isinstance(value, dict):
        return {k: _planted(v, attack, str(k)) for k, v in value.items()}
    if isinstance(value, list):
        return [_planted(item, attack, key) for item in value]
    return attack + value if isinstance(value, str) and key in TEXTS else value
