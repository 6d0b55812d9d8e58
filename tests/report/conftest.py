"""The browser that the tests of the page drive, and the pages."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
HOW = "`tests/report/install-chromium` installs it where it may"
# Set where the tests must not be skipped, as in .ci/run.
REQUIRED = os.environ.get("REPORT_BROWSER") == "required"


def render(report, form):
    """Renders a report as `Report::render` does."""
    command = ["cargo", "run", "-q", "-p", "f3dx_cache_core", "--example", "render_report", form]
    done = subprocess.run(
        command, cwd=ROOT, input=json.dumps(report).encode(), stdout=subprocess.PIPE, check=True
    )
    return done.stdout.decode()


@pytest.fixture(scope="session")
def driver():
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    chromedriver = shutil.which("chromedriver")
    if not browser or not chromedriver:
        missing = "chromedriver" if browser else "chromium"
        (pytest.fail if REQUIRED else pytest.skip)(f"{missing} is not here; {HOW}")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    options.add_argument("--headless=new")
    options.add_argument("--disable-dev-shm-usage")
    options.add_argument("--window-size=1280,900")
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(chromedriver))
    yield driver
    driver.quit()


@pytest.fixture
def open_page(driver, tmp_path):
    """Opens the page of a report; by default as a person meets it."""

    def open_page(report, scheme="light"):
        path = tmp_path / "report.html"
        path.write_text(render(report, "html"), encoding="utf-8", newline="")
        for log in ("browser", "performance"):
            driver.get_log(log)
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        driver.get(path.as_uri())
        return driver

    return open_page


def pytest_terminal_summary(terminalreporter):
    for skipped in terminalreporter.stats.get("skipped", [])[:1]:
        reason = skipped.longrepr[2] if isinstance(skipped.longrepr, tuple) else skipped.longrepr
        terminalreporter.section("THE PAGE OF THE REPORT WAS NOT TESTED", sep="!", red=True)
        terminalreporter.line(f"{reason}")
