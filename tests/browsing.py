"""Pages in a real Chromium: watched for what must not happen, and pictures of them to look at."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from outside import Server, eventually, need_chromium

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
# Where to leave pictures to be looked at; nothing is compared with them.
PICTURES = os.environ.get("RUNKEY_TEST_PICTURES")


@contextmanager
def chromium() -> Iterator[object]:
    path = need_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
        started = playwright.chromium.launch(executable_path=path, args=flags)
        yield started
        started.close()


def look(page: object, name: str) -> None:
    """Take pictures at desktop and phone width, light and dark; check that nothing runs over the edge."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            # A chart is drawn anew once it has another width.
            eventually(lambda: page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), 5.0, f"{name} on a {size}")
            if PICTURES:
                Path(PICTURES).mkdir(exist_ok=True)
                page.screenshot(path=f"{PICTURES}/{name}-{size}-{scheme}.png", full_page=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


def watched(browser: object, server: Server, **options: object) -> object:
    """A page whose console must stay silent, and which must ask nobody else for anything."""
    page = browser.new_context(**options).new_page()
    page.problems = []
    page.on("console", lambda message: page.problems.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith((server.url, "data:")) else page.problems.append(r.url))
    page.on("dialog", lambda dialog: page.problems.append(dialog.message))
    return page
