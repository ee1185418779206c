//! The matrix of faults and cases: what each fault is caught by.
//!
//! The table is a snapshot: no fault is caught by a case that does not stand in its row. A fault that no case catches
//! and a case that no fault fails are errors whatever the snapshot says: a case that cannot fail proves nothing.
//!
//! Three things are not tried. A fault of a technique is not tried with the folders of other techniques: the relay does
//! not apply it to their requests, and their cases make no others. A fault of HTTP is not tried with pages on which every
//! WebSocket opens as that of the precondition does: it changes nothing once a WebSocket is open. And a page that moves megabytes is tried only with
//! the faults that are there for it, one at a time: how many reads a megabyte takes differs from run to run, and what
//! becomes of a frame otherwise is seen on the pages about frames.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use pushspec::case::Case;
use pushspec::drive::schedule::Options;
use pushspec::judge::Verdict;
use pushspec::outcome::Outcome;
use pushspec::profile::{Profile, Target};
use pushspec::suite::{Pattern, Suite};
use pushspec_faults::{self as fault, Fault, IDENTITY, Relay, TRANSPARENT};
use pushspec_reference::{Config, Server};
use tokio::task::JoinSet;

/// How many faults are tried at once. Most of a case that fails is waiting, so these are more than there are cores.
const AT_ONCE: usize = 8;

/// The same while the table is written: what it shows shall be what a quiet machine shows.
const AT_ONCE_FOR_THE_TABLE: usize = 3;

/// How often a fault whose row is not the one of the snapshot is tried again, by itself: a machine that stands still
/// for a tenth of a second makes a case fail that has nothing to do with the fault. What catches it each time counts.
const AGAIN: usize = 4;

/// The page that moves megabytes.
const BULK: &str = "websocket/10.4-limits";

/// The faults that are tried with it.
const BULK_FAULTS: [&str; 10] = [
    "large-message-is-cut",
    "huge-message-is-an-error",
    "room-for-64-fragments",
    "ping-is-not-answered",
    "many-pongs-stop-the-reader",
    "later-answers-wait-for-a-message",
    "rest-of-a-read-is-dropped",
    "huge-frame-is-waited-for",
    "huge-frame-stops-the-others",
    "pong-within-an-answer",
];

/// What a fault is caught by, as it stands in the table.
type Rows = BTreeMap<&'static str, Row>;

#[derive(Debug, Default)]
struct Row {
    /// The ids of the cases with a verdict other than pass and skip.
    caught: BTreeSet<String>,
    /// The same of the page that moves megabytes.
    bulk: BTreeSet<String>,
    /// How many cases were skipped because a precondition did not pass.
    skipped: usize,
}

/// How many cases of its row a fault is tried with where the whole matrix is not.
const FEW: usize = 3;

/// How many faults are tried with so few cases at once: there is little but waiting.
const AT_ONCE_WITH_FEW: usize = 24;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite_finds_nothing_through_a_relay_without_a_fault() {
    let suite = Suite::embedded().expect("the pages are in order");
    for fault in [&TRANSPARENT, &IDENTITY] {
        let server = Server::start(Config::default()).await.expect("the server starts");
        let relay = Relay::start(server.address(), fault).await.expect("the relay starts");
        let outcome = judge(&suite, relay.address(), Vec::new()).await;
        let findings: Vec<_> = outcome.findings().into_iter().collect();
        assert!(findings.is_empty(), "{}: {findings:#?}", fault.name);
        drop(relay);
        server.shutdown().await;
    }
}

#[test]
fn every_case_can_fail_by_the_table() {
    let suite = Suite::embedded().expect("the pages are in order");
    let table = Table::committed();
    let fails = |case: &&Case| fault::all().any(|fault| table.has(fault, &case.id));
    let never: Vec<&String> = suite.cases.iter().filter(|case| !fails(case)).map(|case| &case.id).collect();
    assert!(never.is_empty(), "cases without a fault in the table, which `just bless` writes: {never:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_is_caught_by_cases_of_its_row() {
    let suite = Arc::new(Suite::embedded().expect("the pages are in order"));
    let table = Arc::new(Table::committed());
    let mut missed = Vec::new();
    let mut running = JoinSet::new();
    for fault in fault::all() {
        if running.len() >= AT_ONCE_WITH_FEW
            && let Some(tried) = running.join_next().await
        {
            missed.extend(tried.expect("no panic"));
        }
        let (suite, table) = (Arc::clone(&suite), Arc::clone(&table));
        running.spawn(async move {
            let few = caught(&suite, fault, table.few(&suite, fault)).await;
            (!table.is_caught(fault, &few)).then_some(fault)
        });
    }
    missed.extend(running.join_all().await.into_iter().flatten());
    // Some faults are a matter of milliseconds, which a busy machine does not have: they are tried by themselves.
    let mut never = Vec::new();
    'missed: for fault in missed {
        for _ in 0..AGAIN {
            let few = caught(&suite, fault, table.few(&suite, fault)).await;
            // What only an invariant sees may take the traffic of cases elsewhere.
            if table.is_caught(fault, &few) || table.is_caught(fault, &row(&suite, fault).await) {
                continue 'missed;
            }
        }
        never.push(fault.name);
    }
    assert!(never.is_empty(), "faults that their cases do not catch: {never:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(feature = "matrix"), ignore = "takes minutes: `just matrix`")]
async fn every_fault_is_caught_and_every_case_can_fail() {
    let suite = Arc::new(Suite::embedded().expect("the pages are in order"));
    check_folders(&suite);
    let mut rows = matrix(&suite).await;
    for name in BULK_FAULTS {
        let fault = fault::by_name(name).expect("a fault of that name");
        let bulk = caught(&suite, fault, vec![Pattern::new(BULK)]).await.caught;
        rows.entry(name).or_default().bulk = bulk;
    }
    let table = if blessing() { Table::default() } else { Table::committed() };
    let mut strays: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for fault in fault::all() {
        let mut strange = table.strays(fault, &rows[fault.name]);
        for _ in 0..AGAIN {
            if strange.is_empty() && table.is_caught(fault, &rows[fault.name]) {
                break;
            }
            let mut again = row(&suite, fault).await;
            if !rows[fault.name].bulk.is_empty() {
                again.bulk = caught(&suite, fault, vec![Pattern::new(BULK)]).await.caught;
            }
            let still = table.strays(fault, &again);
            strange.retain(|id| still.contains(id));
            // What has failed once can fail.
            again.caught.extend(rows[fault.name].caught.iter().cloned());
            rows.insert(fault.name, again);
        }
        if !strange.is_empty() {
            strays.insert(fault.name, strange);
        }
    }
    if blessing() {
        // It is written before anything is asserted: what is missing in it is easier to see with it.
        insta::assert_snapshot!("matrix", print(&suite, &rows));
    }
    let missed = fault::all().filter(|fault| !table.is_caught(fault, &rows[fault.name]));
    let missed: Vec<&str> = missed.map(|fault| fault.name).collect();
    assert!(missed.is_empty(), "faults that no case catches which is meant to: {missed:#?}");
    try_again_what_never_failed(&suite, &mut rows, &table).await;
    let never_failed: Vec<&String> = never_failed(&suite, &rows).into_iter().map(|case| &case.id).collect();
    assert!(never_failed.is_empty(), "cases that no fault fails: {never_failed:#?}");
    if blessing() {
        return;
    }
    assert!(strays.is_empty(), "faults that cases catch which are not meant to: {strays:#?}");
}

/// The cases that no fault has made fail.
fn never_failed<'a>(suite: &'a Suite, rows: &Rows) -> Vec<&'a Case> {
    let failed: BTreeSet<&String> = rows.values().flat_map(Row::all).collect();
    suite.cases.iter().filter(|case| !failed.contains(&case.id)).collect()
}

/// Tries a case that no fault has made fail with the faults of its rows in the table, by itself. A fault of a server
/// that takes the first piece for the whole shows only where the pieces arrive one by one, and on a busy machine they
/// may arrive together.
async fn try_again_what_never_failed(suite: &Suite, rows: &mut Rows, table: &Table) {
    let cases: Vec<String> = never_failed(suite, rows).into_iter().map(|case| case.id.clone()).collect();
    for id in cases {
        let page = Pattern::new(page_of_id(&id));
        let known = fault::all().filter(|fault| table.has(fault, &id));
        for fault in known.flat_map(|fault| [fault; AGAIN]) {
            let again = caught(suite, fault, vec![page.clone()]).await;
            if again.caught.contains(&id) {
                rows.entry(fault.name).or_default().caught.insert(id);
                break;
            }
        }
    }
}

/// Whether the table is to be written rather than compared.
fn blessing() -> bool {
    std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always")
}

/// The rows of all faults.
async fn matrix(suite: &Arc<Suite>) -> Rows {
    let mut rows = Rows::new();
    let mut running = JoinSet::new();
    let at_once = if blessing() { AT_ONCE_FOR_THE_TABLE } else { AT_ONCE };
    for fault in fault::all() {
        if running.len() >= at_once
            && let Some(row) = running.join_next().await
        {
            rows.extend([row.expect("no panic")]);
        }
        let suite = Arc::clone(suite);
        running.spawn(async move { (fault.name, row(&suite, fault).await) });
    }
    rows.extend(running.join_all().await);
    rows
}

/// A case uses the technique of its folder and no other, unless the folder is that of HTTP.
fn check_folders(suite: &Suite) {
    let folders: BTreeSet<&str> = suite.cases.iter().map(|case| case.folder.as_str()).collect();
    for case in suite.cases.iter().filter(|case| case.folder != "http") {
        assert_eq!(case.technique, case.folder, "{}", case.id);
        for line in case.section().conversation.iter().flatten() {
            let mut words = line.source.split_ascii_whitespace().skip_while(|word| *word != "subscribe");
            let technique = words.nth(1).unwrap_or(&case.folder);
            assert!(technique == case.folder || !folders.contains(technique), "{}: {}", case.id, line.source);
        }
    }
}

/// The pages whose cases can see a fault, without the one that moves megabytes.
fn pages(suite: &Suite, fault: &Fault) -> Vec<Pattern> {
    let opening = pages_with_openings(suite);
    let sees = |page: &str| match page.split('/').next() {
        Some("http") => true,
        Some("websocket") if fault.technique == "http" => opening.contains(page),
        folder => fault.technique == "http" || folder == Some(fault.technique),
    };
    let pages: BTreeSet<&str> = suite.cases.iter().map(page_of).collect();
    pages.into_iter().filter(|page| *page != BULK && sees(page)).map(Pattern::new).collect()
}

/// The pages with a connection that does not open like that of the precondition, with an opening that is judged, or with
/// invariants.
fn pages_with_openings(suite: &Suite) -> BTreeSet<&str> {
    let opens = |line: &str| ["connect", "open", "subscribe"].iter().any(|word| line.starts_with(word));
    let plainly = |line: &str| matches!(line.trim(), "open websocket" | "open websocket b");
    let wanted = |case: &&Case| match &case.section().conversation {
        Some(lines) => lines.iter().any(|line| {
            let line = line.source.as_str();
            line.contains("HTTP/1.") || (opens(line) && !plainly(line))
        }),
        None => true,
    };
    suite.cases.iter().filter(wanted).map(page_of).collect()
}

fn page_of(case: &Case) -> &str {
    page_of_id(&case.id)
}

fn page_of_id(id: &str) -> &str {
    let id = id.split('[').next().unwrap_or(id);
    id.rsplit_once('/').map_or(id, |(page, _)| page)
}

/// Runs the cases that can see a fault against a server with it.
async fn row(suite: &Suite, fault: &'static Fault) -> Row {
    caught(suite, fault, pages(suite, fault)).await
}

/// Runs selected cases against a server with the fault.
async fn caught(suite: &Suite, fault: &'static Fault, select: Vec<Pattern>) -> Row {
    // A server of its own: the channels of all faults together are more than one server keeps.
    let server = Server::start(Config::default()).await.expect("the server starts");
    let relay = Relay::start(server.address(), fault).await.expect("the relay starts");
    let outcome = judge(suite, relay.address(), select).await;
    drop(relay);
    server.shutdown().await;
    Row::of(&outcome)
}

async fn judge(suite: &Suite, address: SocketAddr, select: Vec<Pattern>) -> Outcome {
    let profile = Profile::reference().expect("the profile is in order");
    let target = Target::new(&format!("http://{address}"), profile).expect("the URL is in order");
    let options = Options { select, again: false, ..Options::default() };
    suite.run(&Arc::new(target), &options).await.expect("the suite runs")
}

impl Row {
    fn all(&self) -> impl Iterator<Item = &String> {
        self.caught.iter().chain(&self.bulk)
    }

    fn of(outcome: &Outcome) -> Row {
        let mut row = Row::default();
        for case in &outcome.cases {
            match case.verdict {
                Verdict::Pass => {}
                Verdict::Skip => {
                    let reason = case.reason.as_deref().unwrap_or_default();
                    row.skipped += usize::from(reason.starts_with("the precondition"));
                }
                _ => drop(row.caught.insert(case.case.id.clone())),
            }
        }
        row
    }
}

/// A block of lines for each fault.
fn print(suite: &Suite, rows: &Rows) -> String {
    let blocks = fault::all().map(|fault| format!("{}\n{}", fault.name, block_of(suite, &rows[fault.name])));
    blocks.collect::<Vec<_>>().join("\n")
}

fn block_of(suite: &Suite, row: &Row) -> String {
    let mut block = String::new();
    for id in compressed(suite, &row.all().cloned().collect()) {
        let _ = writeln!(block, "    {id}");
    }
    if row.skipped > 0 {
        let _ = writeln!(block, "    ({} others are skipped)", row.skipped);
    }
    block
}

/// The ids, with one line for a family of which all members are there.
fn compressed(suite: &Suite, caught: &BTreeSet<String>) -> Vec<String> {
    let mut families: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for case in &suite.cases {
        let family = case.id.split('[').next().unwrap_or(&case.id);
        families.entry(family).or_default().push(&case.id);
    }
    let mut lines = Vec::new();
    for (name, members) in families {
        let there: Vec<&str> = members.iter().copied().filter(|id| caught.contains(*id)).collect();
        if there.len() == members.len() && members.len() > 1 {
            lines.push(format!("{name}[*]"));
        } else {
            lines.extend(there.into_iter().map(str::to_owned));
        }
    }
    lines
}

/// The table as it is committed: by fault, the ids of cases, and of families with all their members.
#[derive(Debug, Default)]
struct Table(BTreeMap<String, BTreeSet<String>>);

impl Table {
    fn committed() -> Table {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/faults__matrix.snap");
        let text = std::fs::read_to_string(path).expect("the table is committed; `just bless` writes it");
        let table = text.splitn(3, "---\n").nth(2).unwrap_or_default();
        let blocks = table.trim_end().split("\n\n").filter_map(|block| block.split_once('\n'));
        let ids = |lines: &str| lines.lines().map(|line| line.trim().to_owned()).collect();
        Table(blocks.map(|(name, lines)| (name.to_owned(), ids(lines))).collect())
    }

    /// Whether a case is meant to catch a fault.
    fn has(&self, fault: &Fault, id: &str) -> bool {
        let family = format!("{}[*]", id.split('[').next().unwrap_or(id));
        self.0.get(fault.name).is_some_and(|ids| ids.contains(id) || ids.contains(&family))
    }

    /// Some of the cases that are meant to catch a fault: conversations before invariants, for which whole folders run.
    fn few(&self, suite: &Suite, fault: &Fault) -> Vec<Pattern> {
        let mut cases: Vec<&Case> = suite.cases.iter().filter(|case| self.has(fault, &case.id)).collect();
        cases.sort_by_key(|case| case.invariant().is_some());
        let talks = cases.iter().any(|case| case.invariant().is_none());
        let few = cases.into_iter().filter(|case| !talks || case.invariant().is_none()).take(FEW);
        few.map(|case| Pattern::new(&case.id)).collect()
    }

    /// The cases that catch a fault although they are not meant to; none while the table is written. A case of the table
    /// that does not catch its fault in one run is no mistake: what it proves, that it can fail, is asserted for all
    /// cases together.
    fn strays(&self, fault: &Fault, row: &Row) -> BTreeSet<String> {
        row.all().filter(|id| !self.0.is_empty() && !self.has(fault, id)).cloned().collect()
    }

    /// Whether one of the cases that are meant to catch a fault does; any case while the table is written.
    fn is_caught(&self, fault: &Fault, row: &Row) -> bool {
        row.all().any(|id| self.0.is_empty() || self.has(fault, id))
    }
}
