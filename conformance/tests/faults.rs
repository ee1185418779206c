//! The matrix of faults and cases: every fault is caught by a finding against the clause that it breaks, and every case
//! fails under a fault. A case that cannot fail proves nothing.
//!
//! The table is a snapshot with a block for each fault: the clause, one case that must catch it with a finding against
//! that clause, and the cases for which this fault is the proof that they can fail. Every case stands in it once or
//! more. What else a fault is caught by is of no concern: a server that has one is wrong in many places.
//!
//! `cargo test` tries every fault with the case that must catch it. With the feature `matrix` it tries the rest of each
//! block, too. `just bless` keeps what holds of the table, and looks only for what does not hold or is missing.
//!
//! An invariant is judged on the traffic of other cases: its line names one whose traffic shows the fault.

#[path = "faults/table.rs"]
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use pushspec::case::Case;
use pushspec::drive::schedule::Options;
use pushspec::judge::Verdict;
use pushspec::outcome::{CaseOutcome, Outcome};
use pushspec::profile::{Profile, Target};
use pushspec::suite::{Pattern, Suite};
use pushspec_faults::{self as faults, COMPRESSING, Fault, IDENTITY, Relay, TRANSPARENT};
use pushspec_reference::{Config, Server};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use table::{Block, Proof, Table};

/// How many faults are tried at once. Most of a case that fails is waiting, so these are more than there are cores.
const AT_ONCE: usize = 32;

/// How many faults are tried at once with many cases.
const AT_ONCE_WITH_ALL: usize = 6;

/// How many of those that were not caught are tried again at once.
const AT_ONCE_AGAIN: usize = 3;

/// How many of the cases that catch a fault are tried alone when the table is written.
const CANDIDATES: usize = 5;

/// How often a fault that was not caught is tried again, by itself: some are a matter of milliseconds, which a busy
/// machine does not have.
const AGAIN: usize = 4;

/// The page that moves megabytes. It is tried behind all others, with few faults at a time: how many reads a megabyte takes
/// differs.
const BULK: &str = "websocket/10.4-limits";

/// How many faults are tried at once with that page.
const BULK_AT_ONCE: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite_finds_nothing_through_a_relay_without_a_fault() {
    let suite = Suite::embedded().expect("the pages are in order");
    for fault in [&TRANSPARENT, &IDENTITY, &COMPRESSING] {
        let server = Server::start(Config::default()).await.expect("the server starts");
        let relay = Relay::start(server.address(), fault).expect("the relay starts");
        let all = Options::default();
        let select = if fault.technique == "http" { all.select } else { vec![Pattern::new(fault.technique)] };
        let options = Options { select, ..Options::default() };
        let outcome = suite.run(&target(relay.address()), &options).await.expect("the suite runs");
        let findings: Vec<_> = outcome.findings().into_iter().collect();
        assert!(findings.is_empty(), "{}: {findings:#?}", fault.name);
        drop(relay);
        server.shutdown().await;
    }
}

#[test]
fn every_case_and_every_fault_stands_in_the_table() {
    let suite = Suite::embedded().expect("the pages are in order");
    let table = Table::committed(&suite);
    let proven: BTreeSet<&str> = table.0.values().flat_map(Block::proofs).map(|proof| &*proof.case).collect();
    let never: Vec<&String> = suite
        .cases
        .iter()
        .filter(|case| tried(case))
        .map(|case| &case.id)
        .filter(|id| !proven.contains(id.as_str()))
        .collect();
    assert!(never.is_empty(), "cases without a fault in the table, which `just bless` writes: {never:#?}");
    for fault in faults::all() {
        let clause = fault.clause;
        assert!(suite.catalogue.clause(clause).is_some(), "{}: there is no clause {clause}", fault.name);
        let block = table.0.get(fault.name);
        let block = block.unwrap_or_else(|| panic!("{} is not in the table: `just bless`", fault.name));
        assert_eq!(block.clause, clause, "{}: `just bless` writes the table", fault.name);
    }
    for name in table.0.keys() {
        assert!(faults::by_name(name).is_some(), "{name} is in the table and is no fault: `just bless`");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_is_caught_by_a_finding_against_its_clause() {
    let suite = Arc::new(Suite::embedded().expect("the pages are in order"));
    if blessing() {
        return bless(&suite).await;
    }
    let table = Table::committed(&suite);
    let missed: Vec<String> = check(&suite, &table, AGAIN).await.iter().map(Miss::to_string).collect();
    assert!(missed.is_empty(), "what the table says does not hold:\n{}", missed.join("\n"));
}

/// Faults by which what is published for one channel shows on another, or ends what others wait for, with the pages that see
/// them.
const LEAKS: [(&str, &[&str]); 8] = [
    ("polls-are-told-by-their-beginning", &["polling/6202-2.1", "long-polling/6202-5"]),
    ("pages-are-told-by-their-beginning", &["iframe/3"]),
    ("publications-are-told-by-their-beginning", &["sse/9.2.3"]),
    ("channels-are-told-by-their-beginning", &["sse/9.2.3"]),
    ("replay-is-of-all-channels", &["sse/9.2.4"]),
    ("subscriptions-are-told-by-their-beginning", &["websocket/5.1-push"]),
    ("store-wakes-those-who-wait", &["long-polling/6202-2.1", "long-polling/6202-5"]),
    ("empty-answer-begins-anew", &["long-polling/6202-2.1", "long-polling/6202-5"]),
];

/// Cases that run at once see what one publishes for another by chance. With one job each leak needs a case of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_job_sees_every_leak_between_channels() {
    let suite = Arc::new(Suite::embedded().expect("the pages are in order"));
    let mut running = JoinSet::new();
    for (name, pages) in LEAKS {
        let fault = faults::by_name(name).expect("the fault exists");
        let suite = Arc::clone(&suite);
        running.spawn(async move {
            let select = pages.iter().map(|page| Pattern::new(page)).collect();
            let seen = judge_with(&suite, fault, select, 0, 1).await;
            seen.catches(fault).is_empty().then(|| format!("{name}: {}", seen.summary()))
        });
    }
    let missed: Vec<String> = running.join_all().await.into_iter().flatten().collect();
    assert!(missed.is_empty(), "leaks that one job does not see: {missed:#?}");
}

/// Whether the table is to be written rather than held against what happens. Without the feature it is read only.
fn blessing() -> bool {
    cfg!(feature = "matrix") && std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always")
}

/// What does not hold of a block.
#[derive(Debug)]
struct Miss {
    fault: &'static Fault,
    /// Whether the fault is not caught.
    is_uncaught: bool,
    /// The cases that do not fail.
    passed: Vec<Proof>,
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_uncaught {
            writeln!(f, "{}: nothing is found against {}", self.fault.name, self.fault.clause)?;
        }
        self.passed.iter().try_for_each(|proof| writeln!(f, "{}: {proof} does not fail", self.fault.name))
    }
}

/// Tries every fault with the case that must catch it, and in the matrix with the rest of its block. What does not hold
/// is tried again, so many times, with little beside it.
async fn check(suite: &Arc<Suite>, table: &Table, again: usize) -> Vec<Miss> {
    let blocks = faults::all().filter_map(|fault| Some((fault, table.0.get(fault.name)?.clone())));
    let mut missed = check_once(suite, blocks.collect(), 0, AT_ONCE).await;
    for attempt in 1..=again {
        let blocks = missed.drain(..).map(|miss| {
            let others = miss.passed.into_iter().collect();
            (miss.fault, Block { others, ..table.0[miss.fault.name].clone() })
        });
        let blocks = blocks.collect();
        missed = check_once(suite, blocks, attempt, AT_ONCE_AGAIN).await;
    }
    missed
}

async fn check_once(
    suite: &Arc<Suite>,
    blocks: Vec<(&'static Fault, Block)>,
    attempt: usize,
    at_once: usize,
) -> Vec<Miss> {
    let moves_megabytes = |(_, block): &(_, Block)| block.wanted().any(|proof| proof.case.starts_with(BULK));
    let (bulk, others): (Vec<_>, Vec<_>) = blocks.into_iter().partition(moves_megabytes);
    let mut missed = Vec::new();
    for (blocks, at_once) in [(others, at_once), (bulk, BULK_AT_ONCE)] {
        let mut running = JoinSet::new();
        let slots = Arc::new(Semaphore::new(at_once));
        for (fault, block) in blocks {
            let (suite, slots) = (Arc::clone(suite), Arc::clone(&slots));
            running.spawn(async move {
                let _slot = slots.acquire().await;
                try_block(&suite, fault, &block, attempt).await
            });
        }
        missed.extend(running.join_all().await.into_iter().flatten());
    }
    missed
}

async fn try_block(suite: &Suite, fault: &'static Fault, block: &Block, attempt: usize) -> Option<Miss> {
    let seen = judge(suite, fault, block.wanted().flat_map(Proof::patterns).collect(), attempt).await;
    let mut is_uncaught = !seen.against(&block.caught_by.case, fault.clause);
    // The traffic that is named for an invariant must show the fault by itself.
    if block.caught_by.seen_in.is_some() && block.wanted().count() > 1 {
        let alone = judge(suite, fault, block.caught_by.patterns().collect(), attempt).await;
        is_uncaught = !alone.against(&block.caught_by.case, fault.clause);
    }
    let passed: Vec<Proof> = block.wanted().filter(|proof| !seen.fails(&proof.case)).cloned().collect();
    (is_uncaught || !passed.is_empty()).then_some(Miss { fault, is_uncaught, passed })
}

/// Writes the table: what of it holds, and what is found for the rest.
async fn bless(suite: &Arc<Suite>) {
    let mut table = Table::committed(suite);
    table.0.retain(|name, block| faults::by_name(name).is_some_and(|fault| fault.clause == block.clause));
    let mut others = BTreeMap::new();
    for miss in check(suite, &table, 1).await {
        let Some(mut block) = table.0.remove(miss.fault.name) else { continue };
        block.others.retain(|proof| !miss.passed.contains(proof));
        if miss.is_uncaught {
            others.insert(miss.fault.name, block.others);
        } else {
            table.0.insert(miss.fault.name.to_owned(), block);
        }
    }
    let uncaught = find_catches(suite, &mut table).await;
    for (name, others) in others {
        if let Some(block) = table.0.get_mut(name) {
            block.others.extend(others.into_iter().filter(|proof| *proof != block.caught_by));
        }
    }
    find_proofs(suite, &mut table).await;
    insta::assert_snapshot!("matrix", table.print(suite));
    assert!(uncaught.is_empty(), "faults without a finding against their clause:\n{}", uncaught.join("\n"));
    let proven: BTreeSet<&str> = table.0.values().flat_map(Block::proofs).map(|proof| &*proof.case).collect();
    let never: Vec<&str> = suite
        .cases
        .iter()
        .filter(|case| tried(case))
        .map(|case| &*case.id)
        .filter(|id| !proven.contains(id))
        .collect();
    assert!(never.is_empty(), "cases that no fault fails: {never:#?}");
}

/// Tries the faults that are not in the table with all cases that may see them. Says what is found instead where
/// nothing is found against their clause.
async fn find_catches(suite: &Arc<Suite>, table: &mut Table) -> Vec<String> {
    let mut uncaught = Vec::new();
    let mut running = JoinSet::new();
    let slots = Arc::new(Semaphore::new(AT_ONCE_WITH_ALL));
    let missing: Vec<&'static Fault> =
        faults::all().filter(|fault| !table.0.contains_key(fault.name)).collect();
    for fault in missing {
        let (suite, slots) = (Arc::clone(suite), Arc::clone(&slots));
        running.spawn(async move {
            let _slot = slots.acquire().await;
            let (mut seen, mut caught_by) = (Seen::default(), None);
            for select in [cases_of(&suite, fault), pages(&suite, fault)] {
                if caught_by.is_none() && !select.is_empty() {
                    seen = judge(&suite, fault, select, 0).await;
                    caught_by = catch_alone(&suite, fault, &seen).await;
                }
            }
            (fault, seen, caught_by)
        });
    }
    while let Some(tried) = running.join_next().await {
        let (fault, seen, caught_by) = tried.expect("no panic");
        let Some(caught_by) = caught_by else {
            uncaught.push(format!("{} ({}): {}", fault.name, fault.clause, seen.summary()));
            continue;
        };
        let proofs = seen.proofs().into_iter();
        let others = proofs.filter(|proof| !table.proves(&proof.case) && *proof != caught_by).collect();
        let block = Block { clause: fault.clause.to_owned(), caught_by, others };
        table.0.insert(fault.name.to_owned(), block);
    }
    uncaught
}

/// The first of the cases that caught a fault that does so without the others, too.
async fn catch_alone(suite: &Suite, fault: &'static Fault, seen: &Seen) -> Option<Proof> {
    for proof in seen.catches(fault).into_iter().take(CANDIDATES) {
        let alone = judge(suite, fault, proof.patterns().collect(), 0).await;
        if alone.against(&proof.case, fault.clause) {
            return Some(proof);
        }
    }
    None
}

/// Looks for a fault for each case that stands nowhere in the table: first among those of its technique.
async fn find_proofs(suite: &Arc<Suite>, table: &mut Table) {
    let (http, of_techniques): (Vec<_>, Vec<_>) = faults::all().partition(|fault| fault.technique == "http");
    let mut order: Vec<&'static Fault> = of_techniques.into_iter().chain(http).collect();
    // What is said of compression is shown by what goes wrong there, before all that ends a WebSocket anyway.
    order.sort_by_key(|fault| !fault.clause.starts_with("rfc7692"));
    for some in order.chunks(AT_ONCE_WITH_ALL) {
        let mut running = JoinSet::new();
        for &fault in some {
            let sees = |case: &&Case| tried(case) && !table.proves(&case.id) && can_see(case, fault);
            let select = suite.cases.iter().filter(sees).map(|case| Pattern::new(&case.id));
            let (suite, select) = (Arc::clone(suite), select.collect::<Vec<_>>());
            if !select.is_empty() {
                running.spawn(async move { (fault, judge(&suite, fault, select, 0).await) });
            }
        }
        for (fault, seen) in running.join_all().await {
            let found: Vec<Proof> =
                seen.proofs().into_iter().filter(|proof| !table.proves(&proof.case)).collect();
            if let Some(block) = table.0.get_mut(fault.name) {
                block.others.extend(found);
            }
        }
    }
}

/// The cases that judge a clause. Where an invariant does, the first case of each page makes traffic for it.
fn cases_of(suite: &Suite, fault: &Fault) -> Vec<Pattern> {
    let mut cases: Vec<&Case> = suite
        .cases
        .iter()
        .filter(|case| tried(case))
        .filter(|case| case.clauses().contains(&fault.clause))
        .collect();
    let invariants: BTreeSet<&str> =
        cases.iter().filter(|case| case.invariant().is_some()).map(|case| &*case.folder).collect();
    let mut pages = BTreeSet::new();
    let traffic = suite.cases.iter().filter(|case| {
        let here =
            invariants.contains(&*case.folder) || (invariants.contains("http") && case.folder == "sse");
        here && tried(case)
            && case.invariant().is_none()
            && case.page.path != BULK
            && pages.insert(&case.page.path)
    });
    cases.extend(traffic);
    cases.into_iter().map(|case| Pattern::new(&case.id)).collect()
}

/// The pages whose cases may see a fault.
fn pages(suite: &Suite, fault: &Fault) -> Vec<Pattern> {
    let cases = suite.cases.iter().filter(|case| tried(case) && can_see(case, fault));
    let pages: BTreeSet<&str> = cases.map(|case| &*case.page.path).collect();
    pages.into_iter().map(Pattern::new).collect()
}

/// Whether a case is tried. What is quiet for a minute is not: each such page has a case of three seconds beside it, in the
/// page of its section, that differs from it in the time alone. What only TLS adds is tried in `tests/tls.rs`: the relay
/// speaks in the clear.
fn tried(case: &Case) -> bool {
    !case.section().front_matter.slow && case.invariant() != Some("tls-closure-alert")
}

/// Whether a case may see a fault: one of a technique is not applied to requests for the others.
fn can_see(case: &Case, fault: &Fault) -> bool {
    fault.technique == "http" || case.folder == "http" || case.folder == fault.technique
}

/// Runs selected cases against a server with the fault.
async fn judge(suite: &Suite, fault: &'static Fault, select: Vec<Pattern>, attempt: usize) -> Seen {
    let jobs = Options::default().jobs;
    judge_with(suite, fault, select, attempt, jobs).await
}

/// The same with so many cases at once.
async fn judge_with(
    suite: &Suite,
    fault: &'static Fault,
    select: Vec<Pattern>,
    attempt: usize,
    jobs: usize,
) -> Seen {
    // A server of its own: the channels of all faults together are more than one server keeps.
    let server = Server::start(Config::default()).await.expect("the server starts");
    let relay = Relay::start(server.address(), fault).expect("the relay starts");
    // The masking keys and the keys of opening handshakes follow from the tag: they are the same in each run.
    let tag = Some(format!("{}{attempt}", fault.name.len()));
    let options = Options { select, jobs, tag, again: false, probe: false, ..Options::default() };
    let outcome = suite.run(&target(relay.address()), &options).await.expect("the suite runs");
    drop(relay);
    server.shutdown().await;
    Seen::of(&outcome)
}

fn target(address: SocketAddr) -> Arc<Target> {
    let profile = Profile::reference().expect("the profile is in order");
    Arc::new(Target::new(&format!("http://{address}"), profile).expect("the URL is in order"))
}

/// What was found against each clause, by case.
#[derive(Default)]
struct Seen(BTreeMap<String, Found>);

struct Found {
    clauses: BTreeSet<String>,
    /// The case in whose traffic an invariant was broken.
    seen_in: Option<String>,
    took: std::time::Duration,
}

impl From<(&String, &Found)> for Proof {
    fn from((case, found): (&String, &Found)) -> Proof {
        Proof { case: case.clone(), seen_in: found.seen_in.clone() }
    }
}

impl Seen {
    fn of(outcome: &Outcome) -> Seen {
        // A precondition that the profile may have caused to fail is an error and accuses nobody: it stands for its clause.
        let is_error = |case: &CaseOutcome| case.verdict == Verdict::Error && case.case.is_precondition();
        let failed = outcome.cases.iter().filter(|case| !case.findings.is_empty() || is_error(case));
        let found = failed.map(|case| {
            let mut clauses: BTreeSet<String> =
                case.findings.iter().map(|finding| finding.clause.clone()).collect();
            if is_error(case) {
                clauses.insert(case.case.clause().to_owned());
            }
            let seen_in = case.findings.iter().find_map(|finding| finding.seen_in.clone());
            (case.case.id.clone(), Found { clauses, seen_in, took: case.duration })
        });
        Seen(found.collect())
    }

    fn fails(&self, case: &str) -> bool {
        self.0.contains_key(case)
    }

    fn against(&self, case: &str, clause: &str) -> bool {
        self.0.get(case).is_some_and(|found| found.clauses.contains(clause))
    }

    /// The cases that catch a fault: those that do it soonest first, and a conversation before an invariant.
    fn catches(&self, fault: &Fault) -> Vec<Proof> {
        let mut catches: Vec<(&String, &Found)> =
            self.0.iter().filter(|(_, found)| found.clauses.contains(fault.clause)).collect();
        catches.sort_by_key(|(case, found)| (found.seen_in.is_some(), found.took, *case));
        catches.into_iter().map(Proof::from).collect()
    }

    fn proofs(&self) -> Vec<Proof> {
        self.0.iter().map(Proof::from).collect()
    }

    fn summary(&self) -> String {
        let mut cases: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (case, found) in &self.0 {
            for clause in &found.clauses {
                cases.entry(clause).or_default().push(case);
            }
        }
        let clauses =
            cases.into_iter().map(|(clause, cases)| format!("{clause} by {} ({})", cases[0], cases.len()));
        clauses.collect::<Vec<_>>().join(", ")
    }
}
