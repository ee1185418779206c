# Lists the recipes.
default:
    @just --list

# Everything that can be tested without a browser.
test:
    cargo test

# Judges the server at URL, or the built-in reference server.
conformance URL='' *ARGUMENTS='':
    cargo run --release -- run {{ URL }} {{ ARGUMENTS }}

# Runs every case under every fault: shows that each case can fail and that each fault is caught. Takes some minutes.
matrix:
    cargo test -p pushspec --features matrix --test faults

# Opens the reference server's page in headless Chromium (Debian: apt-get install chromium).
browser:
    cargo test -p pushspec-reference --features browser --test browser

# Wall time, peak memory and cases per second of the whole suite against the reference server.
bench:
    cargo bench -p pushspec --bench suite

# Writes the documents that are derived from the code and the fixtures.
docs:
    PUSHSPEC_DOCS=write cargo test -p pushspec --test docs

# Accepts changed snapshots. Read the difference before you commit it.
bless:
    INSTA_UPDATE=always INSTA_FORCE_PASS=1 cargo test -p pushspec --features matrix --test pages --test notation --test mistakes --test faults
    git diff --stat -- '*.snap'

# What CI does.
ci:
    bash .ci/run
