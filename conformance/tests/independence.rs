//! The reference server shares no protocol code with the suite: otherwise one mistake hides on both sides.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand};

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

/// The names of the crates that the library brings into the build of somebody's tests.
fn library_with(features: &[&str]) -> Result<BTreeSet<String>, cargo_metadata::Error> {
    let mut command = MetadataCommand::new();
    command.features(CargoOpt::NoDefaultFeatures).features(CargoOpt::SomeFeatures(
        features.iter().map(|feature| format!("pushspec/{feature}")).collect(),
    ));
    let metadata = command.exec()?;
    let resolve = metadata.resolve.as_ref();
    let nodes: BTreeMap<_, _> =
        resolve.iter().flat_map(|resolve| &resolve.nodes).map(|node| (&node.id, node)).collect();
    let library = metadata.packages.iter().find(|package| package.name.as_str() == "pushspec");
    let mut found = BTreeSet::new();
    let mut todo: Vec<_> = library.iter().map(|package| &package.id).collect();
    while let Some(id) = todo.pop() {
        let needs = nodes.get(id).into_iter().flat_map(|node| &node.deps);
        let normal = needs
            .filter(|need| need.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal))
            .map(|need| &need.pkg);
        todo.extend(normal.filter(|id| found.insert((*id).clone())));
    }
    let named = metadata.packages.iter().filter(|package| found.contains(&package.id));
    Ok(named.map(|package| package.name.to_string()).collect())
}

#[test]
fn the_library_brings_neither_faults_nor_reports_nor_a_server() -> Result<(), cargo_metadata::Error> {
    let only_the_program_needs = [
        "pushspec-faults",
        "pushspec-reference",
        "quick-junit",
        "maud",
        "quick-xml",
        "chrono",
        "jiff",
        "anstyle",
        "clap",
        "indicatif",
        "reqwest",
        "axum",
        "toml_edit",
        "rustls",
    ];
    let library = library_with(&[])?;
    assert!(library.contains("pushspec-wire"), "{library:?}");
    for name in only_the_program_needs {
        assert!(!library.contains(name), "the library brings {name}");
    }
    Ok(())
}

#[test]
fn the_faults_know_the_scanners_and_nothing_else_of_the_suite() -> Result<(), cargo_metadata::Error> {
    let metadata = MetadataCommand::new().no_deps().exec()?;
    let faults = metadata.packages.iter().find(|package| package.name.as_str() == "pushspec-faults");
    let mut needed: Vec<&str> = faults
        .iter()
        .flat_map(|package| &package.dependencies)
        .map(|dependency| dependency.name.as_str())
        .collect();
    needed.sort_unstable();
    // A hash and its spelling for the answer to a key, JSON for the answers to polls, sockets and a clock.
    assert_eq!(needed, ["base64", "pushspec-wire", "serde_json", "sha1", "tokio"]);
    Ok(())
}
