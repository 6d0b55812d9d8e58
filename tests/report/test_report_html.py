"""The page of a report in a real browser: it filters, nothing in it runs, everybody can read it."""

import json

import pytest
import reports
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

# The contrast of each text that is shown with what lies behind it, by WCAG 2.
CONTRASTS = """
const parse = (color) => {
  const numbers = color.match(/[\\d.]+/g).map(Number);
  return numbers.length === 3 ? [...numbers, 1] : numbers;
};
const over = ([r, g, b, a], below) =>
  [r, g, b].map((value, at) => value * a + below[at] * (1 - a));
const light = (color) => {
  const [r, g, b] = color.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (element) => {
  const stack = [];
  for (let at = element; at; at = at.parentElement) {
    stack.push(parse(getComputedStyle(at).backgroundColor));
  }
  return stack.reverse().reduce((below, color) => over(color, below), [255, 0, 255]);
};
const found = [];
for (const element of document.body.querySelectorAll("*:not(script):not(option)")) {
  const says = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  if (!says || !element.checkVisibility()) continue;
  const behind = ground(element);
  const ink = over(parse(getComputedStyle(element).color), behind);
  const [a, b] = [light(ink), light(behind)].sort((a, b) => b - a);
  found.push([(a + 0.05) / (b + 0.05), element.outerHTML.slice(0, 120)]);
}
return found;
"""


def count(page):
    return page.find_element(By.CSS_SELECTOR, ".count").text


def shown(page):
    """The lines of the rows that are shown."""
    script = """return [...document.querySelectorAll(".row")]
        .filter((row) => row.checkVisibility()).map((row) => Number(row.id.slice(4)))"""
    return page.execute_script(script)


def chip(page, verdict):
    return page.find_element(By.CSS_SELECTOR, f"input[value={verdict}]")


def press(page, *keys):
    ActionChains(page).send_keys(*keys).perform()


def focused(page):
    return page.switch_to.active_element


def tab_to(page, selector):
    for _ in range(40):
        press(page, Keys.TAB)
        if page.execute_script("return document.activeElement.matches(arguments[0])", selector):
            return focused(page)
    raise AssertionError(f"no {selector} within 40 stops of the keyboard")


def test_the_page_opens_on_what_needs_a_look(open_page):
    page = open_page(reports.example())
    assert page.find_element(By.TAG_NAME, "h1").text.startswith("6 of 39 rows need a look")
    assert shown(page) == [2, 3, 4, 5, 7, 8, 9]
    assert count(page) == "7 of 39 rows"


def test_a_report_without_changes_shows_all_rows(open_page):
    page = open_page(reports.report([reports.row(line) for line in range(1, 4)]))
    assert shown(page) == [1, 2, 3]


def test_rows_are_filtered_by_verdict_model_and_text(open_page):
    page = open_page(reports.example())
    chip(page, "different").click()
    assert shown(page) == [4, 5, 7]
    chip(page, "equivalent").click()
    assert shown(page) == [4, 5, 6, 7]
    chip(page, "different").click()
    Select(page.find_element(By.NAME, "model")).select_by_visible_text("claude-sonnet-4-5")
    assert shown(page) == [3, 5]
    text = page.find_element(By.NAME, "text")
    text.send_keys("RATE limit")
    assert shown(page) == [5]
    assert count(page) == "1 of 39 rows"
    text.send_keys(" of nothing")
    assert shown(page) == []
    assert page.find_element(By.CSS_SELECTOR, ".none").is_displayed()
    text.clear()
    text.send_keys("x", Keys.BACKSPACE)
    assert shown(page) == [3, 5]


def test_a_model_that_is_called_like_markup_or_like_all_can_be_chosen(open_page):
    rows = [reports.row(1, "different", model="*"), reports.row(2, "different", model="<b>*</b>")]
    page = open_page(reports.report(rows))
    models = Select(page.find_element(By.NAME, "model"))
    models.select_by_visible_text("*")
    assert shown(page) == [1]
    models.select_by_visible_text("<b>*</b>")
    assert shown(page) == [2]
    models.select_by_visible_text("All models")
    assert shown(page) == [1, 2]


def test_two_thousand_rows_are_filtered_within_the_event(open_page):
    page = open_page(reports.long())
    assert count(page) == "200 of 2,000 rows"
    chip(page, "same").click()
    assert count(page) == "2,000 of 2,000 rows"
    text = page.find_element(By.NAME, "text")
    for letters, expected in (("case", 2000), ("-1", 1111), ("23", 11), ("4", 1)):
        text.send_keys(letters)
        # What the event did is done when it returns: nothing is put off.
        assert count(page) == f"{expected:,} of 2,000 rows"
    assert shown(page) == [1234]
    page.find_element(By.NAME, "open").click()
    assert page.find_element(By.ID, "row-1234").get_attribute("open") is not None


def test_no_text_of_a_trace_runs_and_nothing_is_fetched(open_page):
    hostile = reports.row(
        1,
        "different",
        **dict.fromkeys(
            ("trace_id", "case_id", "model", "prompt", "before", "note"), reports.HOSTILE
        ),
        after=reports.HOSTILE + "!",
    )
    report = reports.report([hostile], target=reports.HOSTILE)
    report["bad_rows"][0]["reason"] = reports.HOSTILE
    page = open_page(report)
    page.find_element(By.NAME, "open").click()
    page.find_element(By.NAME, "text").send_keys("window.pwned")
    assert shown(page) == [1]
    assert page.execute_script("return typeof window.pwned") == "undefined"
    assert len(page.find_elements(By.TAG_NAME, "script")) == 1
    assert page.find_elements(By.CSS_SELECTOR, "img, iframe, link, object, embed") == []
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    asked = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in asked if url != page.current_url] == []
    assert page.get_log("browser") == []


def test_the_policy_stops_a_script_that_is_not_the_page_s(open_page):
    page = open_page(reports.example())
    page.execute_script(
        """const script = document.createElement("script");
        script.textContent = "window.pwned = 1";
        document.body.append(script);
        document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.pwned = 2'>");"""
    )
    assert page.execute_script("return typeof window.pwned") == "undefined"
    assert any("Content Security Policy" in entry["message"] for entry in page.get_log("browser"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(open_page, scheme):
    page = open_page(reports.example(), scheme)
    for verdict in ("same", "equivalent"):
        chip(page, verdict).click()
    page.find_element(By.NAME, "open").click()
    contrasts = page.execute_script(CONTRASTS)
    assert len(contrasts) > 200
    assert [text for contrast, text in contrasts if contrast < 4.5] == []
    background = "return getComputedStyle(document.body).backgroundColor"
    lightness = sum(int(part) for part in page.execute_script(background)[4:-1].split(","))
    assert (lightness > 384) == (scheme == "light")


def test_the_keyboard_reaches_filters_and_opens_a_row(open_page):
    page = open_page(reports.example())
    first = tab_to(page, "input[name=verdict]")
    assert first.get_attribute("value") == "different"
    press(page, Keys.SPACE)
    assert shown(page) == [4, 5, 7]
    outline = "return getComputedStyle(document.activeElement.parentElement).outlineStyle"
    assert page.execute_script(outline) == "solid"
    summary = tab_to(page, ".row > summary")
    row = summary.find_element(By.XPATH, "..")
    assert row.get_attribute("id") == "row-4"
    assert summary.value_of_css_property("outline-style") == "solid"
    assert row.get_attribute("open") is None
    press(page, Keys.ENTER)
    assert row.get_attribute("open") is not None
    assert row.find_element(By.CSS_SELECTOR, ".after ins").is_displayed()
    press(page, "j")
    assert focused(page).find_element(By.XPATH, "..").get_attribute("id") == "row-5"
    press(page, "k", "/")
    assert focused(page).get_attribute("name") == "text"
    press(page, "a/b")
    assert focused(page).get_property("value") == "a/b"


def test_every_control_has_a_name_and_the_count_is_announced(open_page):
    page = open_page(reports.example())
    controls = page.find_elements(By.CSS_SELECTOR, "input, select, button, summary")
    is_there = "return arguments[0].checkVisibility()"
    controls = [each for each in controls if page.execute_script(is_there, each)]
    assert len(controls) == 6 + 3 + 1 + 7
    assert [each.get_attribute("outerHTML") for each in controls if not each.accessible_name] == []
    assert page.find_element(By.CSS_SELECTOR, ".count").get_attribute("aria-live") == "polite"


def test_a_link_opens_its_row_though_the_filter_hides_it(open_page):
    page = open_page(reports.example())
    page.execute_script("location.hash = '#row-20'")
    row = page.find_element(By.ID, "row-20")
    assert row.is_displayed()
    assert row.get_attribute("open") is not None


def test_without_scripts_every_row_is_there(open_page, driver):
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page = open_page(reports.example())
        assert shown(page) == list(range(1, 40))
        assert not page.find_element(By.CSS_SELECTOR, ".filter").is_displayed()
        page.find_element(By.CSS_SELECTOR, "#row-2 summary").click()
        assert page.find_element(By.CSS_SELECTOR, "#row-2 .after ins").is_displayed()
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_a_narrow_window_needs_no_scrolling_sideways(open_page, driver):
    size = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        page = open_page(reports.example())
        page.find_element(By.NAME, "open").click()
        assert page.execute_script("return document.documentElement.scrollWidth") <= 360
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
