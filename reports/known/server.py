"""A server in a folder beside this file: what it needs, how it is installed, started and ended.

Its `server.toml`:

    about = "one line"
    start = ["node", "server.js"]           # the command; @PORT@, @UPSTREAM@, @SCRATCH@, @FOLDER@, @CARGO@ are filled in
    needs = ["nginx"]                       # programs or files that have to be there
    apt = ["nginx"]                         # the Debian packages that bring them
    build = [["go", "build", "-o", "server"]]
    fill = ["nginx.conf"]                   # files in which the same words are filled in
    environment = { GOPATH = "/usr/share/gocode" }
    version = ["nginx", "-v"]               # prints with what the findings were made
    proxy = true                            # the reference server is started behind it, at @UPSTREAM@
    dies = true                             # cases end it: `pushspec run --start` starts it, and starts it again
    preset = "mcp"                          # the profile is this one of `fixtures/presets`, as `pushspec init --preset` has it
    arguments = ["--jobs", "4"]             # more for `pushspec run`, for a server that 32 cases at once are too many for

A `package.json` is installed with npm, a `requirements.txt` with pip into an environment of its own, a `Cargo.toml` with cargo.
"""

import hashlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib

INSTALLING = 1200.0  # seconds; a first build with cargo takes minutes
STARTING = 30.0
ENDING = 5.0
# What a change of says nothing of the server.
NOT_THE_SERVER = {"findings.toml", "pushspec.toml"}
KEYS = {"about", "start", "needs", "apt", "build", "fill", "environment", "version", "proxy", "preset", "dies", "arguments"}


class Skipped(Exception):
    """The server cannot be judged here; the text says why."""


class Failed(Exception):
    """The server is there and does not do what its folder says."""


class Server:
    """One server, installed in a folder under `cache`."""

    def __init__(self, folder, cache):
        self.name = folder.name
        self.source = folder
        self.there = cache / folder.name
        self.scratch = cache / folder.name / "scratch"
        self.settings = tomllib.loads((folder / "server.toml").read_text())
        unknown = set(self.settings) - KEYS
        if unknown:
            raise Failed(f"server.toml has keys that mean nothing: {', '.join(sorted(unknown))}")
        self.environment = {**os.environ, **self.settings.get("environment", {})}
        # Debian keeps daemons where only root looks for programs.
        self.environment["PATH"] += ":/usr/sbin:/sbin"
        # One build folder for all projects: most of what they rest on is the same.
        self.environment["CARGO_TARGET_DIR"] = str(cache / "cargo")

    def missing(self):
        """The programs and files that the server needs and that are not there."""
        needs = list(self.settings.get("needs", []))
        needs += [tool for file, tool in (("package.json", "npm"), ("Cargo.toml", "cargo")) if (self.source / file).exists()]
        return [need for need in needs if not self.there_is(need)]

    def there_is(self, need):
        path = pathlib.Path(need)
        return path.exists() if path.is_absolute() else shutil.which(need, path=self.environment["PATH"]) is not None

    def install(self):
        """Copies the server into the cache and installs what it needs, unless that has been done."""
        state = self.state()
        stamp = self.there / "installed"
        if stamp.exists() and stamp.read_text() == state:
            return
        self.there.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        for path in self.source.iterdir():
            if path.name not in NOT_THE_SERVER:
                shutil.copy(path, self.there)
        for command in self.installing():
            # A package that cannot be had says nothing of the server.
            self.step(command, Skipped)
        for command in self.building():
            self.step(command, Failed)
        stamp.write_text(state)

    def state(self):
        """What has to be the same for an installation to be the one of this folder."""
        digest = hashlib.sha256(sys.version.encode())
        for path in sorted(self.source.iterdir()):
            if path.name not in NOT_THE_SERVER:
                digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()

    def installing(self):
        """The commands that fetch packages."""
        if (self.source / "package.json").exists():
            yield ["npm", "ci", "--loglevel=error", "--no-audit", "--no-fund"]
        if (self.source / "requirements.txt").exists():
            yield [sys.executable, "-m", "venv", "environment"]
            yield ["environment/bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", "requirements.txt"]
        if (self.source / "Cargo.toml").exists():
            yield ["cargo", "fetch", "--quiet", "--locked"]

    def building(self):
        """The commands that make the server from what is there."""
        if (self.source / "Cargo.toml").exists():
            yield ["cargo", "build", "--quiet", "--locked", "--offline"]
        yield from self.settings.get("build", [])

    def step(self, command, error):
        """Runs a command in the cache; `error` has the end of what it said."""
        try:
            done = subprocess.run(command, cwd=self.there, env=self.environment, capture_output=True, text=True, timeout=INSTALLING)
        except (OSError, subprocess.TimeoutExpired) as failure:
            raise error(f"`{' '.join(command)}`: {failure}") from failure
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
            raise error(f"`{' '.join(command)}` came to {done.returncode}: {' / '.join(said)}")

    def version(self):
        """With what the findings are made, as the server tells it."""
        command = self.settings.get("version") or (["node", "--version"] if (self.source / "package.json").exists() else None)
        if command is None:
            command = ["cargo", "--version"] if (self.source / "Cargo.toml").exists() else [sys.executable, "--version"]
        done = subprocess.run(command, cwd=self.there, env=self.environment, capture_output=True, text=True, timeout=STARTING)
        lines = (done.stdout + done.stderr).strip().splitlines()
        return lines[0] if lines else ""

    def command(self, port, upstream):
        """What starts the server, and with which environment; what it needs in a folder of its own is written there."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True)
        words = {"@PORT@": str(port), "@UPSTREAM@": str(upstream), "@SCRATCH@": str(self.scratch), "@FOLDER@": str(self.there), "@CARGO@": self.environment["CARGO_TARGET_DIR"]}
        for name in self.settings.get("fill", []):
            (self.scratch / name).write_text(filled((self.source / name).read_text(), words))
        command = [filled(word, words) for word in self.settings["start"]]
        environment = {**self.environment, "PORT": str(port), "PATH": f"{self.there}/environment/bin:{self.environment['PATH']}"}
        return command, environment

    def start(self, port, upstream):
        """The running server, which listens on `port`; a proxy stands before `upstream`."""
        command, environment = self.command(port, upstream)
        return Running(command, self.there, environment, self.scratch / "log", port)


class Running:
    """A process with all that it starts; to be used with `with`, so that it ends in any case."""

    def __init__(self, command, folder, environment, log, port):
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        try:
            self.wait_for(port)
        except BaseException:
            self.end()
            raise

    def wait_for(self, port):
        end = time.monotonic() + STARTING
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                self.check()
                if time.monotonic() > end:
                    raise Failed(f"the server does not listen after {STARTING:.0f} s: {self.said()}") from None
                time.sleep(0.05)

    def check(self):
        """That the server is still there."""
        if self.process.poll() is not None:
            raise Failed(f"the server ended with {self.process.returncode}: {self.said()}")

    def said(self):
        return " / ".join(self.log.read_text(errors="replace").strip().splitlines()[-3:]) or "it said nothing"

    def end(self):
        """Ends the process and all others of its session, which is the server's own."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            until = time.monotonic() + ENDING
            for pid in session(self.process.pid):
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            while self.process.poll() is None or session(self.process.pid):
                if time.monotonic() > until:
                    break
                time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def session(leader):
    """The processes of a session that still run."""
    pids = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            # Behind the name, which is in brackets: state, parent, group, session.
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z" and int(fields[3]) == leader:
            pids.append(int(path.parent.name))
    return pids


def filled(text, words):
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
