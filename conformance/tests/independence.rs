//! The reference server shares no protocol code with the suite: otherwise one mistake hides on both sides.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// The names of the crates that a member needs, tests included, through all levels.
fn dependencies(metadata: &Metadata, member: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut todo = vec![member.to_owned()];
    while let Some(name) = todo.pop() {
        let packages = metadata.packages.iter().filter(|package| package.name.as_str() == name);
        for dependency in packages.flat_map(|package| &package.dependencies) {
            let counts = dependency.kind != DependencyKind::Development || name == member;
            if counts && found.insert(dependency.name.clone()) {
                todo.push(dependency.name.clone());
            }
        }
    }
    found
}

#[test]
fn the_reference_server_knows_nothing_of_the_suite() -> Result<(), cargo_metadata::Error> {
    let metadata = MetadataCommand::new().exec()?;
    let needed = dependencies(&metadata, "pushspec-reference");
    assert!(needed.contains("hyper") && needed.contains("tokio-tungstenite"), "{needed:?}");
    let shared: Vec<&String> = needed.iter().filter(|name| name.starts_with("pushspec")).collect();
    assert_eq!(shared, Vec::<&String>::new());
    Ok(())
}

#[test]
fn the_scanners_depend_on_nothing() -> Result<(), cargo_metadata::Error> {
    let metadata = MetadataCommand::new().no_deps().exec()?;
    let wire = metadata.packages.iter().find(|package| package.name.as_str() == "pushspec-wire");
    let needed: Vec<&str> = wire
        .iter()
        .flat_map(|package| &package.dependencies)
        .filter(|dependency| dependency.kind == DependencyKind::Normal)
        .map(|dependency| dependency.name.as_str())
        .collect();
    assert!(wire.is_some());
    assert_eq!(needed, Vec::<&str>::new());
    Ok(())
}

#[test]
fn the_suite_reads_frames_with_no_library_that_the_reference_server_reads_them_with()
-> Result<(), cargo_metadata::Error> {
    let metadata = MetadataCommand::new().no_deps().exec()?;
    let suite = metadata.packages.iter().find(|package| package.name.as_str() == "pushspec");
    let needed: Vec<&str> = suite
        .iter()
        .flat_map(|package| &package.dependencies)
        .filter(|dependency| dependency.kind == DependencyKind::Normal)
        .map(|dependency| dependency.name.as_str())
        .collect();
    for parser in ["tungstenite", "tokio-tungstenite", "hyper", "httparse"] {
        assert!(!needed.contains(&parser), "the suite depends on {parser}");
    }
    Ok(())
}
