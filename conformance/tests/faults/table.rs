//! The table of faults and cases, as it is committed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use pushspec::suite::{Pattern, Suite};
use pushspec_faults as faults;

/// A case that fails under a fault.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Proof {
    pub(crate) case: String,
    /// For an invariant: the case whose traffic shows it.
    pub(crate) seen_in: Option<String>,
}

impl Proof {
    pub(crate) fn parse(text: &str) -> Proof {
        match text.split_once(" in ") {
            Some((case, seen_in)) => Proof { case: case.to_owned(), seen_in: Some(seen_in.to_owned()) },
            None => Proof { case: text.to_owned(), seen_in: None },
        }
    }

    pub(crate) fn patterns(&self) -> impl Iterator<Item = Pattern> {
        [Some(&self.case), self.seen_in.as_ref()].into_iter().flatten().map(|id| Pattern::new(id))
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.case)?;
        self.seen_in.iter().try_for_each(|seen_in| write!(f, " in {seen_in}"))
    }
}

/// What the table says of a fault.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) clause: String,
    /// The case that must catch the fault with a finding against its clause.
    pub(crate) caught_by: Proof,
    /// Cases that fail, and for which this fault stands as the proof.
    pub(crate) others: BTreeSet<Proof>,
}

impl Block {
    pub(crate) fn proofs(&self) -> impl Iterator<Item = &Proof> {
        std::iter::once(&self.caught_by).chain(&self.others)
    }

    /// Those that are tried.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = &Proof> {
        self.proofs().take(if cfg!(feature = "matrix") { usize::MAX } else { 1 })
    }
}

/// The table, by the name of the fault.
#[derive(Debug, Default)]
pub(crate) struct Table(pub(crate) BTreeMap<String, Block>);

impl Table {
    pub(crate) fn committed(suite: &Suite) -> Table {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/faults__matrix.snap");
        let text = std::fs::read_to_string(path).expect("the table is committed; `just bless` writes it");
        let table = text.splitn(3, "---\n").nth(2).unwrap_or_default();
        Table(table.trim_end().split("\n\n").filter_map(|block| block_of(suite, block)).collect())
    }

    pub(crate) fn proves(&self, case: &str) -> bool {
        self.0.values().flat_map(Block::proofs).any(|proof| proof.case == case)
    }

    /// A block of lines for each fault: the clause and the case that must catch it, and the other cases.
    pub(crate) fn print(&self, suite: &Suite) -> String {
        let blocks = faults::all().filter_map(|fault| {
            let block = self.0.get(fault.name)?;
            let mut text = format!("{}\n    {}: {}\n", fault.name, block.clause, block.caught_by);
            for line in compressed(suite, &block.others) {
                let _ = writeln!(text, "    {line}");
            }
            Some(text)
        });
        blocks.collect::<Vec<_>>().join("\n")
    }
}

fn block_of(suite: &Suite, text: &str) -> Option<(String, Block)> {
    let mut lines = text.lines();
    let name = lines.next()?.to_owned();
    let (clause, caught_by) = lines.next()?.trim().split_once(": ")?;
    // A case that is no more proves nothing.
    let exists = |proof: &Proof| {
        let exists = |id: &String| suite.cases.iter().any(|case| case.id == *id);
        exists(&proof.case) && proof.seen_in.iter().all(exists)
    };
    let others = lines.flat_map(|line| expanded(suite, line.trim())).filter(exists).collect();
    let caught_by = Some(Proof::parse(caught_by)).filter(exists)?;
    Some((name, Block { clause: clause.to_owned(), caught_by, others }))
}

/// The cases of a line: those of a whole family, or one.
fn expanded(suite: &Suite, line: &str) -> Vec<Proof> {
    match line.strip_suffix("[*]") {
        Some(name) => {
            let members = suite.cases.iter().filter(|case| family(&case.id) == name);
            members.map(|case| Proof { case: case.id.clone(), seen_in: None }).collect()
        }
        None => vec![Proof::parse(line)],
    }
}

/// The cases, with one line for a family of which all members are there.
fn compressed(suite: &Suite, proofs: &BTreeSet<Proof>) -> Vec<String> {
    let mut families: BTreeMap<&str, Vec<&Proof>> = BTreeMap::new();
    for proof in proofs {
        families.entry(family(&proof.case)).or_default().push(proof);
    }
    let mut lines = Vec::new();
    for (name, there) in families {
        let members = suite.cases.iter().filter(|case| family(&case.id) == name).count();
        if there.len() == members && members > 1 {
            lines.push(format!("{name}[*]"));
        } else {
            lines.extend(there.into_iter().map(Proof::to_string));
        }
    }
    lines
}

fn family(id: &str) -> &str {
    id.split('[').next().unwrap_or(id)
}
