# Lists the recipes.
default:
    @just --list

# Everything that can be tested without a browser.
test:
    cargo test

# Judges the server at URL, or the built-in reference server.
conformance URL='' *ARGUMENTS='':
    cargo run --release -- run {{ URL }} {{ ARGUMENTS }}

# Shows that every fault is caught by a finding against its clause, and that every case fails under a fault.
matrix:
    cargo test -p pushspec --features matrix --test faults

# Opens the reference server's page and a report in headless Chromium (Debian: apt-get install chromium).
browser:
    cargo test -p pushspec-reference --features browser --test browser
    cargo test -p pushspec --features browser --test browser

# Judges the servers and proxies under reports/known and compares what is found with what is known. `just servers --help`.
servers *ARGUMENTS='':
    python3 reports/known/test_findings.py
    cargo build --release
    python3 reports/known/judge.py {{ ARGUMENTS }}

# Shows what the proxies under fixtures/proxies break, and writes it to their README.md. `just proxies --help`.
proxies *ARGUMENTS='--write':
    cargo build --release
    python3 fixtures/proxies/judge.py {{ ARGUMENTS }}

# What a run costs against the reference server and three wrong ones, beside what was recorded; `just bench --record` records.
bench *ARGUMENTS='':
    cargo bench -p pushspec --bench suite -- {{ ARGUMENTS }}

# What servers that do the worst they can cost a run, or those of the names: wall time, processor, peak memory (Linux).
hostile *ROWS='':
    cargo build --release -p pushspec
    cargo run -p pushspec --example hostile -- target/release/pushspec {{ ROWS }}

# Tries every reader with mutated inputs for so many seconds: scanners, cases, pages, profiles, transcripts.
fuzz SECONDS='60':
    PUSHSPEC_FUZZ={{ SECONDS }} cargo test -p pushspec --test fuzz

# Builds the archive of a release for this platform: target/dist.
dist:
    python3 packaging/dist.py

# Builds the wheel and the npm packages for this platform, installs each into an empty environment, and runs the program there.
packages *ARGUMENTS='':
    python3 packaging/packages.py {{ ARGUMENTS }}

# Packs the crates, and builds each from its package.
crates:
    cargo package --workspace --locked

# Writes the documents that are derived from the code and the fixtures.
docs:
    PUSHSPEC_DOCS=write cargo test -p pushspec --test docs
    PUSHSPEC_DOCS=write cargo test -p pushspec --lib the_schema_is_that_of

# Accepts changed snapshots. Read the difference before you commit it.
bless:
    INSTA_UPDATE=always INSTA_FORCE_PASS=1 cargo test -p pushspec --features matrix --lib --test pages --test notation --test mistakes --test faults
    git diff --stat -- '*.snap'

# What CI does.
ci:
    bash .ci/run
