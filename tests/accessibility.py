"""Whether everybody can use a page: what a script of ours finds in it, and what the keyboard reaches.

The rules are WCAG 2.2's: contrast (1.4.3, 1.4.11), names and labels (1.3.1, 2.4.4, 4.1.2), the purpose of fields (1.3.5), title and
headings (2.4.2, 2.4.6), focus (2.4.3, 2.4.7), targets (2.5.8).
"""

from pathlib import Path

from outside import eventually

_FAULTS = Path(__file__).with_suffix(".js").read_text()

_STOPS_INSIDE = 12

_IS_INSIDE = """
([reachable, index]) => {
  const at = document.activeElement;
  return at.tagName === "IFRAME" || (["AUDIO", "VIDEO"].includes(at.tagName) && at === reachable[index]);
}
"""

_REACHABLE = """
() => [...document.querySelectorAll("a[href], button, input, select, textarea, [tabindex='0'], summary, audio, video")]
  .filter((each) => each.type !== "hidden" && !each.disabled && each.tabIndex >= 0 && each.checkVisibility())
"""

_AT = """
(reachable) => {
  const at = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(at);
  const { left, right } = at.getBoundingClientRect();
  const place = (element, down = scrollY) => {
    const box = element.getBoundingClientRect();
    return { left: box.left, top: box.top + down, bottom: box.bottom + down };
  };
  const parents = [];
  for (let each = at.parentElement; each; each = each.parentElement) parents.push(each);
  // For what follows it, what lies over the page stands where the summary is that opened it.
  const over = parents.find((each) => each.parentElement?.tagName === "DETAILS" && getComputedStyle(each).position === "absolute");
  const menu = over?.parentElement;
  return {
    index: reachable.indexOf(at),
    isMarked: at.matches(":focus-visible") && outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
    isOnPage: right > 0 && left < innerWidth,
    seen: place(at),
    inside: place(at, parents.reduce((sum, each) => sum + each.scrollTop, 0)),
    menu: menu ? [...document.querySelectorAll("details")].indexOf(menu) : null,
    opener: place(menu?.querySelector("summary") ?? at),
    name: at.outerHTML.slice(0, 80),
  };
}
"""


def check_everybody_can_use(page: object) -> None:
    """Check a page in light and in dark, and walk through it by the keyboard."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        # What a script draws follows with the next frame.
        eventually(lambda: _is_faultless(page, scheme), 3.0)
    page.emulate_media(color_scheme="light")
    _walk_by_keyboard(page)


def _is_faultless(page: object, scheme: str) -> bool:
    faults = page.evaluate(_FAULTS)
    assert not faults, "\n".join([f"{page.url} in {scheme}:", *faults])
    return True


def _walk_by_keyboard(page: object) -> None:
    """Press Tab from the first thing to the last: all are reached in the page's own order and marked, and none lies back up on the left."""
    reachable = page.evaluate_handle(_REACHABLE)
    count = reachable.evaluate("(each) => each.length")
    reachable.evaluate("(each) => each[0].focus()")
    # Only the keyboard's focus is marked, not a script's.
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    before = None
    for index in range(count):
        at = page.evaluate(_AT, reachable)
        assert at["index"] == index, f"{page.url}: Tab reaches {at['name']} in place {index}"
        assert at["isMarked"], f"{page.url}: nothing shows that the focus is on {at['name']}"
        assert at["isOnPage"], f"{page.url}: {at['name']} has the focus and is not on the page"
        # The first, which skips to the content, lies above the page.
        if before is not None and index > 1:
            last = before["seen"] if before["menu"] in (None, at["menu"]) else before["opener"]
            # A part that scrolls may have moved meanwhile: what it holds still lies in order.
            down = at["seen"]["bottom"] > last["top"] or at["inside"]["bottom"] > before["inside"]["top"]
            goes_on = down or at["seen"]["left"] > last["left"]
            assert goes_on, f"{page.url}: from {before['name']} Tab goes back up to {at['name']}"
        before = at
        page.keyboard.press("Tab")
        # A player's own controls, and what stands in a frame, are gone through one by one.
        for _ in range(_STOPS_INSIDE):
            if not page.evaluate(_IS_INSIDE, [reachable, index]):
                break
            page.keyboard.press("Tab")
