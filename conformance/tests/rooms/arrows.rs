//! Which file of a crate imports which.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use syn::visit::{self, Visit};

use crate::source::{Tree, is_for_tests};

/// A file that names something of another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Arrow {
    pub(crate) from: String,
    pub(crate) to: String,
}

impl fmt::Display for Arrow {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} -> {}", self.from, self.to)
    }
}

/// All arrows of a crate. A name that a front re-exports leads to the file that defines it.
pub(crate) fn of(tree: &Tree) -> BTreeSet<Arrow> {
    let named: BTreeMap<&str, Names> = tree.files().map(|file| (file, Names::of(tree, file))).collect();
    let mut arrows = BTreeSet::new();
    for (from, names) in &named {
        for path in &names.used {
            let to = resolve(&named, from, path).filter(|to| to != from && !is_within(to, from));
            arrows.extend(to.map(|to| Arrow { from: (*from).to_owned(), to }));
        }
    }
    arrows
}

/// Whether a file stands in the room whose front another one is.
fn is_within(file: &str, front: &str) -> bool {
    front == "lib" || file.strip_prefix(front).is_some_and(|rest| rest.starts_with('/'))
}

/// The circles, each as its files and the arrows among them.
pub(crate) fn circles(arrows: &BTreeSet<Arrow>) -> Vec<String> {
    let files: BTreeSet<&str> = arrows.iter().map(|arrow| arrow.from.as_str()).collect();
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        files.iter().map(|file| (*file, reachable(arrows, file))).collect();
    let reaches = |from: &str, to: &str| reach.get(from).is_some_and(|there| there.contains(to));
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let mut circles = Vec::new();
    for file in files {
        if told.contains(file) || !reaches(file, file) {
            continue;
        }
        let circle: BTreeSet<&str> =
            reach[file].iter().copied().filter(|other| reaches(other, file)).collect();
        let among = |arrow: &&Arrow| circle.contains(&*arrow.from) && circle.contains(&*arrow.to);
        let among: Vec<String> = arrows.iter().filter(among).map(ToString::to_string).collect();
        circles.push(among.join(", "));
        told.extend(circle);
    }
    circles
}

fn reachable<'a>(arrows: &'a BTreeSet<Arrow>, file: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut todo = vec![file];
    while let Some(from) = todo.pop() {
        for arrow in arrows.iter().filter(|arrow| arrow.from == from) {
            if found.insert(arrow.to.as_str()) {
                todo.push(&arrow.to);
            }
        }
    }
    found
}

type Path = Vec<String>;

/// The paths that a file names.
#[derive(Default)]
struct Names {
    used: BTreeSet<Path>,
    /// What it re-exports from the files below it: a name, and where it comes from.
    exported: BTreeMap<String, Path>,
    /// Re-exports of everything.
    globs: Vec<Path>,
    /// The names that it defines itself.
    defined: BTreeSet<String>,
}

impl Names {
    fn of(tree: &Tree, file: &str) -> Names {
        let mut names = Names::default();
        let Some(syntax) = tree.syntax(file) else { return names };
        for item in &syntax.items {
            names.item(item);
        }
        names
    }

    fn item(&mut self, item: &syn::Item) {
        match item {
            syn::Item::Use(item) if !is_for_tests(&item.attrs) => {
                let mut paths = Vec::new();
                flatten(&item.tree, &mut Vec::new(), &mut paths);
                let is_public = !matches!(item.vis, syn::Visibility::Inherited);
                for (path, name) in paths {
                    self.import(path, name, is_public);
                }
            }
            syn::Item::Mod(item) if is_for_tests(&item.attrs) => {}
            other => {
                self.defined.extend(name_of(other));
                self.visit_item(other);
            }
        }
    }

    fn import(&mut self, path: Path, name: Option<String>, is_public: bool) {
        let from_below = !matches!(path.first().map(String::as_str), Some("crate" | "super"));
        match name {
            Some(name) if is_public && from_below => {
                self.exported.insert(name, path);
            }
            None if is_public && from_below => self.globs.push(path),
            _ => {
                self.used.insert(path);
            }
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let mut paths = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut paths);
        self.used.extend(paths.into_iter().map(|(path, _)| path));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Path = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.used.insert(segments);
        }
        visit::visit_path(self, path);
    }
}

fn name_of(item: &syn::Item) -> Option<String> {
    let name = match item {
        syn::Item::Const(item) => &item.ident,
        syn::Item::Enum(item) => &item.ident,
        syn::Item::Fn(item) => &item.sig.ident,
        syn::Item::Static(item) => &item.ident,
        syn::Item::Struct(item) => &item.ident,
        syn::Item::Trait(item) => &item.ident,
        syn::Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// Each path of a `use` with the name that it gets; none for `*`.
fn flatten(tree: &syn::UseTree, before: &mut Path, paths: &mut Vec<(Path, Option<String>)>) {
    match tree {
        syn::UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, paths);
            before.pop();
        }
        syn::UseTree::Name(name) if name.ident == "self" => {
            paths.push((before.clone(), before.last().cloned()));
        }
        syn::UseTree::Name(name) => paths.push((joined(before, &name.ident), Some(name.ident.to_string()))),
        syn::UseTree::Rename(name) => {
            paths.push((joined(before, &name.ident), Some(name.rename.to_string())));
        }
        syn::UseTree::Glob(_) => paths.push((before.clone(), None)),
        syn::UseTree::Group(group) => group.items.iter().for_each(|item| flatten(item, before, paths)),
    }
}

fn joined(before: &Path, last: &syn::Ident) -> Path {
    before.iter().cloned().chain([last.to_string()]).collect()
}

/// The file that a path leads to, as seen from a file; nothing for what is outside the crate.
fn resolve(named: &BTreeMap<&str, Names>, from: &str, path: &Path) -> Option<String> {
    let mut module: Vec<&str> = match from {
        "lib" | "main" => Vec::new(),
        file => file.split('/').collect(),
    };
    let mut rest = path.as_slice();
    match rest.first()?.as_str() {
        "crate" => module.clear(),
        "self" | "super" => {}
        first => {
            let below = module.iter().copied().chain([first]).collect::<Vec<_>>().join("/");
            named.contains_key(below.as_str()).then_some(())?;
        }
    }
    while let Some(("crate" | "self" | "super", behind)) =
        rest.split_first().map(|(word, behind)| (word.as_str(), behind))
    {
        if rest[0] == "super" {
            module.pop()?;
        }
        rest = behind;
    }
    let mut file = module.join("/");
    for (index, word) in rest.iter().enumerate() {
        let below = if file.is_empty() { word.clone() } else { format!("{file}/{word}") };
        if named.contains_key(below.as_str()) {
            file = below;
        } else {
            return Some(definition(named, &file, &rest[index..]));
        }
    }
    Some(if file.is_empty() { "lib".to_owned() } else { file })
}

/// The file that defines a name which another one may re-export.
fn definition(named: &BTreeMap<&str, Names>, file: &str, rest: &[String]) -> String {
    let file = if file.is_empty() { "lib" } else { file };
    let Some(front) = named.get(file) else { return file.to_owned() };
    if let Some(path) = front.exported.get(&rest[0]) {
        return resolve(named, file, path).unwrap_or_else(|| file.to_owned());
    }
    let globs = front.globs.iter().filter_map(|path| resolve(named, file, path));
    let defines =
        |there: &String| named.get(there.as_str()).is_some_and(|there| there.defined.contains(&rest[0]));
    globs.into_iter().find(defines).unwrap_or_else(|| file.to_owned())
}
