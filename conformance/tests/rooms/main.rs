//! The house has rooms with arrows in one direction: no file imports another in a circle, and no room one above it.
//!
//! A room is a folder, and `mod.rs` is its front: that the front names the files of its own room is what a room is made
//! of, and no arrow. A file that uses what its front defines is one.

mod arrows;
mod source;

use std::path::Path;

use arrows::{Arrow, circles};
use source::Tree;

/// The folders whose files are looked at, each the source of one crate, from the root of the workspace.
const CRATES: [&str; 4] =
    ["conformance/src", "conformance/wire/src", "conformance/faults/src", "reference-server/src"];

/// The crates of which ARCHITECTURE.md writes down the order of rooms, each under the name of its fence.
const ORDERED: [(&str, &str); 1] = [("conformance/src", "rooms")];

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new("."))
}

fn tree(folder: &str) -> Tree {
    Tree::read(&workspace().join(folder))
}

/// The rooms in the order of ARCHITECTURE.md, the lowest first: a word of a line each, in a fence of this name. Rooms
/// within a room are written `judge/receive`.
fn order(fence: &str) -> Vec<String> {
    let page =
        std::fs::read_to_string(workspace().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is there");
    let start = format!("```{fence}\n");
    let (_, rest) = page.split_once(&start).expect("ARCHITECTURE.md has the fence with the order of rooms");
    let (block, _) = rest.split_once("```").expect("the fence is closed");
    block.split_whitespace().filter(|word| *word != "<-").map(str::to_owned).collect()
}

/// The place of a file in the order: the longest room that holds it.
fn place(order: &[String], file: &str) -> Option<usize> {
    let holds =
        |room: &str| file.strip_prefix(room).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let rooms = order.iter().enumerate().filter(|(_, room)| holds(room));
    rooms.max_by_key(|(_, room)| room.len()).map(|(place, _)| place)
}

#[test]
fn no_file_imports_another_in_a_circle() {
    let mut found = Vec::new();
    for folder in CRATES {
        let arrows = arrows::of(&tree(folder));
        assert!(arrows.len() > 5, "the reader of imports finds almost none in {folder}: {arrows:?}");
        found.extend(circles(&arrows).into_iter().map(|circle| format!("{folder}: {circle}")));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn arrows_between_rooms_go_down_only() {
    for (folder, fence) in ORDERED {
        let order = order(fence);
        let tree = tree(folder);
        let outside: Vec<&str> = tree.files().filter(|file| place(&order, file).is_none()).collect();
        assert_eq!(outside, ["lib", "main"], "files of {folder} without a room in ARCHITECTURE.md");
        for room in &order {
            assert!(
                tree.files().any(|file| place(&order, file) == order.iter().position(|known| known == room)),
                "ARCHITECTURE.md names the room `{room}`, which holds no file of {folder}"
            );
        }
        let is_up = |arrow: &&Arrow| match (place(&order, &arrow.from), place(&order, &arrow.to)) {
            (Some(from), Some(to)) => to > from,
            _ => false,
        };
        let arrows = arrows::of(&tree);
        let up: Vec<String> = arrows.iter().filter(is_up).map(ToString::to_string).collect();
        assert!(up.is_empty(), "arrows that run up in {folder}:\n{}", up.join("\n"));
    }
}

/// Bounds of the judge, which every technique passes through.
#[test]
fn the_judge_stays_in_small_pieces() {
    let tree = tree("conformance/src");
    let mut large = Vec::new();
    for file in tree.files().filter(|file| file.starts_with("judge/")) {
        let (lines, functions) = (tree.lines(file), tree.functions(file));
        large.extend((lines > 400).then(|| format!("{file}: {lines} lines")));
        let long = functions.into_iter().filter(|(_, length)| *length > 45);
        large.extend(long.map(|(name, length)| format!("{file}: {name} has {length} lines")));
    }
    assert!(large.is_empty(), "{}", large.join("\n"));
    let fields = tree.fields("Machine");
    assert!((1..=8).contains(&fields), "Machine has {fields} fields");
}
