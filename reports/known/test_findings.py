"""Tests of what counts as the same finding, and of what differs. Run by `just servers` before it judges."""

import pathlib
import tempfile
import unittest

from findings import Broken, Difference, Finding, Known, normal, of_report


def found(received="eof", case="http/a/b"):
    return Finding("rfc9112/3.2/host", "fail", case, received)


class Normal(unittest.TestCase):
    def test_times_ports_dates_and_reason_phrases_are_no_difference(self):
        self.assertEqual(normal("nothing within 200ms"), normal("nothing within 2.449789s"))
        self.assertEqual(normal("HTTP/1.1 400 Bad Request"), normal("HTTP/1.1 400"))
        self.assertEqual(normal("Host: 127.0.0.1:8080"), normal("Host: 127.0.0.1:49152"))
        self.assertEqual(normal("Date: Sun, 06 Nov 1994 08:49:37 GMT"), normal("Date: Mon, 07 Nov 1994 09:00:00 GMT"))

    def test_a_reason_phrase_ends_where_the_quotes_end(self):
        self.assertEqual(normal('no field `Allow` in the answer "HTTP/1.1 405 Not Allowed" (5 more like it)'),
                         'no field `Allow` in the answer "HTTP/1.1 405"')
        self.assertEqual(normal('the interim answer "HTTP/1.1 100 (Continue)"'), 'the interim answer "HTTP/1.1 100"')

    def test_statuses_and_fields_are_a_difference(self):
        self.assertNotEqual(normal("HTTP/1.1 400 Bad Request"), normal("HTTP/1.1 414 Bad Request"))
        self.assertNotEqual(normal("HTTP/1.1 400"), normal("HTTP/1.0 400"))
        self.assertNotEqual(normal("no field `Allow`"), normal("no field `Upgrade`"))

    def test_the_cases_that_end_a_server_are_told_by_their_heading(self):
        def of(case, received):
            finding = {"clause": "rfc6455/10.7/goes-on", "verdict": "fail", "received": received}
            return of_report({"cases": [{"id": case, "verdict": "fail", "reason": None, "findings": [finding]}]})

        ended = "the server ended{} when this case was run alone: its process ended (exit status: 1)"
        self.assertEqual(of("a/b/c[1]", ended.format(", twice,")), of("a/b/c[2]", ended.format("")))
        self.assertNotEqual(of("a/b/c[1]", ended.format("")), of("a/b/d[1]", ended.format("")))

    def test_a_long_text_is_cut(self):
        self.assertEqual(len(normal("x y " * 1000)), 160)


class Reports(unittest.TestCase):
    def test_findings_and_errors_of_a_report_are_taken_and_passes_are_not(self):
        finding = {"clause": "rfc9112/3.2/host", "verdict": "fail", "received": "eof"}
        cases = [
            {"id": "a", "verdict": "pass", "reason": None, "findings": []},
            {"id": "b", "verdict": "fail", "reason": None, "findings": [finding]},
            {"id": "c", "verdict": "error", "reason": "no answer", "findings": []},
        ]
        self.assertEqual(of_report({"cases": cases}), {found(case="b"), Finding("none", "error", "c", "no answer")})


class Differences(unittest.TestCase):
    def known(self, *findings, read="true: it is"):
        known = Known()
        known.accept([set(findings)] * 2, "1.0")
        known.read = {(finding.clause, finding.verdict): read for finding in findings}
        return known

    def test_what_is_known_and_read_is_no_difference(self):
        self.assertFalse(Difference(self.known(found()), [{found()}, {found()}]).objects())

    def test_a_new_finding_objects_even_in_one_run(self):
        difference = Difference(self.known(found()), [{found()}, {found(), found("reset")}])
        self.assertEqual(difference.new, [found("reset")])
        self.assertTrue(difference.objects())

    def test_a_finding_that_no_longer_shows_objects(self):
        difference = Difference(self.known(found()), [set(), set()])
        self.assertEqual(difference.stale, [found()])
        self.assertTrue(difference.objects())

    def test_a_finding_that_nobody_has_read_objects(self):
        self.assertTrue(Difference(self.known(found(), read=""), [{found()}, {found()}]).objects())

    def test_what_one_run_alone_finds_is_flaky_and_accepted_as_sometimes(self):
        runs = [{found()}, set()]
        self.assertEqual(Difference(self.known(found()), runs).flaky, [found()])
        known = Known()
        known.accept(runs, "1.0")
        known.read = {("rfc9112/3.2/host", "fail"): "true: it is"}
        self.assertFalse(Difference(known, [set(), set()]).objects())


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name) / "findings.toml"

    def test_what_is_written_is_read_back(self):
        known = Known()
        known.accept([{found('a "quote", \\ and \x7f'), found(case="b")}, {found(case="b")}], "1.0")
        known.read = {("rfc9112/3.2/host", "fail"): "true: it is"}
        known.write(self.path, "server")
        again = Known.load(self.path)
        self.assertEqual((again.findings, again.read, again.made_with), (known.findings, known.read, "1.0"))

    def test_accepting_keeps_what_was_read(self):
        known = Known()
        known.accept([{found()}] * 2, "1.0")
        known.read = {("rfc9112/3.2/host", "fail"): "true: it is"}
        known.accept([{found("reset")}] * 2, "1.1")
        self.assertEqual(known.unread(), [])

    def test_a_file_that_is_no_file_of_findings_says_so(self):
        self.path.write_text("[[finding]]\nclause = 1\n")
        with self.assertRaises(Broken):
            Known.load(self.path)


if __name__ == "__main__":
    unittest.main()
