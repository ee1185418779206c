"""The findings of a server: out of a report, into its `findings.toml`, and what differs between the two.

A finding is a case, a clause, a verdict and what came. What came is compared without what differs from run to run and says
nothing: times, dates, ports, reason phrases, names of channels. Findings of one clause and one verdict stand together,
because whoever reads them against the clause reads them together.
"""

import collections
import re
import tomllib

# What a case that could not be judged stands under in the place of a clause.
NO_CLAUSE = "none"
# Longer texts are cut: the rest is the server's own page, not a deviation of it.
LONGEST = 160

Finding = collections.namedtuple("Finding", "clause verdict case received")

# In this order: a date has a time in it, and a name of a channel has digits.
SAME = [
    (re.compile(r"pushspec-[0-9a-zA-Z-]+"), "CHANNEL"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\b"), "DATE"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"), "DATE"),
    (re.compile(r"\b(?:127\.0\.0\.1|localhost):\d+\b"), "HOST"),
    (re.compile(r"\bport \d{4,5}\b"), "port PORT"),
    (re.compile(r"\b\d+(?:\.\d+)?\s?(?:ns|us|µs|ms|s)\b"), "TIME"),
    # A status line ends with its reason phrase; in a finding it may stand in quotes.
    (re.compile(r"(HTTP/\d\.\d \d{3})[^\"]*"), r"\1"),
    (re.compile(r" ?\((?:and )?\d+ (?:more like it|other)\)"), ""),
    # What came beside it, and which of many lines was the first, is chance.
    (re.compile(r"; the last that came: .*"), ""),
    (re.compile(r"^the line \".*\"$"), "the line"),
    (re.compile(r"\b\d{10,}\b"), "NUMBER"),
    # The first cases that end a server are run once more.
    (re.compile(r"^(the server ended), twice,"), r"\1"),
]


class Broken(Exception):
    """A findings file that cannot be understood; the text says where and why."""


def normal(received):
    """What came, without what differs from run to run."""
    for pattern, replacement in SAME:
        received = pattern.sub(replacement, received)
    received = received.strip()
    return received if len(received) <= LONGEST else received[: LONGEST - 1] + "…"


def of_report(report):
    """The findings of a report, and the cases that it could not judge, as a set."""
    found = set()
    for case in report["cases"]:
        if case["verdict"] == "error":
            found.add(Finding(NO_CLAUSE, "error", case["id"], normal(case["reason"] or "")))
        for finding in case["findings"]:
            found.add(Finding(finding["clause"], finding["verdict"], named(case["id"], finding["clause"]), normal(finding["received"])))
    return found


def named(case, clause):
    """The case of a finding. Of those that end a server some stand for all under their heading; which of them is chance."""
    return case.split("[")[0] if clause.endswith("/goes-on") else case


class Known:
    """What a `findings.toml` holds: the findings, which of them show only at times, and what was read of them."""

    def __init__(self):
        self.made_with = ""
        self.findings = {}  # Finding -> whether it shows only at times
        self.read = {}  # (clause, verdict) -> the sentence

    def unread(self):
        """The clauses and verdicts that nobody has read yet."""
        groups = {(finding.clause, finding.verdict) for finding in self.findings}
        return sorted(group for group in groups if not self.read.get(group))

    @classmethod
    def load(cls, path):
        """The file, or nothing known where there is none."""
        known = cls()
        if not path.exists():
            return known
        try:
            content = tomllib.loads(path.read_text())
            known.made_with = content.get("made-with", "")
            for group in content.get("finding", []):
                known.take(group)
        except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
            raise Broken(f"{path}: {error!r}") from error
        return known

    def take(self, group):
        """One `[[finding]]`: a clause and a verdict, the cases with what came, and the reading."""
        clause, verdict = group["clause"], group["verdict"]
        self.read[clause, verdict] = group.get("read", "")
        for key in ("cases", "sometimes"):
            for case, received in group.get(key, []):
                self.findings[Finding(clause, verdict, case, received)] = key == "sometimes"

    def accept(self, runs, made_with, forget=False):
        """Takes what the runs found in the place of what was known.

        Readings stay, and so does what shows only at times, unless it is to be forgotten.
        """
        self.made_with = made_with
        always, ever = set.intersection(*runs), set.union(*runs)
        before = set() if forget else {finding for finding, at_times in self.findings.items() if at_times}
        sometimes = before | (ever - always)
        self.findings = {finding: finding in sometimes for finding in ever | sometimes}

    def write(self, path, name):
        """Writes the file, clause by clause."""
        groups = collections.defaultdict(list)
        for finding in self.findings:
            groups[finding.clause, finding.verdict].append(finding)
        lines = [f"# What pushspec finds in {name}, and why each finding is true. `just servers --accept {name}` writes this file;"]
        lines += ["# `read` is written by hand. `sometimes` are findings that do not show in every run.", ""]
        lines.append(f"made-with = {quoted(self.made_with)}")
        for group in sorted(groups):
            lines += ["", "[[finding]]", f"clause = {quoted(group[0])}", f"verdict = {quoted(group[1])}"]
            lines.append(f"read = {quoted(self.read.get(group, ''))}")
            for key, at_times in (("cases", False), ("sometimes", True)):
                rows = sorted(f for f in groups[group] if self.findings[f] == at_times)
                if rows:
                    pairs = [f"    [{quoted(row.case)}, {quoted(row.received)}]," for row in rows]
                    lines += [f"{key} = [", *pairs, "]"]
        path.write_text("\n".join(lines) + "\n")


class Difference:
    """What two runs found, against what is known."""

    def __init__(self, known, runs):
        always, ever = set.intersection(*runs), set.union(*runs)
        #: found, and not in the file
        self.new = sorted(ever - set(known.findings))
        #: in the file, and in none of the runs
        self.stale = sorted(f for f, at_times in known.findings.items() if not at_times and f not in ever)
        #: in one run and not in the other
        self.flaky = sorted(ever - always)
        #: clauses in the file that nobody has read
        self.unread = known.unread()

    def objects(self):
        """Whether somebody has to read something before the file is right again."""
        return bool(self.new or self.stale or self.unread)


def quoted(text):
    """Text as a basic string of TOML."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08X}" for c in escaped) + '"'
