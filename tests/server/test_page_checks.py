"""What machines can tell of the page: its types, and whether everybody can use it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

WEB = Path(__file__).parent / "web"
STATIC = Path(__file__).parents[2] / "src/lsamatting/server/static"


def tool(path: str) -> Path:
    """Give a file of the tools, which the page itself does not need."""
    found = WEB / "node_modules" / path
    if not found.exists():
        if os.environ.get("CHROMIUM"):
            raise FileNotFoundError(f"{found}: npm install --prefix {WEB}")
        pytest.skip(f"needs npm install --prefix {WEB}")
    return found


def test_types():
    compiler = tool("typescript/bin/tsc")
    done = subprocess.run(
        [shutil.which("node") or "node", compiler, "-p", WEB], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_every_text_is_in_the_file_of_strings():
    strings = (STATIC / "js/strings.js").read_text()
    known = set(re.findall(r"^  (\w+):", strings, re.M))
    used = set()
    for file in STATIC.glob("js/*.js"):
        used |= set(re.findall(r"\bt\(\s*\"(\w+)\"", file.read_text()))
    assert used <= known
    others = "".join(f.read_text() for f in STATIC.glob("js/*.js") if f.name != "strings.js")
    assert {key for key in known if f'"{key}"' not in others} == set()


def test_nothing_is_asked_of_another_host():
    for file in STATIC.rglob("*"):
        if file.suffix in (".js", ".css", ".html"):
            addresses = set(re.findall(r"https?://[^\"'\s]+", file.read_text()))
            assert addresses <= {"http://www.w3.org/2000/svg"}, file


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_no_serious_violation(theme, server):
    rules = tool("axe-core/axe.min.js").read_text()
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not browser:
        pytest.skip("needs a browser: CHROMIUM names one")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(
            executable_path=browser, args=["--no-sandbox", "--disable-gpu"]
        )
        # The page allows no code but its own, so the checker has to be let in.
        context = chromium.new_context(bypass_csp=True)
        context.add_init_script(f"localStorage.setItem('theme', '{theme}')")
        page = context.new_page()
        page.goto(server.address)
        page.evaluate(rules)
        found = {"empty": check(page)}
        page.get_by_text("Try the sample picture").click()
        playwright.expect(page.locator(".said")).to_contain_text("Done", timeout=90_000)
        steps = page.get_by_role("group", name="Steps")
        for step in ("Correct", "Finish", "Export", "Mark"):
            steps.get_by_role("button", name=step).click()
            found[step] = check(page)
        page.keyboard.press("?")
        found["keys"] = check(page)
        chromium.close()
    assert not any(found.values()), found


def check(page) -> list[str]:
    result = page.evaluate("() => axe.run(document)")
    return [
        f"{violation['id']}: {violation['nodes'][0]['html'][:120]}"
        for violation in result["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
