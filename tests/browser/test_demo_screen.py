"""The demo's screen: what its style does to it on a small window."""

from playwright.async_api import Browser

from tests.browser.conftest import WEB, opened

STYLES = (WEB / "static/parts/tokens.css", WEB / "static/parts/base.css", WEB.parent / "demo/screen/demo.css")
TERMINAL = """<section class="terminal"><h2>Washroom corridor</h2>
<p class="under"><span>Teaching block 2 · floor 3</span><button class="cut">Cut network</button></p></section>"""
PAGE = f"""<!doctype html><html lang="en"><title>demo</title><div class="demo"><main class="wall">
<div id="wall"><div class="terminals">{TERMINAL * 3}</div></div></main>
<aside class="phone"><div class="frame"></div><p>A guard's pager</p></aside></div>"""


async def test_cut_network_is_one_line_and_nothing_scrolls_sideways(chromium: Browser) -> None:
    async with opened(chromium, locale="en") as tab:
        await tab.set_content(PAGE)
        for style in STYLES:
            await tab.add_style_tag(path=style)
        for width, height in ((1280, 800), (390, 844), (320, 568)):
            await tab.set_viewport_size({"width": width, "height": height})
            line, wide = await tab.evaluate(
                """() => [document.querySelector(".cut").offsetHeight, document.documentElement.scrollWidth]"""
            )
            assert (width, line <= 34, wide) == (width, True, width)
