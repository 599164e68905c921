"""The check of whether everybody can use a page finds what is planted for it."""

import pytest
from accessibility import check_everybody_can_use

pytestmark = [pytest.mark.story, pytest.mark.browser]

PLANTED = """
<main><h1>One</h1><h3>Two</h3><p style="color: #999">grey</p><p style="color: #666; opacity: 0.5">faint</p>
<form><input type="password" autocomplete="on"><input aria-label="a" style="border-color: #eee"><button></button></form>
<p class="problem">not told</p><a href="/"><img></a></main>
"""


def test_the_check_itself_finds_planted_mistakes(browser: object) -> None:
    page = browser.new_page()
    page.set_content(PLANTED)
    with pytest.raises(AssertionError) as found:
        check_everybody_can_use(page)
    for sentence in (
        "no language",
        "no title",
        "skips a level",
        "grey: the contrast of its text is 2.85",
        "faint: the contrast of its text is 2",
        "the contrast of its edge",
        "the field has no label",
        "which password it is",
        "it has no name",
        "not told at once",
        "hard to hit",
    ):
        assert sentence in str(found.value)
    style = ":root { color-scheme: light dark; background: Canvas } :focus-visible { outline: 2px solid } a { color: CanvasText }"
    whole = f'<html lang="en"><title>t</title><style>{style}</style><main><h1>h</h1>'
    for planted, sentence in (
        ("<a href='/1' style='outline: none'>one</a>", "nothing shows that the focus is on"),
        ("<a href='/1'>one</a><p><a href='/2' style='position: absolute; left: -99em'>two</a></p>", "is not on the page"),
    ):
        page.set_content(whole + planted)
        with pytest.raises(AssertionError, match=sentence):
            check_everybody_can_use(page)
