"""What looks for faults of pages finds them, in either color scheme."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.accessibility import violations

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A page</title>
<meta name="viewport" content="width=device-width"><style>
:root {{ --ink: {light}; --paper: #fff }}
@media screen and (prefers-color-scheme: dark) {{ :root {{ --ink: {dark}; --paper: #000 }} }}
body, a, button {{ color: var(--ink); background: var(--paper) }}
</style></head><body><main><h1>A page</h1><p>A sentence.</p>
<ul><li><a href="#end">The end</a></li></ul><button type="button">Press</button>
<table><tr><th scope="col">a</th></tr><tr><td>1</td></tr></table><p id="end">The end.</p>
</main></body></html>
"""


@pytest.mark.parametrize(
    ("light", "dark", "scheme"), [("#eee", "#fff", "light"), ("#000", "#222", "dark")]
)
def test_faint_letters_of_one_scheme_are_found(
    open_page: Callable[..., Any], tmp_path: Path, light: str, dark: str, scheme: str
) -> None:
    file = tmp_path / "page.html"
    file.write_text(PAGE.format(light=light, dark=dark), "utf-8")
    faults = violations(open_page(file, color_scheme="light"))
    assert [(place, rule) for place, rule, _ in faults] == [(scheme, "color-contrast")]
