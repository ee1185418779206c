#!/usr/bin/env python3
"""Judges the servers in the folders beside this file, and writes what was found to the report.md of each, and how much to
the table in README.md.

usage: judge.py PUSHSPEC [FOLDER…]

Needs node with npm, and Python with venv. Everything is installed into a temporary folder; the servers listen on
127.0.0.1 and are ended afterwards.
"""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
DEADLINE = 20.0
VERDICTS = ["fail", "warn", "info", "pass"]
TABLE = ("<!-- counts -->\n", "<!-- /counts -->\n")


def install(folder):
    """Installs what the server needs; answers the command that starts it."""
    if (folder / "package.json").exists():
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)
        return ["node", "server.js"]
    subprocess.run([sys.executable, "-m", "venv", "environment"], cwd=folder, check=True)
    python = folder / "environment" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "-r", "requirements.txt"], cwd=folder, check=True)
    return [python, "server.py"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    end = time.monotonic() + DEADLINE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def judge(pushspec, folder):
    """The report of a run against the server in a folder."""
    with tempfile.TemporaryDirectory() as temporary:
        there = pathlib.Path(temporary) / folder.name
        shutil.copytree(folder, there)
        command = install(there)
        port = free_port()
        server = subprocess.Popen(command, cwd=there, env={**os.environ, "PORT": str(port)})
        try:
            wait_for(port)
            url = f"http://127.0.0.1:{port}"
            arguments = ["run", url, "--profile", there / "pushspec.toml", "--report-dir", there / "report", "-qq"]
            subprocess.run([pushspec, *arguments], check=False)
        finally:
            server.terminate()
            server.wait()
        return json.loads((there / "report" / "report.json").read_text()), url


def cell(text):
    """Text as it can stand in a cell of a table, in code."""
    text = text if len(text) <= 120 else text[:119] + "…"
    return "`" + text.replace("|", "\\|").replace("`", "'") + "`"


def written(folder, report, url):
    """The report as a page; what differs between two runs for no reason is left out, and equal findings are one."""
    total = report["summary"]["total"]
    counts = ", ".join(f"{count} {verdict}" for verdict, count in total.items() if verdict != "skip" and count)
    skipped = f"{total['skip']} cases need what the server or its profile does not have"
    lines = [f"# {folder.name}", "", f"pushspec {report['tool']['version']}: {counts}; {skipped}.", ""]
    lines += ["| verdict | case | clause | received |", "|---|---|---|---|"]
    for case in report["cases"]:
        if case["verdict"] in ("pass", "skip"):
            continue
        findings = case["findings"] or [{"clause": "", "received": case["reason"], "verdict": case["verdict"]}]
        rows = set()
        for finding in findings:
            received = finding["received"].replace(url.removeprefix("http://"), "HOST")
            rows.add(f"| {finding['verdict']} | {case['id']} | {finding['clause']} | {cell(received)} |")
        # An invariant's findings come in the order of the traffic, which differs from run to run.
        lines += sorted(rows)
    return "\n".join(lines) + "\n"


def count(counts):
    """Writes how often each verdict was given to the table in README.md; servers that were not judged keep their row."""
    readme = HERE / "README.md"
    before, rest = readme.read_text().split(TABLE[0])
    table, after = rest.split(TABLE[1])
    rows = {}
    for line in table.splitlines():
        if line.startswith("| ["):
            rows[line[3:].split("]")[0]] = line
    for name, total in counts.items():
        rows[name] = f"| [{name}]({name}/report.md) | " + " | ".join(str(total[verdict]) for verdict in VERDICTS) + " |"
    head = ["| server | " + " | ".join(VERDICTS) + " |", "|---|" + "---:|" * len(VERDICTS)]
    lines = head + [rows[name] for name in sorted(rows)]
    readme.write_text(before + TABLE[0] + "\n" + "\n".join(lines) + "\n\n" + TABLE[1] + after)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    pushspec = pathlib.Path(sys.argv[1]).resolve()
    names = sys.argv[2:] or sorted(path.parent.name for path in HERE.glob("*/pushspec.toml"))
    counts = {}
    for name in names:
        folder = HERE / name
        report, url = judge(pushspec, folder)
        (folder / "report.md").write_text(written(folder, report, url))
        counts[name] = report["summary"]["total"]
        print(name, counts[name])
    count(counts)


main()
