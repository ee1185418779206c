#!/usr/bin/env python3
"""Judges the servers in the folders beside this file, twice each, and compares what is found with their `findings.toml`.

A finding that is not in the file, one in the file that no longer shows, and one that nobody has read are told, and the exit
code is 1. A server for which something is missing here is skipped with the reason. Traffic goes to 127.0.0.1 alone.
"""

import argparse
import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys

import debian
from findings import Broken, Difference, Known, of_report
from server import Failed, Running, Server, Skipped, free_port

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
REFERENCE = ROOT / "fixtures" / "reference.toml"
PRESETS = ROOT / "fixtures" / "presets"
RUNS = 2
# A run against a server that never answers takes minutes; longer than this it hangs.
LONGEST = 900.0
FAIL = ("fail", "warn", "info", "error")
TABLE = ("<!-- counts -->\n", "<!-- /counts -->\n")


def arguments():
    parser = argparse.ArgumentParser(prog="just servers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="the servers; all of them where none is named")
    parser.add_argument("--pushspec", type=pathlib.Path, default=ROOT / "target" / "release" / "pushspec", help="the program that judges")
    parser.add_argument("--cache", type=pathlib.Path, default=ROOT / "target" / "servers", help="where the servers are installed")
    parser.add_argument("--accept", action="store_true", help="writes what is found to the findings.toml of each server that is judged")
    parser.add_argument("--forget", action="store_true", help="with --accept: drops what is known to show only at times and did not show")
    parser.add_argument("--install", action="store_true", help="installs missing Debian packages; CI=true does the same")
    parser.add_argument("--patience", default="1", help="factor for all deadlines of the suite")
    return parser.parse_args()


def chosen(options):
    """The folders to be judged, in the order of their names."""
    there = {path.parent.name: path.parent for path in sorted(HERE.glob("*/server.toml"))}
    unknown = [name for name in options.names if name not in there]
    if unknown:
        sys.exit(f"there is no server {', '.join(unknown)}; there are: {', '.join(there)}")
    return [folder for name, folder in there.items() if not options.names or name in options.names]


def judge(options, server):
    """What the runs found, each as a set."""
    port, upstream = free_port(), free_port()
    runs = []
    if server.settings.get("dies"):
        command, environment = server.command(port, upstream)
        starting = {"arguments": ["--start", shlex.join(command)], "cwd": server.there, "env": environment}
        return [run(options, server, port, number, **starting) for number in range(RUNS)]
    if server.settings.get("proxy"):
        command = [options.pushspec, "serve", "--listen", f"127.0.0.1:{upstream}", "--log", "error"]
        server.scratch.mkdir(parents=True, exist_ok=True)
        with Running(command, ROOT, os.environ, server.there / "upstream.log", upstream):
            with server.start(port, upstream) as running:
                runs = watched(options, server, running, port)
    else:
        with server.start(port, upstream) as running:
            runs = watched(options, server, running, port)
    return runs


def watched(options, server, running, port):
    """The runs against a server that is up, and has to be so behind each."""
    runs = []
    for number in range(RUNS):
        runs.append(run(options, server, port, number))
        running.check()
    return runs


def run(options, server, port, number, arguments=(), **starting):
    """One run. `starting` has the folder and the environment for a server that the run starts itself."""
    reports = server.there / f"report-{number + 1}"
    command = [options.pushspec, "run", f"http://127.0.0.1:{port}", "--profile", profile_of(server)]
    command += ["--report-dir", reports, "--patience", options.patience, "-qq", *server.settings.get("arguments", []), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, **starting)
    except subprocess.TimeoutExpired:
        raise Failed(f"the run is not over after {LONGEST:.0f} s") from None
    if done.returncode not in (0, 1, 3):
        raise Failed(f"pushspec came to {done.returncode}: {done.stderr.strip()}")
    report = json.loads((reports / "report.json").read_text())
    if "gone" in report:
        raise Failed(f"the server went away after {report['gone']['after_ms']:.0f} ms: {report['gone']['why']}")
    return of_report(report)


def profile_of(server):
    """The profile in the folder, or the preset that `server.toml` names, or that of the reference server behind a proxy."""
    own = server.source / "pushspec.toml"
    if own.exists():
        return own
    preset = server.settings.get("preset")
    return PRESETS / f"{preset}.toml" if preset else REFERENCE


def compare(options, server, runs):
    """Tells what is not as the file says; whether somebody has to read something."""
    path = server.source / "findings.toml"
    known = Known.load(path)
    version = server.version()
    if options.accept:
        known.accept(runs, version, options.forget)
        known.write(path, server.name)
    difference = Difference(known, runs)
    print(f"{server.name}: {counted(known)}{', ' if difference.flaky else ''}{flaky(difference)}")
    if difference.objects() and known.made_with and known.made_with != version:
        print(f"  the findings were made with {known.made_with}, and here is {version}")
    for title, findings in (("new", difference.new), ("no longer there", difference.stale), ("flaky", difference.flaky)):
        for finding in findings:
            print(f"  {title}: {finding.verdict} {finding.case} {finding.clause}: {finding.received}")
    for clause, verdict in difference.unread:
        print(f"  not read yet: {verdict} {clause}")
    if difference.new or difference.stale:
        print(f"  read each against its clause (`pushspec explain CLAUSE`), then: just servers --accept {server.name}")
    return difference.objects()


def counted(known):
    counts = {verdict: sum(finding.verdict == verdict for finding in known.findings) for verdict in FAIL}
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count) or "nothing found"


def flaky(difference):
    return f"{len(difference.flaky)} flaky" if difference.flaky else ""


def visit(options, folder):
    """Judges one server; "right", "wrong" or "skipped"."""
    try:
        server = Server(folder, options.cache.resolve())
        if server.missing() and (options.install or os.environ.get("CI") == "true"):
            debian.install(server.settings.get("apt", []))
        if server.missing():
            by = f"; Debian: apt-get install {' '.join(server.settings['apt'])}, which --install does" if "apt" in server.settings else ""
            raise Skipped(f"{', '.join(server.missing())} is not there{by}")
        server.install()
        return "wrong" if compare(options, server, judge(options, server)) else "right"
    except Skipped as reason:
        print(f"{folder.name}: skipped: {reason}")
        return "skipped"
    except (Failed, Broken) as reason:
        print(f"{folder.name}: {reason}")
        return "wrong"


def tabled():
    """Writes how many findings each server has to the table in README.md."""
    readme = HERE / "README.md"
    before, rest = readme.read_text().split(TABLE[0])
    lines = ["| server | what | " + " | ".join(FAIL) + " |", "|---|---|" + "---:|" * len(FAIL)]
    for path in sorted(HERE.glob("*/findings.toml")):
        known = Known.load(path)
        about = Server(path.parent, ROOT / "target" / "servers").settings["about"]
        counts = [sum(finding.verdict == verdict for finding in known.findings) for verdict in FAIL]
        lines.append(f"| [{path.parent.name}]({path.parent.name}/findings.toml) | {about} | " + " | ".join(map(str, counts)) + " |")
    readme.write_text(before + TABLE[0] + "\n" + "\n".join(lines) + "\n\n" + TABLE[1] + rest.split(TABLE[1])[1])


def main():
    options = arguments()
    # `with` ends the servers; without this a SIGTERM would leave them.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    program = shutil.which(options.pushspec)
    if not program:
        sys.exit(f"{options.pushspec} is not there: cargo build --release")
    options.pushspec = pathlib.Path(program).resolve()
    sys.stdout.reconfigure(line_buffering=True)
    results = [visit(options, folder) for folder in chosen(options)]
    if options.accept:
        tabled()
    counts = {result: results.count(result) for result in ("right", "wrong", "skipped")}
    print(f"{counts['right']} servers as known, {counts['wrong']} not, {counts['skipped']} skipped")
    sys.exit(1 if counts["wrong"] else 0)


main()
