"""The JUnit XML of a report, as a program that CI uses reads it."""

import reports
from conftest import render
from junitparser import Error, Failure, JUnitXml, Skipped


def test_junitparser_reads_every_outcome():
    xml = JUnitXml.fromstring(render(reports.example(), "junit").encode())
    assert (xml.tests, xml.failures, xml.errors, xml.skipped) == (41, 5, 3, 1)
    (suite,) = xml
    assert suite.name == "traces.jsonl"
    cases = {case.name: case for case in suite}
    assert len(cases) == 41
    outcomes = {
        "case-1": [],
        "greeting": [],
        "refund-policy": [Failure],
        "summarize-thread": [Failure],
        "trace-1": [Error],
        "long-essay": [Skipped],
        "line 2001 can be read": [Error],
    }
    assert {name: [type(each) for each in cases[name].result] for name in outcomes} == outcomes
    assert cases["refund-policy"].classname == "gpt-4o"
    assert (
        "--- after\nOur policy allows returns within 60 days"
        in cases["refund-policy"].result[0].text
    )


def test_hostile_text_comes_back_as_it_was():
    xml = JUnitXml.fromstring(render(reports.example(), "junit").encode())
    hostile = next(case for suite in xml for case in suite if case.name == "hostile")
    expected = reports.HOSTILE.replace("\x00", "\ufffd").replace("\x1b", "\ufffd")
    assert f"--- before\n{expected}\n" in hostile.result[0].text
    assert hostile.classname == "<b>*</b>"
